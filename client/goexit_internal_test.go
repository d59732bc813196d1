package client

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// exits is a slog.Handler that ends the goroutine of whoever logs.
type exits struct {
	slog.Handler
	records *atomic.Int32
}

func (e exits) Enabled(context.Context, slog.Level) bool { return true }

func (e exits) Handle(context.Context, slog.Record) error {
	e.records.Add(1)
	runtime.Goexit()
	return nil
}

// TestA15_LogThatExitsHoldsUpNoBacklog has everything that the journal is no good for logged, in the goroutine that brings
// tasks back and in those of requests.
func TestA15_LogThatExitsHoldsUpNoBacklog(t *testing.T) {
	onSickDisk(t, Options{MaxPending: 2}, func(t *testing.T, c *Client, s *sick, sent *accepting) {
		log := exits{records: new(atomic.Int32)}
		c.journaled.log = slog.New(log)
		broken := errors.New("input/output error")
		s.next.Store(&broken)
		s.done = broken
		for range 3 {
			if err := s.Spill(t.Context(), journal.Record{Body: []byte("no task"), Time: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		elsewhere := task.Define[int]("test.elsewhere", task.Queue("elsewhere"))
		e, err := elsewhere.With(1).Encode("elsewhere", "test", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Spill(t.Context(), recordOf(&e)); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			if _, err := c.Fire(t.Context(), sickTask.With(i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * readAgain)
		if n := s.reads.Load(); n == 0 || n > 12 {
			t.Errorf("a disk that cannot be read was read %d times", n)
		}
		s.next.Store(nil)
		time.Sleep(2 * readAgain)
		if err := c.Flush(t.Context()); err != nil || len(sent.ids) != 20 {
			t.Errorf("%d sent, %v", len(sent.ids), err)
		}
		stats := c.Stats()
		if stats.Rejected != 3 || stats.Refused != 1 || stats.Accepted != 20 || log.records.Load() < 20 {
			t.Errorf("%+v, %d records of the log", stats, log.records.Load())
		}
		if synctest.Wait(); c.ledger.tasks != 0 || c.ledger.goroutines != 0 {
			t.Errorf("%d tasks and %d goroutines left", c.ledger.tasks, c.ledger.goroutines)
		}
	})
}

// unmarked is a journal that cannot put tasks aside.
type unmarked struct{ *sick }

func (unmarked) Quarantine(journal.Ref, string) error { return errors.New("input/output error") }

// TestA15_LogThatExitsKeepsNoPlace has the log end the goroutine of a request that was refused.
func TestA15_LogThatExitsKeepsNoPlace(t *testing.T) {
	onSickDisk(t, Options{}, func(t *testing.T, c *Client, s *sick, _ *accepting) {
		log := exits{records: new(atomic.Int32)}
		c.journaled.log = slog.New(log)
		c.journaled.journal = unmarked{s}
		c.standard.sender = refusing{}
		tasks := []task.Task{sickTask.With(1), sickTask.With(2), sickTask.With(3)}
		if _, err := c.FireBatch(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(t.Context()); err != nil || c.Stats().Rejected != 3 {
			t.Errorf("%+v, %v", c.Stats(), err)
		}
		if n := log.records.Load(); n != 3 {
			t.Errorf("%d records of the log", n)
		}
	})
}

// TestA15_HookThatExitsHoldsUpNoRouteOfTheBacklog has tasks come back for two routes that Close has just ended.
func TestA15_HookThatExitsHoldsUpNoRouteOfTheBacklog(t *testing.T) {
	var ended atomic.Int32
	opts := Options{Routes: map[string]transport.Sender{"bulk": &accepting{}}, Hooks: Hooks{Ended: func(Receipt, time.Duration) {
		ended.Add(1)
		runtime.Goexit()
	}}}
	onSickDisk(t, opts, func(t *testing.T, c *Client, s *sick, _ *accepting) {
		broken := errors.New("input/output error")
		s.next.Store(&broken) // until all wait
		for i := range 6 {
			e, err := sickTask.With(i).Encode(task.NewID(time.Now()), "test", time.Now(), task.Queue([]string{"", "bulk"}[i%2]))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Spill(t.Context(), recordOf(&e)); err != nil {
				t.Fatal(err)
			}
		}
		c.eachRoute(func(r *route) { r.abort(ErrClosed) })
		synctest.Wait()
		s.next.Store(nil)
		time.Sleep(2 * readAgain)
		if synctest.Wait(); ended.Load() != 6 || c.Stats().Recovered != 6 || c.ledger.tasks != 0 || c.ledger.goroutines != 0 {
			t.Errorf("%d ended, %d tasks and %d goroutines left: %+v", ended.Load(), c.ledger.tasks, c.ledger.goroutines, c.Stats())
		}
	})
}

// TestCallingAHookAllocatesNothing: OnDrop is called for each task of an outage, when memory is short.
func TestCallingAHookAllocatesNothing(t *testing.T) {
	calls := 0
	r := Receipt{ID: "id", Name: "name"}
	if n := testing.AllocsPerRun(100, func() { callFor(slog.Default(), "Hook", r.ID, r.Name, func() { calls += len(r.ID) }) }); n > 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func TestTheLogNamesTheTaskOfAHook(t *testing.T) {
	for name, misbehave := range map[string]func(){"panicked": func() { panic("broken") }, "Goexit": runtime.Goexit} {
		var text strings.Builder
		done := make(chan struct{})
		go func() {
			defer close(done)
			callFor(slog.New(slog.NewTextHandler(&text, nil)), "Options.OnDrop", "id-7", "shop.order", misbehave)
		}()
		<-done
		for _, want := range []string{name, "Options.OnDrop", "id=id-7", "name=shop.order"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: the log does not have %q: %s", name, want, &text)
			}
		}
	}
}
