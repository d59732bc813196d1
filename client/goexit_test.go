package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// spoiler writes down every call of a hook, and has one of them misbehave in every call until it is calm.
type spoiler struct {
	hook      string
	misbehave func()
	calm      atomic.Bool

	mu      sync.Mutex
	calls   map[string]int
	ended   map[string]error // what the hook Ended was told, by id
	results map[string]bool  // what OnResult was told of
	twice   []string         // ids that were told once more
	state   client.State     // the last that was told
}

func (x *spoiler) call(hook string, note func()) {
	x.mu.Lock()
	x.calls[hook]++
	if note != nil {
		note()
	}
	x.mu.Unlock()
	if hook == x.hook && !x.calm.Load() {
		x.misbehave()
	}
}

func (x *spoiler) onResult(r client.Receipt) {
	x.call("OnResult", func() {
		if x.results[r.ID] {
			x.twice = append(x.twice, "OnResult "+r.ID)
		}
		x.results[r.ID] = true
	})
}

func (x *spoiler) hooks() client.Hooks {
	return client.Hooks{
		Create: func(ctx context.Context, _ task.Firing) (context.Context, []task.FireOption) {
			x.call("Create", nil)
			return ctx, nil
		},
		Created: func(context.Context, client.Receipt, time.Duration) { x.call("Created", nil) },
		Send: func(ctx context.Context, _ client.Sending) context.Context {
			x.call("Send", nil)
			return context.WithValue(ctx, spanKey{}, "span")
		},
		Sent: func(context.Context, client.Sending, []transport.Result, error) { x.call("Sent", nil) },
		Ended: func(r client.Receipt, _ time.Duration) {
			x.call("Ended", func() {
				if _, told := x.ended[r.ID]; told {
					x.twice = append(x.twice, "Ended "+r.ID)
				}
				x.ended[r.ID] = r.Err
			})
		},
		Health: func(h client.Health) { x.call("Health", func() { x.state = h.State }) },
	}
}

// spoilerLog is a slog.Handler that may misbehave.
type spoilerLog struct{ *spoiler }

func (l spoilerLog) Enabled(context.Context, slog.Level) bool { return l.hook == "Logger" }
func (l spoilerLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l spoilerLog) WithGroup(string) slog.Handler            { return l }
func (l spoilerLog) Handle(context.Context, slog.Record) error {
	l.call("Logger", nil)
	return nil
}

// spoilt is a client with two routes whose hooks may misbehave.
type spoilt struct {
	*spoiler
	*client.Client
	rec  *clienttest.Recorder // of both routes
	told map[string]error     // what Fire and FireBatch returned, by id
}

const spoiltPending = 20

func (s *spoilt) open(t *testing.T, mode client.Mode) {
	s.rec = clienttest.NewRecorder(transport.Limits{Items: 2, BatchBytes: 1 << 20, MessageBytes: 1 << 19})
	opts := &client.Options{
		Mode: mode, Routes: map[string]transport.Sender{"bulk": s.rec}, MaxSenders: 2, MaxPending: spoiltPending,
		SendTimeout: 30 * time.Second, AttemptTimeout: time.Minute,
		Hooks: s.hooks(), OnResult: s.onResult, Logger: slog.New(spoilerLog{s.spoiler}),
		OnDrop: func(client.Receipt) { s.call("OnDrop", nil) },
	}
	if mode == client.Journaled {
		j, err := journal.Open(t.TempDir(), &journal.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() }) //nolint:errcheck // a test of hooks
		opts.Journal = j
	}
	s.Client = newClient(t, s.rec, opts)
}

// try runs f in a goroutine, which a hook may end, and waits for that.
func (s *spoilt) try(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// fire fires n tasks, a few of them in the class bulk, as one batch.
func (s *spoilt) fire(ctx context.Context, n int) {
	s.try(func() {
		tasks := numbers(n)
		for i := range tasks {
			if i%5 == 4 {
				tasks[i] = bulk.With(i)
			}
		}
		receipts, _ := s.FireBatch(ctx, tasks)
		for _, r := range receipts {
			s.told[r.ID] = r.Err
		}
	})
}

// hangs is a transport that does not answer.
var hangs = after(time.Hour, nil)

// spoiltLives bring about every call of every hook, in every goroutine that calls them.
var spoiltLives = map[string]func(t *testing.T, s *spoilt){
	"delivered": func(t *testing.T, s *spoilt) {
		s.fire(t.Context(), 15)
		s.try(func() {
			r, err := s.Fire(t.Context(), number.With(1))
			s.told[r.ID] = err
		})
	},
	"refused": func(t *testing.T, s *spoilt) {
		s.rec.Respond(respond(rejected(transport.Invalid)))
		s.fire(t.Context(), 15)
	},
	"outage": func(t *testing.T, s *spoilt) {
		s.rec.Respond(flaky(lost, 10*time.Second))
		s.fire(t.Context(), 15)
		time.Sleep(15 * time.Second)
	},
	"blocked": func(t *testing.T, s *spoilt) {
		s.rec.Respond(noQueue)
		s.fire(t.Context(), 15)
		time.Sleep(10 * time.Second)
		s.fire(t.Context(), 5)
		time.Sleep(time.Minute)
	},
	"full": func(t *testing.T, s *spoilt) {
		s.rec.Respond(after(10*time.Second, clienttest.Accept))
		s.fire(t.Context(), spoiltPending+5)
	},
	"late": func(t *testing.T, s *spoilt) {
		s.rec.Respond(hangs)
		s.fire(t.Context(), spoiltPending+5)
		time.Sleep(40 * time.Second)
		s.fire(t.Context(), 5)
		time.Sleep(time.Minute)
	},
	"gone": func(t *testing.T, s *spoilt) {
		s.rec.Respond(after(10*time.Second, clienttest.Accept))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s.fire(ctx, 15)
	},
	"cut": func(t *testing.T, s *spoilt) {
		s.rec.Respond(func(context.Context, int, []task.Envelope) ([]transport.Result, error) {
			time.Sleep(time.Minute) // heedless of its context
			return nil, errNet
		})
		var callers sync.WaitGroup
		callers.Go(func() { s.fire(t.Context(), 15) })
		synctest.Wait()
		callers.Go(func() { s.try(func() { _ = s.Close(context.WithoutCancel(t.Context())) }) })
		synctest.Wait()
		s.try(func() { _ = s.Close(canceled(t)) })
		callers.Wait()
	},
}

// check holds that nothing is left behind, that nothing was told twice or not at all, and that the client is as good as new.
func (s *spoilt) check(t *testing.T, goexit bool) {
	t.Helper()
	time.Sleep(2 * time.Minute)
	s.calm.Store(true)
	s.rec.Respond(clienttest.Accept)
	hour, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if err := s.Flush(hour); err != nil && !errors.Is(err, client.ErrClosed) {
		t.Fatal(err)
	}
	synctest.Wait()
	stats := s.Stats()
	balance(t, stats)
	if stats.Waiting.Tasks > 0 || stats.InFlight.Tasks > 0 || stats.Open > 0 {
		t.Errorf("left behind: %+v", stats)
	}
	s.checkReports(t, stats, goexit)
	if _, err := s.FireBatch(t.Context(), numbers(spoiltPending)); err != nil && !errors.Is(err, client.ErrClosed) {
		t.Errorf("there is no room: %v", err)
	}
	if err := s.Close(hour); hour.Err() != nil {
		t.Error(err)
	}
}

func (s *spoilt) checkReports(t *testing.T, stats client.Stats, goexit bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.twice) > 0 {
		t.Errorf("told twice: %v", s.twice)
	}
	if n := int(stats.Accepted + stats.Rejected + stats.Unknown + stats.Kept); len(s.ended) != n {
		t.Errorf("%d ended, and Ended was told of %d", n, len(s.ended))
	}
	if s.calls["OnDrop"] != int(stats.Dropped) {
		t.Errorf("%d dropped, and OnDrop was told of %d", stats.Dropped, s.calls["OnDrop"])
	}
	if n := int(stats.Requests); s.calls["Send"] != n || s.calls["Sent"] != n {
		t.Errorf("%d requests, and %d calls of Send, %d of Sent", n, s.calls["Send"], s.calls["Sent"])
	}
	if ends := goexit && slices.Contains([]string{"Create", "OnDrop", "Ended", "Logger"}, s.hook); !ends && s.calls["Created"] != s.calls["Create"] {
		t.Errorf("%d calls of Create, %d of Created", s.calls["Create"], s.calls["Created"])
	}
	if now := s.Health().State; s.state != now {
		t.Errorf("the health is %v, and %v was told last", now, s.state)
	}
	owed := maps.Clone(s.ended)
	if stats.Mode == client.Confirmed {
		maps.DeleteFunc(owed, func(id string, _ error) bool {
			return !errors.Is(s.told[id], client.ErrUnconfirmed) || isEnd(s.told[id])
		})
	} else {
		maps.DeleteFunc(owed, func(_ string, err error) bool {
			return err == nil || stats.Mode == client.Journaled && errors.Is(err, client.ErrClosed)
		})
	}
	for id, err := range owed {
		if !s.results[id] {
			t.Errorf("OnResult was not told of %s: %v", id, err)
		}
	}
	accepted := map[string]int{}
	for _, e := range s.rec.Envelopes() {
		if accepted[e.ID()]++; accepted[e.ID()] > 1 {
			t.Errorf("%s was delivered twice", e.ID())
		}
	}
}

func isEnd(err error) bool {
	e, ok := errors.AsType[*client.Error](err)
	return ok && e.Ended
}

var spoiltHooks = []string{"Create", "Created", "Send", "Sent", "Ended", "Health", "OnResult", "OnDrop", "Logger"}

// TestA15_HooksThatPanicOrExitLeaveNothingBehind has each hook misbehave in every call, in each life of a client.
func TestA15_HooksThatPanicOrExitLeaveNothingBehind(t *testing.T) {
	for _, mode := range []client.Mode{client.Confirmed, client.Buffered, client.Journaled} {
		for _, hook := range spoiltHooks {
			t.Run(fmt.Sprint(mode, "/", hook, "/Goexit"), func(t *testing.T) { live(t, mode, hook, runtime.Goexit) })
			if hook != "Logger" { // there it is the end of the process
				t.Run(fmt.Sprint(mode, "/", hook, "/panic"), func(t *testing.T) { live(t, mode, hook, func() { panic("broken") }) })
			}
		}
	}
}

func live(t *testing.T, mode client.Mode, hook string, misbehave func()) {
	var lives, calls atomic.Int32
	for name, life := range spoiltLives {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &spoilt{told: map[string]error{}, spoiler: &spoiler{
					hook: hook, calls: map[string]int{}, ended: map[string]error{}, results: map[string]bool{},
				}}
				s.misbehave = func() {
					calls.Add(1)
					misbehave()
				}
				s.open(t, mode)
				life(t, s)
				s.check(t, strings.Contains(t.Name(), "Goexit"))
				lives.Add(1)
			})
		})
	}
	void := calls.Load() == 0 && int(lives.Load()) == len(spoiltLives)
	if void && (mode != client.Journaled || hook != "OnDrop") { // what does not fit into memory waits on the disk
		t.Error("the hook was never called")
	}
}

// TestA15_SentIsToldWhateverTheSenderDoes holds that what Send begins, Sent can end.
func TestA15_SentIsToldWhateverTheSenderDoes(t *testing.T) {
	for name, misbehave := range map[string]func(){"panic": func() { panic("the Sender is broken") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			var spans []any
			var errs []error
			var log strings.Builder
			opts := &client.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Hooks: client.Hooks{
				Send: func(ctx context.Context, s client.Sending) context.Context {
					return context.WithValue(ctx, spanKey{}, s.Retries)
				},
				Sent: func(ctx context.Context, _ client.Sending, _ []transport.Result, err error) {
					spans, errs = append(spans, ctx.Value(spanKey{})), append(errs, err)
				},
			}}
			bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				rec.Respond(script(func(context.Context, int, []task.Envelope) ([]transport.Result, error) {
					misbehave()
					return nil, nil
				}, clienttest.Accept))
				if r, err := c.Fire(t.Context(), number.With(1)); err != nil || r.Attempts != 2 {
					t.Errorf("%+v, %v", r, err)
				}
				if !slices.Equal(spans, []any{0, 1}) || errs[0] == nil || errs[1] != nil {
					t.Errorf("told of %v: %v", spans, errs)
				}
				if strings.Count(log.String(), "its tasks will be sent again") != 1 || !strings.Contains(log.String(), name) {
					t.Errorf("logged: %s", &log)
				}
			})
		})
	}
}
