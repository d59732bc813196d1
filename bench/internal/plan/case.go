// Package plan says what is measured, and runs it: each case in a process of its own, so that its CPU is that of the client
// alone; every round runs each case once, neighbours in the plan right after one another, so that their ratio holds whatever
// else the machine does.
package plan

import (
	"time"

	"github.com/offloadhq/offload/bench/internal/engine"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// Kind is what is measured of a case.
type Kind string

// The kinds.
const (
	Load       Kind = "load"       // producers, as fast as they can
	Alone      Kind = "alone"      // Fire, and nothing else
	Idle       Kind = "idle"       // an engine that has nothing else to do
	Throughput Kind = "throughput" // an engine that has more to do than it can
)

// Case is one thing to measure.
type Case struct {
	Kind       Kind
	Subject    string // a producer or a subject of package queue, or an engine of package engine
	Server     string // by its name
	Goroutines int
	Tasks      int           // Idle: how many
	Pause      time.Duration // Idle: the longest wait between two
}

// The servers that plans name.
const (
	Near          = "fake SQS, 0 ms"
	Far           = "fake SQS, 10 ms"
	RedisEverysec = "Redis, fsync every second"
	RedisAlways   = "Redis, fsync always"
	RedisTLS      = "Redis over TLS, fsync every second"
	Postgres      = "PostgreSQL"
	Emulator      = "emulator"
	InProcess     = "in process"
	Disk          = "disk"
)

// FarRoundTrip is that of the server Far.
const FarRoundTrip = 10 * time.Millisecond

// Scale is how much is measured.
type Scale struct {
	Rounds     int
	Window     time.Duration // of a load
	WarmUp     time.Duration
	Goroutines []int
	Kills      int
	Drains     int
	IdleTasks  int
}

// Full is what docs/benchmarks.md is made from; Quick shows that everything runs, and has what a gate looks at.
var (
	Full  = Scale{Rounds: 3, Window: time.Second, WarmUp: 200 * time.Millisecond, Goroutines: []int{1, 8, 64, 256}, Kills: 20, Drains: 5, IdleTasks: 30}
	Quick = Scale{Rounds: 3, Window: 250 * time.Millisecond, WarmUp: 100 * time.Millisecond, Goroutines: []int{1, 64, 256}, Kills: 2, Drains: 1, IdleTasks: 2}
)

// Cases lists one round. What is divided by one another stands side by side.
func Cases(s Scale) []Case {
	all := []Case{
		{Kind: Alone, Subject: queue.FireAlone, Server: InProcess},
		{Kind: Alone, Subject: queue.FireAppender, Server: InProcess},
		{Kind: Load, Subject: queue.Memory, Server: InProcess, Goroutines: 1},
	}
	load := func(server string, goroutines int, subjects ...string) {
		for _, subject := range subjects {
			all = append(all, Case{Kind: Load, Subject: subject, Server: server, Goroutines: goroutines})
		}
	}
	for _, server := range []string{Near, Far} {
		load(server, 1, queue.Bare)
		for _, n := range s.Goroutines {
			load(server, n, queue.Confirmed, queue.SDK, queue.SDKPool, queue.SDKBatch, queue.Sender, queue.Buffered)
			if server == Near { // the peers are near too
				load(RedisTLS, n, queue.Asynq)
				load(RedisEverysec, n, queue.Asynq)
				load(RedisAlways, n, queue.Asynq)
				load(Postgres, n, queue.RiverInsert, queue.RiverMany)
			}
		}
	}
	load(Disk, 1, queue.FireInterval)
	for _, n := range s.Goroutines {
		load(Disk, n, queue.JournalAlways, queue.SQLite, queue.Bolt, queue.JournalInterval)
	}
	return append(all, engines(s)...)
}

func engines(s Scale) []Case {
	var all []Case
	for _, e := range []struct {
		name, server string
		pause        time.Duration // the interval of its polling at least
	}{
		{engine.Offload, Emulator, 20 * time.Millisecond},
		{engine.AsynqDefault, RedisEverysec, time.Second},
		{engine.AsynqTuned, RedisEverysec, 20 * time.Millisecond},
		{engine.RiverDefault, Postgres, 200 * time.Millisecond},
		{engine.RiverTuned, Postgres, 20 * time.Millisecond},
	} {
		n := s.IdleTasks
		if e.pause == time.Second {
			n = max(2, n/3) // each takes a second
		}
		all = append(all, Case{Kind: Idle, Subject: e.name, Server: e.server, Tasks: n, Pause: e.pause})
		all = append(all, Case{Kind: Throughput, Subject: e.name, Server: e.server})
	}
	return all
}
