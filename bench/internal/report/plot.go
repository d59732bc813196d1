package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/offloadhq/offload/bench/internal/engine"
	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// Plots returns the pictures of the page by their file names.
func Plots(r *plan.Results) map[string]string {
	return map[string]string{
		"cpu.svg":   bars("CPU of the host for one task, round trip 0 ms, 64 goroutines", cpuBars(r), micros),
		"rate.svg":  bars(fmt.Sprintf("Tasks a second, round trip 10 ms, %d goroutines", widest(r)), rateBars(r, widest(r)), rate),
		"fire.svg":  ranges("One call, p50 – p99, round trip 10 ms, 64 goroutines", fireRanges(r), micros),
		"start.svg": ranges("From the call to the start of the handler, idle, p50 – worst", startRanges(r), micros),
	}
}

// toSQS, toPeers and stores are the producers in the order of the tables.
var (
	stores  = []string{queue.JournalAlways, queue.JournalInterval, queue.SQLite, queue.Bolt}
	toSQS   = []string{queue.SDK, queue.SDKPool, queue.SDKBatch, queue.Confirmed, queue.Buffered, queue.Sender}
	toPeers = []load{
		{queue.Asynq, plan.RedisTLS},
		{queue.Asynq, plan.RedisEverysec},
		{queue.Asynq, plan.RedisAlways},
		{queue.RiverInsert, plan.Postgres},
		{queue.RiverMany, plan.Postgres},
		{queue.Confirmed, plan.Near},
		{queue.Buffered, plan.Near},
	}
	engines = []string{engine.AsynqDefault, engine.AsynqTuned, engine.RiverDefault, engine.RiverTuned, engine.Offload}
)

// load is a producer and its server.
type load struct{ subject, server string }

func (l load) String() string {
	if l.subject == queue.Asynq {
		return l.subject + ", " + strings.TrimPrefix(strings.TrimPrefix(l.server, "Redis, "), "Redis ")
	}
	return l.subject
}

func ours(subject string) bool { return strings.HasPrefix(subject, "Offload") }

func cpuBars(r *plan.Results) []bar {
	var rows []bar
	add := func(l load) {
		rows = append(rows, bar{Label: l.String(), Value: r.Find(l.subject, l.server, 64).Median(measure.Sample.CPUPerTask), Ours: ours(l.subject)})
	}
	for _, subject := range toSQS {
		add(load{subject, plan.Near})
	}
	for _, l := range toPeers {
		if !ours(l.subject) {
			add(l)
		}
	}
	slices.SortStableFunc(rows, func(a, b bar) int { return cmp.Compare(b.Value, a.Value) })
	return rows
}

func rateBars(r *plan.Results, goroutines int) []bar {
	var rows []bar
	for _, subject := range toSQS {
		rows = append(rows, bar{Label: subject, Value: r.Find(subject, plan.Far, goroutines).Median(measure.Sample.Rate), Ours: ours(subject)})
	}
	return rows
}

func fireRanges(r *plan.Results) []bar {
	var rows []bar
	for _, subject := range toSQS {
		row := r.Find(subject, plan.Far, 64)
		rows = append(rows, bar{Label: subject, Value: row.Median(measure.Sample.P50Micros), High: row.Median(measure.Sample.P99Micros), Ours: ours(subject)})
	}
	return rows
}

func startRanges(r *plan.Results) []bar {
	var rows []bar
	for _, name := range engines {
		row := r.FindEngine(plan.Idle, name)
		rows = append(rows, bar{Label: name, Value: row.Median(measure.Sample.P50Micros), High: row.Median(measure.Sample.P99Micros), Ours: ours(name)})
	}
	return rows
}

// widest is the greatest number of goroutines of the plan.
func widest(r *plan.Results) int {
	most := 0
	for _, row := range r.Rows {
		most = max(most, row.Case.Goroutines)
	}
	return most
}
