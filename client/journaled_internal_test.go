package client

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// sick is a journal whose disk fails in the ways that a test sets.
type sick struct {
	*journal.Journal
	append func(context.Context) error // after the record is on its way
	next   atomic.Pointer[error]
	reads  atomic.Int32 // calls of Next
	done   error
}

func (s *sick) Append(ctx context.Context, r journal.Record) (journal.Ref, error) {
	ref, err := s.Journal.Append(ctx, r)
	if s.append != nil && err == nil {
		err = s.append(ctx)
	}
	return ref, err
}

func (s *sick) Next(records, bytes int) ([]journal.Recovered, error) {
	s.reads.Add(1)
	if err := s.next.Load(); err != nil {
		return nil, *err
	}
	return s.Journal.Next(records, bytes)
}

func (s *sick) Done(refs ...journal.Ref) error {
	return errors.Join(s.done, s.Journal.Done(refs...))
}

// accepting takes every task.
type accepting struct {
	mu  sync.Mutex
	ids []string
}

func (*accepting) Limits() transport.Limits { return transport.Limits{Items: 10} }

func (a *accepting) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range batch {
		a.ids = append(a.ids, e.ID())
	}
	return slices.Repeat([]transport.Result{{Outcome: transport.Accepted}}, len(batch)), nil
}

// onSickDisk runs f in a bubble with a client whose journal may fail.
func onSickDisk(t *testing.T, opts Options, f func(t *testing.T, c *Client, s *sick, sent *accepting)) {
	synctest.Test(t, func(t *testing.T) {
		quiet := slog.New(slog.DiscardHandler)
		j, err := journal.Open(t.TempDir(), &journal.Options{Logger: quiet, SegmentBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		sent := &accepting{}
		opts.Mode, opts.Journal, opts.Source, opts.Logger = Journaled, j, "test", quiet
		c, err := New(sent, &opts)
		if err != nil {
			t.Fatal(err)
		}
		s := &sick{Journal: j}
		c.journaled.journal = s
		f(t, c, s, sent)
		if err := errors.Join(c.Close(t.Context()), j.Close()); err != nil {
			t.Error(err)
		}
	})
}

var sickTask = task.Define[int]("test.sick")

func TestJournaledCallerLeavesASlowDisk(t *testing.T) {
	var told []Receipt
	onSickDisk(t, Options{OnResult: func(r Receipt) { told = append(told, r) }}, func(t *testing.T, c *Client, s *sick, sent *accepting) {
		s.append = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := c.Fire(ctx, sickTask.With(1))
		if !errors.Is(err, ErrUnconfirmed) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Fire returned %v", err)
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(told) != 1 || told[0].ID != r.ID || told[0].Err != nil || !slices.Equal(sent.ids, []string{r.ID}) {
			t.Errorf("told %v, sent %v", told, sent.ids)
		}
	})
}

func TestA10_JournaledFireTellsAFailedDisk(t *testing.T) {
	broken := errors.New("input/output error")
	onSickDisk(t, Options{}, func(t *testing.T, c *Client, s *sick, sent *accepting) {
		c.journaled.journal = broke{s, broken}
		r, err := c.Fire(t.Context(), sickTask.With(1))
		if !errors.Is(err, ErrNotSent) || !errors.Is(err, broken) || r.Envelope == nil {
			t.Errorf("Fire returned %v", err)
		}
		if stats := c.Stats(); stats.Refused != 1 || stats.Waiting.Tasks != 0 || len(sent.ids) != 0 {
			t.Errorf("%+v, sent %v", stats, sent.ids)
		}
		c.journaled.journal = s
	})
}

// broke stores nothing.
type broke struct {
	*sick
	err error
}

func (f broke) Append(context.Context, journal.Record) (journal.Ref, error) {
	return journal.Ref{}, f.err
}

// TestJournaledBacklogIsReadAgain has a disk that cannot be read for a while: what waits there comes when it can.
func TestJournaledBacklogIsReadAgain(t *testing.T) {
	onSickDisk(t, Options{MaxPending: 1}, func(t *testing.T, c *Client, s *sick, sent *accepting) {
		broken := errors.New("input/output error")
		s.next.Store(&broken)
		for range 20 {
			if _, err := c.Fire(t.Context(), sickTask.With(1)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * readAgain)
		if n := c.Stats().Backlog; n == 0 {
			t.Fatal("void: nothing waits on the disk")
		}
		if err := c.Flush(t.Context()); err == nil {
			t.Error("Flush does not tell that the disk cannot be read")
		}
		s.next.Store(nil)
		time.Sleep(2 * readAgain)
		if err := c.Flush(t.Context()); err != nil || len(sent.ids) != 20 {
			t.Errorf("%d sent, %v", len(sent.ids), err)
		}
	})
}

// TestJournaledTaskIsDeliveredThoughItCannotBeNoted loses the mark, and nothing else.
func TestJournaledTaskIsDeliveredThoughItCannotBeNoted(t *testing.T) {
	onSickDisk(t, Options{}, func(t *testing.T, c *Client, s *sick, sent *accepting) {
		s.done = errors.New("input/output error")
		if _, err := c.Fire(t.Context(), sickTask.With(1)); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(t.Context()); err != nil || c.Stats().Accepted != 1 {
			t.Errorf("%+v, %v", c.Stats(), err)
		}
	})
}
