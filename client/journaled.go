package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
)

// store is what is used of a [journal.Journal].
type store interface {
	Append(ctx context.Context, r journal.Record) (journal.Ref, error)
	Spill(ctx context.Context, r journal.Record) error
	Backlog() int
	Next(records, bytes int) ([]journal.Recovered, error)
	Notify(f func())
	Done(refs ...journal.Ref) error
	Quarantine(ref journal.Ref, reason string) error
}

// journaled is the side of the mode Journaled that the other modes do not have: each task is in the journal before Fire
// returns, what does not fit into memory waits there, and what waits there comes back when there is room.
type journaled struct {
	journal store
	client  *Client
	log     *slog.Logger

	recovered, spilled atomic.Uint64
	malformed          atomic.Uint64 // records that are no task
	failed             atomic.Bool   // the backlog cannot be read; a timer tries again

	told map[string]bool // classes without a route that were logged; of the goroutine that brings tasks back

	mu      sync.Mutex
	running bool          // a goroutine brings tasks back
	again   bool          // it is to look once more before it ends
	idle    chan struct{} // closed when it ends; set with running
}

const (
	// replayTasks and replayBytes are the most that is read from the disk at once.
	replayTasks = 256
	replayBytes = 1 << 20
	// readAgain is the time between two tries to read a backlog that cannot be read.
	readAgain = time.Second
	// batchWriters is how many tasks of one FireBatch wait for the disk at once: they share its syncs.
	batchWriters = 64
)

func newJournaled(j store, c *Client, log *slog.Logger) *journaled {
	x := &journaled{journal: j, client: c, log: log, told: map[string]bool{}}
	c.ledger.more = func() bool { return !x.failed.Load() && j.Backlog() > 0 }
	return x
}

// start begins to bring back what waits already, and what neighbours will leave behind.
func (j *journaled) start() {
	if j == nil {
		return
	}
	j.journal.Notify(j.wake)
	j.wake()
}

// admit takes the task on: it is in the journal, and in memory too if the entry is not nil. A task that arrives while
// others wait on the disk leaves half of the memory to them.
func (j *journaled) admit(ctx context.Context, e *entry, now time.Time, receipt *Receipt) *entry {
	share := 1
	if j.journal.Backlog() > 0 {
		share = 2
	}
	envelope := &e.envelope
	err := j.client.ledger.admit(e, share)
	if err != nil && !errors.Is(err, ErrBufferFull) {
		*receipt = j.client.notAdmitted(envelope, err)
		return nil
	}
	record := recordOf(envelope)
	if err != nil {
		// Nobody could tell the caller the end of a task that was given up on here: so this wait is not the caller's to end.
		if err := j.journal.Spill(context.WithoutCancel(ctx), record); err != nil {
			*receipt = j.client.notAdmitted(envelope, journalError(envelope, err))
			return nil
		}
		j.spilled.Add(1)
		j.wake()
		return nil
	}
	e.ref, err = j.journal.Append(ctx, record)
	if err != nil && e.ref.IsZero() {
		j.client.ledger.cancel(e)
		j.wake()
		*receipt = j.client.notAdmitted(envelope, journalError(envelope, err))
		return nil
	}
	j.client.begin(ctx, e, now)
	if err != nil { // the disk is slower than the caller's patience, and may have it
		e.answer, e.owed = make(chan struct{}), true
		*receipt = e.receipt(e.unconfirmed(fmt.Errorf("write to the journal: %w", contextError(ctx))))
	}
	return e
}

// admitAll admits the tasks of a batch at the same time.
func (j *journaled) admitAll(b *batch, entries []*entry, now time.Time) {
	var group errgroup.Group
	group.SetLimit(batchWriters)
	for i, e := range entries {
		if e == nil {
			continue
		}
		group.Go(func() error {
			entries[i] = j.admit(b.ctxs[i], e, now, &b.receipts[i])
			return nil
		})
	}
	_ = group.Wait() // every error is in the receipts
}

// journalError is why a task is not in the journal.
func journalError(e *task.Envelope, err error) error {
	switch {
	case errors.Is(err, journal.ErrFull):
		return fmt.Errorf("the journal has no room: try again later: %w: %w", ErrBufferFull, err)
	case errors.Is(err, journal.ErrTooLarge):
		return &task.InvalidError{Name: e.Name(), ID: e.ID(), Err: fmt.Errorf("encoded to %d bytes: %w: %w", e.Size(), task.ErrTooLarge, err)}
	}
	return fmt.Errorf("write to the journal: %w", err)
}

func recordOf(e *task.Envelope) journal.Record {
	r := journal.Record{Body: e.Body(), Class: e.Class(), Time: e.Time()}
	if e.Delay() > 0 {
		r.NotBefore = r.Time.Add(e.Delay())
	}
	return r
}

func envelopeOf(r journal.Record) (task.Envelope, error) {
	e, err := task.Restore(r.Body, r.Class, 0)
	if err != nil || r.NotBefore.IsZero() {
		return e, err
	}
	return task.Restore(r.Body, r.Class, r.NotBefore.Sub(e.Time()))
}

// settle tells the journal what became of tasks. It runs outside the lock of the route.
func (j *journaled) settle(ended []*entry) {
	if j == nil || len(ended) == 0 {
		return
	}
	var room [usualItems]journal.Ref
	delivered := room[:0]
	var aside []*entry
	for _, e := range ended {
		switch {
		case e.ref.IsZero(), e.stays():
		case e.end.err == nil:
			delivered = append(delivered, e.ref)
		default:
			aside = append(aside, e)
		}
	}
	if len(aside) > 0 {
		defer each(len(aside), func(i int) { j.putAside(aside[i]) })
	}
	if len(delivered) == 0 {
		return
	}
	if err := j.journal.Done(delivered...); err != nil {
		j.log.Error("the journal cannot note what is delivered; it will be sent again after a restart", "tasks", len(delivered), "error", err)
	}
}

// putAside leaves a task that ended undelivered to whoever looks after the journal.
func (j *journaled) putAside(e *entry) {
	if err := j.journal.Quarantine(e.ref, e.end.err.Error()); err != nil {
		j.log.Error("the journal cannot put a task aside; it will be sent again after a restart", "id", e.envelope.ID(), "name", e.envelope.Name(), "error", err)
	}
}

// wake brings tasks back from the disk if some wait there and there is room for a fair number: else whoever makes room
// wakes it again.
func (j *journaled) wake() {
	if j == nil || j.failed.Load() || j.journal.Backlog() == 0 {
		return
	}
	l := j.client.ledger
	if tasks, bytes := l.room(); tasks < l.maxTasks/8 || bytes < l.maxBytes/8 || tasks == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running {
		j.again = true
		return
	}
	if !l.enterUnlessOver() {
		return
	}
	j.running, j.again, j.idle = true, false, make(chan struct{})
	go j.run()
}

func (j *journaled) run() {
	defer j.client.ledger.exit()
	repeat(func() (more bool) { return !j.failed.Load() && j.replay() || j.lookAgain() })
}

// lookAgain reports that the goroutine is not to end.
func (j *journaled) lookAgain() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.again {
		j.again = false
		return true
	}
	j.running = false
	close(j.idle)
	return false
}

// replay takes back what there is room for, a part of it at least, and reports whether there may be more.
func (j *journaled) replay() bool {
	l := j.client.ledger
	tasks, bytes := l.room()
	if tasks <= 0 || bytes <= 0 || l.isCut() {
		return false
	}
	tasks = min(tasks, max(1, bytes/(2*taskOverhead)), replayTasks)
	records, err := j.journal.Next(tasks, min(max(1, bytes/2), replayBytes))
	if err != nil {
		defer j.unreadable(err)
	}
	j.recovered.Add(uint64(len(records)))
	shares := make(map[*route][]*entry, 1)
	now := time.Now()
	defer func() {
		routes := slices.Collect(maps.Keys(shares))
		each(len(routes), func(i int) { routes[i].accept(now, shares[routes[i]]...) })
	}()
	each(len(records), func(i int) {
		if e := j.restore(records[i], now); e != nil {
			shares[e.route] = append(shares[e.route], e)
		}
	})
	return len(records) > 0 && err == nil
}

// unreadable lets a backlog rest that cannot be read: for a second, or for ever if the journal was closed before the client.
func (j *journaled) unreadable(err error) {
	j.failed.Store(true)
	if errors.Is(err, journal.ErrClosed) {
		if !j.client.ledger.isCut() {
			j.log.Error("the journal is closed, and the client is not; what waits there stays", "todo", "close the journal after the client")
		}
		return
	}
	time.AfterFunc(readAgain, func() {
		j.failed.Store(false)
		j.wake()
	})
	j.log.Error("the journal cannot be read; what waits there stays", "error", err, "todo", "check the disk; it is read again in a second")
}

// restore takes a task on again. The entry is nil if it cannot be sent: it then stays in the journal, or aside.
func (j *journaled) restore(x journal.Recovered, now time.Time) *entry {
	envelope, err := envelopeOf(x.Record)
	if err != nil {
		j.malformed.Add(1)
		if err := j.journal.Quarantine(x.Ref, err.Error()); err != nil {
			defer j.log.Error("the journal cannot put a record aside", "error", err)
		}
		j.log.Error("a record of the journal is no task; it is put aside", "error", err)
		return nil
	}
	r := j.client.route(envelope.Class())
	if err := j.client.misfit(r, &envelope); err != nil {
		j.client.intake.refused.Add(1)
		if class := envelope.Class(); !j.told[class] || !errors.Is(err, ErrNoRoute) {
			j.told[class] = true
			j.log.Error("a task of the journal has no way and stays there; a missing route is told once a class",
				"id", envelope.ID(), "name", envelope.Name(), "class", class, "error", err)
		}
		return nil
	}
	e := newEntry()
	e.envelope, e.route, e.ref = envelope, r, x.Ref
	j.client.ledger.recover(e)
	return j.client.begin(context.Background(), e, now)
}

// flush waits until nothing waits on the disk, and what came from there into memory has ended.
func (j *journaled) flush(ctx context.Context, memory func(context.Context) error) error {
	for {
		quiet := j.quiet() // before the look into memory, so that nothing slips through between the two
		if err := memory(ctx); err != nil || quiet {
			return err
		}
		if err := j.progress(ctx); err != nil {
			return err
		}
	}
}

// quiet reports that nothing waits on the disk, and nothing is on its way from there into memory.
func (j *journaled) quiet() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.running && j.journal.Backlog() == 0
}

// progress waits until what is on its way from the disk is in memory, or sees to it that something is.
func (j *journaled) progress(ctx context.Context) error {
	j.mu.Lock()
	running, idle := j.running, j.idle
	j.mu.Unlock()
	if running {
		select {
		case <-idle:
			return nil
		case <-ctx.Done():
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("flush: %d tasks wait on the disk: %w", j.journal.Backlog(), ctx.Err())
	case j.failed.Load():
		return errors.New("flush: the journal cannot be read: see the log")
	case j.client.ledger.isOver():
		return fmt.Errorf("flush: %d tasks stay in the journal: %w", j.journal.Backlog(), ErrClosed)
	}
	j.wake()
	return nil
}

// tellKept says how much a draining that was cut short has left to the journal.
func (j *journaled) tellKept() {
	if j == nil {
		return
	}
	if s := j.client.Stats(); s.Kept > 0 || s.Backlog > 0 {
		j.log.Warn("tasks stay in the journal; the next process that opens it sends them", "tasks", s.Kept+uint64(s.Backlog))
	}
}

func (j *journaled) addTo(s *Stats) {
	s.Backlog = j.journal.Backlog()
	s.Recovered, s.Spilled = j.recovered.Load(), j.spilled.Load()
	s.Rejected += j.malformed.Load()
}
