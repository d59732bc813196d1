package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/offloadhq/offload/bench/internal/fakesqs"
	"github.com/offloadhq/offload/bench/internal/queue"
	"github.com/offloadhq/offload/client"
)

// Child starts this program again, so that it runs [Main] with the plan.
type Child func(ctx context.Context, p Plan) (*os.Process, error)

// Loss is what one end of a process cost.
type Loss struct {
	Fired  int // Fire returned nil
	Lost   int // of those, what the server does not have
	Bound  int // the most that the client says it can lose
	AtRisk int // what was not acknowledged when the client was asked to end
	Took   time.Duration
}

const (
	killRate   = 5000
	killAfter  = 1000 // fires at least, and up to twice as many
	drainTasks = 10_000
	patience   = 5 * time.Minute // of anything: only what hangs takes it
)

// Killer ends processes and makes the account.
type Killer struct {
	Child     Child
	Server    queue.Server
	RoundTrip time.Duration // of the server
	Dir       string        // for ledgers
	runs      int
}

// Kill fires 5,000 tasks a second and sends SIGKILL at a random moment between the 1,000th and the 2,000th.
func (k *Killer) Kill(ctx context.Context, mode client.Mode) (Loss, error) {
	after := killAfter + rand.IntN(killAfter)
	return k.run(ctx, Plan{Mode: mode, Rate: killRate, Tasks: capacity - 1}, fired(after), syscall.SIGKILL)
}

// KillFull gives the client room for 50 tasks and a queue that stalls, and sends SIGKILL when the room has been full for a
// while: all that the client holds is lost, which is as much as it may lose.
func (k *Killer) KillFull(ctx context.Context) (Loss, error) {
	return k.run(ctx, Plan{Mode: client.Buffered, Rate: killRate, Tasks: capacity - 1, MaxPending: 50}, full(100+rand.IntN(100)), syscall.SIGKILL)
}

// moment is when a process is signalled.
type moment struct {
	what string
	come func(l *Ledger) bool
}

// full is the moment after so many refusals with no fire between them, once the queue has stalled.
func full(refusals int) moment {
	count, before := 0, 0
	return moment{"filled the buffer", func(l *Ledger) bool {
		if now := l.Count(); now != count || now < fakesqs.StallRoom {
			count, before = now, l.Full()
		}
		return l.Full() >= before+refusals
	}}
}

func fired(tasks int) moment {
	return moment{fmt.Sprintf("fired %d tasks", tasks), func(l *Ledger) bool { return l.Count() >= tasks }}
}

// Drain fires 10,000 tasks at once and sends SIGTERM as soon as the last Fire has returned. Took is the time until the
// process has ended.
func (k *Killer) Drain(ctx context.Context) (Loss, error) {
	return k.run(ctx, Plan{Mode: client.Buffered, Tasks: drainTasks}, fired(drainTasks), syscall.SIGTERM)
}

// run starts a process, signals it at a moment, and counts when it has ended.
func (k *Killer) run(ctx context.Context, p Plan, when moment, with syscall.Signal) (loss Loss, err error) {
	k.runs++
	p.Server = k.Server
	prefix := fakesqs.AuditPrefix
	if p.MaxPending > 0 {
		prefix = fakesqs.StallPrefix
	}
	p.Server.Queue = fmt.Sprintf("%s%d-%d", prefix, time.Now().UnixNano(), k.runs)
	p.Ledger = filepath.Join(k.Dir, p.Server.Queue)
	l, err := CreateLedger(p.Ledger)
	if err != nil {
		return loss, err
	}
	defer func() { err = errors.Join(err, l.Close(), os.Remove(p.Ledger)) }()
	process, err := k.Child(ctx, p)
	if err != nil {
		return loss, err
	}
	signalled, err := signalAt(ctx, process, l, when, with)
	if err != nil {
		return loss, err
	}
	state, err := process.Wait()
	if err != nil {
		return loss, fmt.Errorf("process: %w", err)
	}
	loss.Took = time.Since(signalled)
	if with == syscall.SIGTERM && !state.Success() {
		return loss, fmt.Errorf("process: %v", state)
	}
	stored, err := k.settled(ctx, p.Server)
	loss.Fired, loss.Lost, loss.Bound, loss.AtRisk = l.Count(), l.Lost(stored), l.Bound(), l.AtRisk()
	return loss, err
}

// signalAt leaves no process behind when it fails.
func signalAt(ctx context.Context, process *os.Process, l *Ledger, when moment, with syscall.Signal) (time.Time, error) {
	for deadline := time.Now().Add(patience); !when.come(l); {
		if ctx.Err() != nil || time.Now().After(deadline) {
			_ = process.Kill()
			_, _ = process.Wait()
			return time.Time{}, fmt.Errorf("process: has not %s within %v: it fired %d", when.what, patience, l.Count())
		}
		time.Sleep(time.Millisecond)
	}
	return time.Now(), process.Signal(with)
}

// settled reads what the server has when nothing more comes in: what was on the way when the process died still does.
func (k *Killer) settled(ctx context.Context, s queue.Server) ([]int, error) {
	h, err := queue.HTTPClient(s)
	if err != nil {
		return nil, err
	}
	time.Sleep(k.RoundTrip)
	for before := -1; ; {
		numbers, err := fakesqs.ReadNumbers(ctx, h, strings.TrimSuffix(s.Address, "/"), s.Queue)
		if err != nil || len(numbers) == before {
			return numbers, err
		}
		before = len(numbers)
		time.Sleep(100 * time.Millisecond)
	}
}
