package worker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/offloadhq/offload/transport"
)

// batch runs the records of one invocation. One goroutine owns it, that of Process; each record runs in a goroutine of
// its own and comes back through a channel that has room for all, so that one which nobody waits for any more can end.
type batch struct {
	worker   *Worker
	records  []record
	lanes    [][]int // indices of records: one at a time in a lane, lanes side by side
	running  map[int]int
	finished chan finished
}

type finished struct {
	index  int
	record record
}

func newBatch(w *Worker, ds []transport.Delivery) *batch {
	b := &batch{
		worker:   w,
		records:  make([]record, len(ds)),
		lanes:    lanesOf(ds),
		running:  make(map[int]int, w.options.Concurrency),
		finished: make(chan finished, len(ds)),
	}
	for i, d := range ds {
		b.records[i] = newRecord(d)
	}
	return b
}

// lanesOf puts the records of each ordered group into a lane, in the order of the batch, and every other record into
// one of its own. Only a FIFO queue is ordered: on a standard queue a group id asks for fairness, not for order
// (SQS developer guide, "Amazon SQS fair queues").
func lanesOf(ds []transport.Delivery) [][]int {
	lanes := make([][]int, 0, len(ds))
	var groups map[[2]string]int
	for i, d := range ds {
		group, ordered := groupOf(d)
		if !ordered {
			lanes = append(lanes, []int{i})
			continue
		}
		key := [2]string{d.Source, group}
		lane, ok := groups[key]
		if !ok {
			if groups == nil {
				groups = map[[2]string]int{}
			}
			lane = len(lanes)
			lanes = append(lanes, nil)
			groups[key] = lane
		}
		lanes[lane] = append(lanes[lane], i)
	}
	return lanes
}

// groupOf returns the ordered group of a delivery, if it came from a queue that has some.
func groupOf(d transport.Delivery) (group string, ordered bool) {
	if !strings.HasSuffix(d.Source, ".fifo") {
		return "", false
	}
	return d.Attributes["MessageGroupId"], true
}

// run starts the records, as many at once as allowed, and returns when all that were started have ended, or when the
// time for waiting is over. Records that were not started or did not end are marked.
func (b *batch) run(ctx context.Context, until budget) {
	var giveUp <-chan time.Time
	if !until.stuck.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, until.cancel, ErrDeadline)
		defer cancel()
		timer := time.NewTimer(time.Until(until.stuck))
		defer timer.Stop()
		giveUp = timer.C
	}
	for next := 0; ; {
		for next < len(b.lanes) && len(b.running) < b.worker.options.Concurrency && ctx.Err() == nil {
			b.start(ctx, next)
			next++
		}
		if len(b.running) == 0 {
			break
		}
		select {
		case f := <-b.finished:
			b.finish(ctx, f)
		case <-giveUp:
			b.giveUp(ctx)
		}
	}
	b.returnRest(context.Cause(ctx))
}

// start runs the first record of a lane.
func (b *batch) start(ctx context.Context, lane int) {
	i := b.lanes[lane][0]
	b.running[i] = lane
	go b.worker.run(ctx, b.records[i], func(r record) { b.finished <- finished{i, r} })
}

// finish takes a record back and starts the next of its lane, if there is one and order allows it.
func (b *batch) finish(ctx context.Context, f finished) {
	lane := b.running[f.index]
	delete(b.running, f.index)
	b.records[f.index] = f.record
	b.lanes[lane] = b.lanes[lane][1:]
	if len(b.lanes[lane]) > 0 && f.record.plan == acknowledge && ctx.Err() == nil {
		b.start(ctx, lane)
	}
}

// giveUp marks every record that still runs. Its goroutine has a copy of the record of its own.
func (b *batch) giveUp(ctx context.Context) {
	for len(b.finished) > 0 { // who made it to the last moment is not stuck
		b.finish(ctx, <-b.finished)
	}
	for i, lane := range b.running {
		r := &b.records[i]
		_ = r.read() // for the id and the name; a body that cannot be read has none
		r.State, r.started = Stuck, true
		r.Err = fmt.Errorf("task %q: its handler still runs at the end of the invocation: it must return when its context ends", r.Name)
		b.lanes[lane] = b.lanes[lane][1:]
	}
	clear(b.running)
}

// returnRest marks the records that were not started. Those of a standard queue become visible at once, if this
// invocation could do anything at all: an invocation that cannot even start a record would only take them again. Those of a
// FIFO queue are left alone.
func (b *batch) returnRest(cause error) {
	ran := false
	for i := range b.records {
		ran = ran || b.records[i].started
	}
	for _, lane := range b.lanes {
		for _, i := range lane {
			r := &b.records[i]
			_ = r.read()
			r.State = Returned
			r.Err = fmt.Errorf("task %q: not started: an earlier record of its group was not done", r.Name)
			if cause != nil {
				r.Err = fmt.Errorf("task %q: not started: %w", r.Name, cause)
			}
			if _, ordered := groupOf(r.delivery); ran && !ordered && !r.direct() {
				r.plan = retry
			}
		}
	}
}
