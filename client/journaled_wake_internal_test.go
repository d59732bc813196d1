package client

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// refusing takes no task for good.
type refusing struct{ *accepting }

func (r refusing) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	for i := range batch {
		results[i] = transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Kind: transport.Invalid, Err: errors.New("no")}}
	}
	return results, transport.FirstError(results, len(results))
}

// TestJournaledBacklogFollowsASlowOnResult has tasks on the disk while those in memory have ended, and only OnResult still
// keeps their room: when it returns, nobody fires or flushes, and they come all the same.
func TestJournaledBacklogFollowsASlowOnResult(t *testing.T) {
	told := 0
	opts := Options{MaxPending: 1, OnResult: func(Receipt) {
		time.Sleep(time.Second)
		told++
	}}
	onSickDisk(t, opts, func(t *testing.T, c *Client, _ *sick, sent *accepting) {
		c.standard.sender = refusing{sent}
		for range 5 {
			if _, err := c.Fire(t.Context(), sickTask.With(1)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := c.Stats(); s.Backlog != 0 || told != 5 {
			t.Errorf("%d told, %+v", told, s)
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestJournaledBacklogFollowsAFailedAppend spills a task while another, which the disk then refuses, has the memory.
func TestJournaledBacklogFollowsAFailedAppend(t *testing.T) {
	onSickDisk(t, Options{MaxPending: 1}, func(t *testing.T, c *Client, s *sick, sent *accepting) {
		broken := errors.New("input/output error")
		slow := slowlyBroken{s, broken}
		c.journaled.journal = slow
		go func() {
			if _, err := c.Fire(t.Context(), sickTask.With(1)); !errors.Is(err, broken) {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if _, err := c.Fire(t.Context(), sickTask.With(2)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(sent.ids) != 1 {
			t.Errorf("sent %d, %+v", len(sent.ids), c.Stats())
		}
	})
}

// slowlyBroken takes a second to say that it stores nothing.
type slowlyBroken struct {
	*sick
	err error
}

func (f slowlyBroken) Append(context.Context, journal.Record) (journal.Ref, error) {
	time.Sleep(time.Second)
	return journal.Ref{}, f.err
}

// TestJournaledMemoryOfOneTask has so little memory that half of it does not hold a task.
func TestJournaledMemoryOfOneTask(t *testing.T) {
	onSickDisk(t, Options{MaxPendingBytes: 2*taskOverhead - 1}, func(t *testing.T, c *Client, _ *sick, sent *accepting) {
		for range 5 {
			if _, err := c.Fire(t.Context(), sickTask.With(1)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(sent.ids) != 5 {
			t.Errorf("sent %d, %+v", len(sent.ids), c.Stats())
		}
	})
}

// TestJournaledClientOutlivesItsJournal: against the rules, the journal is closed first. Flush and Close tell what waits, and
// come to an end.
func TestJournaledClientOutlivesItsJournal(t *testing.T) {
	onSickDisk(t, Options{MaxPending: 1}, func(t *testing.T, c *Client, s *sick, sent *accepting) {
		broken := errors.New("input/output error")
		s.next.Store(&broken)
		for range 20 {
			if _, err := c.Fire(t.Context(), sickTask.With(1)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s.next.Store(nil)
		time.Sleep(2 * readAgain)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := c.Flush(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("Flush returned %v after %v", err, time.Since(began))
		}
		before := s.reads.Load()
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if after := s.reads.Load(); after != before {
			t.Errorf("the closed journal was read %d times more", after-before)
		}
		if err := c.Close(ctx); err != nil || ctx.Err() != nil {
			t.Errorf("Close returned %v after %v", err, time.Since(began))
		}
		if c.Stats().Backlog == 0 {
			t.Error("void: nothing waits on the disk")
		}
	})
}

// TestJournaledFlushAfterACloseThatWasCut has an end, and tells that tasks stay.
func TestJournaledFlushAfterACloseThatWasCut(t *testing.T) {
	onSickDisk(t, Options{MaxPending: 1}, func(t *testing.T, c *Client, s *sick, _ *accepting) {
		broken := errors.New("input/output error")
		s.next.Store(&broken)
		for range 20 {
			if _, err := c.Fire(t.Context(), sickTask.With(1)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * readAgain)
		if err := c.Flush(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Flush returned %v, and %d tasks are left", err, c.Stats().Backlog)
		}
	})
}
