package clienttest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type email struct {
	To string `json:"to"`
}

var (
	welcome = task.Define[email]("email.welcome")
	report  = task.Define[int]("report.build", task.Queue("bulk"))
)

func mustFire(t *testing.T, c *client.Client, x task.Task, opts ...task.FireOption) client.Receipt {
	t.Helper()
	r, err := c.Fire(t.Context(), x, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFiredReturnsArgumentsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := clienttest.New(t, welcome, report)
		mustFire(t, c, welcome.With(email{"a"}))
		mustFire(t, c, report.With(7), task.Delay(time.Minute))
		mustFire(t, c, welcome.With(email{"b"}))
		if got := clienttest.Fired(t, rec, welcome); !slices.Equal(got, []email{{"a"}, {"b"}}) {
			t.Errorf("got %v", got)
		}
		n, e := clienttest.RequireFired(t, rec, report)
		if n != 7 || e.Delay() != time.Minute || e.Class() != "bulk" || e.Source() != "clienttest" {
			t.Errorf("got %d, %v, %q", n, e.Delay(), e.Class())
		}
		rec.Reset()
		clienttest.RequireNotFired(t, rec, welcome)
		if got := clienttest.Fired(t, rec, welcome); len(got) != 0 || rec.Calls() != 0 {
			t.Errorf("after Reset: %v", got)
		}
	})
}

func TestAResentTaskCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := clienttest.New(t)
		r := mustFire(t, c, welcome.With(email{"a"}))
		mustFire(t, c, welcome.With(email{"a"}), task.ID(r.ID))
		if _, e := clienttest.RequireFired(t, rec, welcome); e.ID() != r.ID || len(rec.Envelopes()) != 2 {
			t.Errorf("recorded %d", len(rec.Envelopes()))
		}
	})
}

func TestFailNextAndRespond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := clienttest.New(t)
		broken := errors.New("broken pipe")
		rec.FailNext(broken, nil)
		if r := mustFire(t, c, welcome.With(email{"a"})); r.Attempts != 2 {
			t.Errorf("attempts %d", r.Attempts)
		}
		calls := 0
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			calls = call
			return clienttest.Accept(ctx, call, batch)
		})
		mustFire(t, c, welcome.With(email{"c"}))
		if calls != 3 || rec.Calls() != 3 {
			t.Errorf("calls %d and %d", calls, rec.Calls())
		}
		gone := &transport.Error{Kind: transport.Misconfigured, Target: `queue "q"`, Err: broken}
		rec.FailNext(gone, gone) // at the second look, too
		_, err := c.Fire(t.Context(), welcome.With(email{"b"}))
		if !errors.Is(err, client.ErrNotSent) || !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		if got := clienttest.Fired(t, rec, welcome); !slices.Equal(got, []email{{"a"}, {"c"}}) {
			t.Errorf("recorded %v", got)
		}
	})
}

func TestNewEnforcesTheQueueLimits(t *testing.T) {
	c, _ := clienttest.New(t)
	_, err := c.Fire(t.Context(), welcome.With(email{strings.Repeat("x", 1<<20)}))
	if !errors.Is(err, task.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	_, err = c.Fire(t.Context(), welcome.With(email{}), task.Delay(16*time.Minute))
	if !errors.Is(err, task.ErrDelay) {
		t.Errorf("got %v", err)
	}
	_, err = c.Fire(t.Context(), report.With(1))
	if !errors.Is(err, client.ErrNoRoute) {
		t.Errorf("got %v", err)
	}
}

func TestBufferedAssertionsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dropped, ended := 0, atomic.Int64{}
		opts := &client.Options{
			Mode: client.Buffered, MaxPending: 3, Source: "own", OnDrop: func(client.Receipt) { dropped++ },
			Hooks: client.Hooks{Ended: func(client.Receipt, time.Duration) { ended.Add(1) }},
		}
		c, rec := clienttest.NewWith(t, opts, welcome, report)
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			select { // an answer that takes its time
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
			return clienttest.Accept(ctx, call, batch)
		})
		for range 2 {
			mustFire(t, c, report.With(7))
		}
		if got := clienttest.Fired(t, rec, report); !slices.Equal(got, []int{7, 7}) {
			t.Errorf("got %v", got)
		}
		mustFire(t, c, welcome.With(email{"a"}))
		if got, e := clienttest.RequireFired(t, rec, welcome); got.To != "a" || e.Source() != "own" || opts.Routes != nil {
			t.Errorf("got %v, source %q, and the caller's options have routes %v", got, e.Source(), opts.Routes)
		}
		gate := make(chan struct{})
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			<-gate
			return clienttest.Accept(ctx, call, batch)
		})
		for range 3 {
			mustFire(t, c, report.With(8))
		}
		if _, err := c.Fire(t.Context(), report.With(9)); !errors.Is(err, client.ErrBufferFull) || dropped != 1 {
			t.Errorf("got %v, dropped %d", err, dropped)
		}
		close(gate)
		clienttest.RequireNotFired(t, rec, task.Define[int]("never.fired"))
		if s := c.Stats(); s.Accepted != 6 || s.Dropped != 1 || ended.Load() != 6 {
			t.Errorf("ended %d, %+v", ended.Load(), s)
		}
	})
}

// TestJournaledNeedsNoDirectory has more tasks than memory holds: the assertions wait for those on the disk too.
func TestJournaledNeedsNoDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := clienttest.NewWith(t, &client.Options{Mode: client.Journaled, MaxPending: 2}, report)
		for range 20 {
			mustFire(t, c, report.With(7))
		}
		if got := clienttest.Fired(t, rec, report); len(got) != 20 {
			t.Errorf("got %v", got)
		}
	})
}

func TestBufferedAssertionsDoNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judge{TB: t}
		c, rec := clienttest.NewWith(j, &client.Options{Mode: client.Buffered})
		rec.Respond(func(context.Context, int, []task.Envelope) ([]transport.Result, error) { return nil, nil })
		mustFire(t, c, welcome.With(email{"a"}))
		message := func() (message string) {
			defer func() { _, message = recover(), j.failed }()
			clienttest.Fired(j, rec, welcome)
			return ""
		}()
		if !strings.Contains(message, "1 tasks are pending") || !strings.Contains(message, "see Respond and FailNext") {
			t.Errorf("got %q", message)
		}
		rec.Respond(nil)
		if got := clienttest.Fired(t, rec, welcome); len(got) != 1 {
			t.Errorf("got %v", got)
		}
		for _, f := range j.cleanups {
			f()
		}
	})
}

// judge stands in for the test that an assertion fails.
type judge struct {
	testing.TB
	failed   string
	cleanups []func()
}

func (j *judge) Helper()                           {}
func (j *judge) Errorf(format string, args ...any) { j.failed = fmt.Sprintf(format, args...) }
func (j *judge) Cleanup(f func())                  { j.cleanups = append(j.cleanups, f) }

func (j *judge) Fatalf(format string, args ...any) {
	j.Errorf(format, args...)
	panic(j)
}

// verdict runs an assertion and returns what it complained of.
func verdict(t *testing.T, f func(testing.TB)) (message string) {
	j := &judge{TB: t}
	defer func() {
		if r := recover(); r != nil && r != any(j) {
			panic(r)
		}
		message = j.failed
	}()
	f(j)
	return j.failed
}

func TestAssertionsTellWhatWasFired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := clienttest.New(t, report)
		message := verdict(t, func(t testing.TB) { clienttest.RequireFired(t, rec, welcome) })
		if want := `want one task "email.welcome", got 0; nothing was fired`; message != want {
			t.Errorf("got  %q\nwant %q", message, want)
		}
		first := mustFire(t, c, welcome.With(email{"a"}))
		long := mustFire(t, c, welcome.With(email{strings.Repeat("ä", 500)}))
		for _, f := range []func(testing.TB){
			func(t testing.TB) { clienttest.RequireFired(t, rec, report) },
			func(t testing.TB) { clienttest.RequireFired(t, rec, welcome) },
			func(t testing.TB) { clienttest.RequireNotFired(t, rec, welcome) },
		} {
			message := verdict(t, f)
			for _, s := range []string{"want ", ", got ", "fired:\n\temail.welcome " + first.ID + ` {"to":"a"}`, long.ID, "… (1009 bytes)"} {
				if !strings.Contains(message, s) {
					t.Errorf("message lacks %q:\n%s", s, message)
				}
			}
		}
		text := task.Define[string]("email.welcome")
		message = verdict(t, func(t testing.TB) { clienttest.Fired(t, rec, text) })
		if !strings.Contains(message, "does not decode") || !strings.Contains(message, first.ID) {
			t.Errorf("got %q", message)
		}
	})
}

func TestNewFailsATestThatLeavesTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judge{TB: t}
		c, rec := clienttest.New(j)
		rec.Respond(func(context.Context, int, []task.Envelope) ([]transport.Result, error) { return nil, nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := c.Fire(ctx, welcome.With(email{"a"})); !errors.Is(err, client.ErrUnconfirmed) {
			t.Fatal(err)
		}
		closed, cut := context.WithCancel(t.Context())
		cut()
		_ = c.Close(closed) // so that the cleanup need not wait
		for _, f := range j.cleanups {
			f()
		}
		if !strings.Contains(j.failed, "clienttest: close: undelivered tasks: 1") {
			t.Errorf("got %q", j.failed)
		}
	})
}
