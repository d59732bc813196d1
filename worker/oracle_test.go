package worker_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

// What a handler of the oracle does.
const (
	ok = iota
	fails
	permanent
	panics
	goexits
	slow         // ends with its context
	stuck        // does not
	forks        // fails in a goroutine
	kindsOfTasks // and how many there are
)

// drawn is a random batch and what the queue may answer.
type drawn struct {
	kinds       []int
	groups      []string // "" for the standard queue
	receives    []int
	concurrency int
	brokenRetry bool
	brokenBury  bool
}

func draw(rt *rapid.T) drawn {
	n := rapid.IntRange(0, 25).Draw(rt, "records")
	return drawn{
		kinds:       rapid.SliceOfN(rapid.IntRange(ok, kindsOfTasks-1), n, n).Draw(rt, "kinds"),
		groups:      rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "a", "b"}), n, n).Draw(rt, "groups"),
		receives:    rapid.SliceOfN(rapid.IntRange(1, 15), n, n).Draw(rt, "receives"),
		concurrency: rapid.IntRange(1, 12).Draw(rt, "concurrency"),
		brokenRetry: rapid.Bool().Draw(rt, "broken retry"),
		brokenBury:  rapid.Bool().Draw(rt, "broken bury"),
	}
}

// oracle runs a drawn batch and remembers what it saw.
type oracle struct {
	drawn
	release chan struct{}

	mu      sync.Mutex
	started map[int]int
	active  map[string]int // of each group
	overlap bool
}

func (o *oracle) handle(ctx context.Context, a args) error {
	group := o.groups[a.N]
	o.mu.Lock()
	o.started[a.N]++
	o.active[group]++
	o.overlap = o.overlap || group != "" && o.active[group] > 1
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.active[group]--
		o.mu.Unlock()
	}()
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(a.N%5) * 700 * time.Millisecond):
	}
	switch o.kinds[a.N] {
	case fails:
		return errHandler
	case permanent:
		return task.Permanent(errHandler)
	case panics:
		panic(errHandler)
	case goexits:
		runtime.Goexit()
	case slow:
		<-ctx.Done()
		return ctx.Err()
	case stuck:
		<-o.release
	case forks:
		worker.Go(ctx, func(context.Context) error { panic("fork") })
	}
	return nil
}

func TestOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := draw(rt)
		problem := ""
		synctest.Test(t, func(t *testing.T) { problem = d.run(t) })
		if problem != "" {
			rt.Fatalf("%s\n%+v", problem, d)
		}
	})
}

// run returns what is wrong with the outcomes, "" if nothing is.
func (d drawn) run(t *testing.T) string {
	o := &oracle{drawn: d, release: make(chan struct{}), started: map[int]int{}, active: map[string]int{}}
	defer close(o.release)
	broken := func(on bool) func(transport.Delivery) error {
		return func(transport.Delivery) error {
			if on {
				return errHandler
			}
			return nil
		}
	}
	s := settler{fail: broken(d.brokenRetry), bury: broken(d.brokenBury)}
	heard := 0
	w := newWorker(t, newMux(definition, o.handle), worker.Options{Settler: &s, Concurrency: d.concurrency, OnOutcome: func(worker.Outcome) { heard++ }})
	ds := deliver(t, numbered(definition, len(d.kinds))...)
	for i := range ds {
		ds[i].Receives = d.receives[i]
		if d.groups[i] != "" {
			ds[i].Source, ds[i].Attributes = fifoARN, map[string]string{"MessageGroupId": d.groups[i]}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	outcomes := w.Process(ctx, ds)
	if ctx.Err() != nil {
		return "the answer came after the deadline"
	}
	if len(outcomes) != len(ds) || heard != len(ds) {
		return fmt.Sprintf("%d outcomes, %d heard, of %d records", len(outcomes), heard, len(ds))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.overlap {
		return "two records of one group ran at once"
	}
	failed := map[string]bool{}
	for i, got := range outcomes {
		if problem := o.check(i, got, &s, failed); problem != "" {
			return fmt.Sprintf("record %d: %s: %+v", i, problem, got)
		}
		if d.groups[i] != "" && got.State != worker.Done {
			failed[d.groups[i]] = true
		}
	}
	return ""
}

// check compares one outcome with what the handler did and what the queue stored. failed has the groups in which an
// earlier record was not done.
func (o *oracle) check(i int, got worker.Outcome, s *settler, failed map[string]bool) string {
	id := fmt.Sprintf("m%d", i)
	_, stored := s.buried[id]
	_, waits := s.waits[id]
	last := o.receives[i] >= 10
	var want worker.State
	switch kind := o.kinds[i]; {
	case o.started[i] == 0:
		want = worker.Returned
	case kind == ok:
		want = worker.Done
	case kind == stuck:
		want = worker.Stuck
	case (kind == permanent || last) && !o.brokenBury:
		want = worker.DeadLettered
	case kind != permanent && !last && !o.brokenRetry:
		want = worker.Retry
	default:
		want = worker.Failed
	}
	fifoRest := o.groups[i] != "" && got.State == worker.Returned
	var problems []string
	for problem, wrong := range map[string]bool{
		"should be " + want.String():                    got.State != want,
		"started more than once":                        o.started[i] > 1,
		"ran after a failure in its group":              o.started[i] > 0 && failed[o.groups[i]],
		"acknowledged, but neither done nor stored":     got.Acked() && got.State != worker.Done && !stored,
		"done or stored, but not acknowledged":          !got.Acked() && (got.State == worker.Done || stored),
		"both stored and to be tried again":             stored && waits,
		"has another record's id":                       got.MessageID != id || got.ID != fmt.Sprintf("t%d", i),
		"error and state do not go together":            (got.Err == nil) != (got.State == worker.Done),
		"visibility of the rest of a group was changed": fifoRest && waits,
		"visibility of a stuck record was changed":      got.State == worker.Stuck && waits,
		"acknowledged record was given a wait":          got.Acked() && waits,
		"settled, although the settler refused to":      o.brokenRetry && waits || o.brokenBury && stored,
		"failed in settling, but does not tell":         got.State == worker.Failed && got.SettleErr == nil,
	} {
		if wrong {
			problems = append(problems, problem)
		}
	}
	return strings.Join(problems, "; ")
}
