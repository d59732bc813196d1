package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

type spanKey struct{}

// tracer plays what a tracing library does on hooks: a span a task, a span a request with links.
type tracer struct {
	mu    sync.Mutex
	spans int
	lines []string
	any   bool // the order is not promised
}

func (x *tracer) add(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lines = append(x.lines, fmt.Sprintf(format, args...))
}

func (x *tracer) hooks() client.Hooks {
	return client.Hooks{
		Create: func(ctx context.Context, f task.Firing) (context.Context, []task.FireOption) {
			x.mu.Lock()
			x.spans++
			span := fmt.Sprintf("00-trace-%d-01", x.spans)
			x.mu.Unlock()
			x.add("create %s %s under %v", f.Name, span, ctx.Value(traceKey{}))
			return context.WithValue(ctx, spanKey{}, span), []task.FireOption{task.Header("traceparent", span)}
		},
		Created: func(ctx context.Context, r client.Receipt, took time.Duration) {
			x.add("created %s %s after %v: %v", r.Name, ctx.Value(spanKey{}), took, r.Err)
		},
		Send: func(ctx context.Context, s client.Sending) context.Context {
			var links []string
			for _, e := range s.Envelopes {
				links = append(links, e.Headers()["traceparent"])
			}
			x.add("send %q %v, %d retries, first %v", s.Class, links, s.Retries, ctx.Value(spanKey{}))
			return context.WithValue(ctx, spanKey{}, "the send span")
		},
		Sent: func(ctx context.Context, s client.Sending, results []transport.Result, err error) {
			x.add("sent %d in %v under %v: %v, %v", len(s.Envelopes), s.Took, ctx.Value(spanKey{}), transport.ResultAt(results, 0).Outcome, err)
		},
		Ended: func(r client.Receipt, age time.Duration) {
			x.add("ended %s after %v and %d attempts: %v", r.Name, age >= 10*time.Millisecond, r.Attempts, r.Err)
		},
		Health: func(h client.Health) { x.add("health %v: %v", h.State, h.Err) },
	}
}

func (x *tracer) want(t *testing.T, lines ...string) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.any {
		slices.Sort(x.lines)
		slices.Sort(lines)
	}
	if !slices.Equal(x.lines, lines) {
		t.Errorf("hooks saw\n\t%s\nwant\n\t%s", strings.Join(x.lines, "\n\t"), strings.Join(lines, "\n\t"))
	}
	x.lines = nil
}

func TestHooks(t *testing.T) {
	for _, mode := range []client.Mode{client.Confirmed, client.Buffered} {
		t.Run(mode.String(), func(t *testing.T) {
			x := tracer{any: mode == client.Buffered} // Fire returns while the request is on its way
			bubble(t, &client.Options{Mode: mode, Hooks: x.hooks(), MaxSenders: 1}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				rec.Respond(after(10*time.Millisecond, func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
					x.add("transport under %v", ctx.Value(spanKey{}))
					return clienttest.Accept(ctx, call, batch)
				}))
				ctx := context.WithValue(t.Context(), traceKey{}, "request")
				mustFire := func(tasks ...task.Task) {
					t.Helper()
					if _, err := c.FireBatch(ctx, tasks); err != nil {
						t.Error(err)
					}
					if err := c.Flush(ctx); err != nil {
						t.Error(err)
					}
				}
				took := map[client.Mode]string{client.Confirmed: "10ms", client.Buffered: "0s"}[mode]
				mustFire(number.With(1), text.With("two"))
				created := []string{
					"created test.number 00-trace-1-01 after " + took + ": <nil>", "created test.text 00-trace-2-01 after " + took + ": <nil>",
				}
				way := []string{
					`send "" [00-trace-1-01 00-trace-2-01], 0 retries, first 00-trace-1-01`, "transport under the send span",
					"sent 2 in 10ms under the send span: accepted, <nil>", "ended test.number after true and 1 attempts: <nil>", "ended test.text after true and 1 attempts: <nil>",
				}
				if mode == client.Confirmed {
					created, way = way, created
				}
				x.want(t, slices.Concat([]string{"create test.number 00-trace-1-01 under request", "create test.text 00-trace-2-01 under request"}, created, way)...)

				// The caller's own option wins over the hook's.
				if _, err := c.Fire(ctx, number.With(2), task.Header("traceparent", "own")); err != nil {
					t.Error(err)
				}
				if err := c.Flush(ctx); err != nil {
					t.Error(err)
				}
				if got := rec.Envelopes(); got[2].Headers()["traceparent"] != "own" || got[0].Headers()["traceparent"] != "00-trace-1-01" {
					t.Errorf("headers %v", got[2].Headers())
				}
			})
		})
	}
}

func TestHooksTellOfRefusalsAndHealth(t *testing.T) {
	var x tracer
	bubble(t, &client.Options{Hooks: x.hooks()}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		refused := after(10*time.Millisecond, noQueue)
		rec.Respond(script(refused, refused, clienttest.Accept))
		_, err := c.Fire(t.Context(), bulk.With(1))
		x.want(t, "create test.bulk 00-trace-1-01 under <nil>", fmt.Sprintf("created test.bulk 00-trace-1-01 after 0s: %v", err))
		start := time.Now()
		_, err = c.Fire(t.Context(), number.With(1))
		took := time.Since(start)
		cause := rejected(transport.Misconfigured).Err
		x.want(t, "create test.number 00-trace-2-01 under <nil>", `send "" [00-trace-2-01], 0 retries, first 00-trace-2-01`,
			"sent 1 in 10ms under the send span: rejected, "+cause.Error(), "health failing: "+cause.Error(),
			`send "" [00-trace-2-01], 1 retries, first 00-trace-2-01`,
			"sent 1 in 10ms under the send span: rejected, "+cause.Error(), "health blocked: "+cause.Error(),
			fmt.Sprintf("ended test.number after true and 2 attempts: %v", err), fmt.Sprintf("created test.number 00-trace-2-01 after %v: %v", took, err))
		time.Sleep(30 * time.Second)
		if _, err = c.Fire(t.Context(), number.With(1)); err != nil {
			t.Error(err)
		}
		if !slices.Contains(x.lines, "health healthy: <nil>") {
			t.Error(x.lines)
		}
	})
}

func TestPanickingHooksHarmNoTask(t *testing.T) {
	var log bytes.Buffer
	opts := &client.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Hooks: client.Hooks{
		Create:  func(context.Context, task.Firing) (context.Context, []task.FireOption) { panic("Create is broken") },
		Created: func(context.Context, client.Receipt, time.Duration) { panic("Created is broken") },
		Send:    func(context.Context, client.Sending) context.Context { panic("Send is broken") },
		Sent:    func(context.Context, client.Sending, []transport.Result, error) { panic("Sent is broken") },
		Ended:   func(client.Receipt, time.Duration) { panic("Ended is broken") },
		Health:  func(client.Health) { panic("Health is broken") },
	}}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(script(noQueue, noQueue, clienttest.Accept))
		_, err := c.Fire(t.Context(), number.With(1), task.Header("kept", "yes"))
		want(t, err, client.ErrNotSent)
		time.Sleep(30 * time.Second)
		if _, err := c.Fire(t.Context(), number.With(2), task.Header("kept", "yes")); err != nil {
			t.Error(err)
		}
		if _, e := clienttest.RequireFired(t, rec, number); e.Headers()["kept"] != "yes" {
			t.Errorf("the caller's option was lost: %v", e.Headers())
		}
		for _, name := range []string{"Create", "Created", "Send", "Sent", "Ended", "Health"} {
			if !strings.Contains(log.String(), "Options.Hooks."+name+" panicked") || !strings.Contains(log.String(), name+" is broken") {
				t.Errorf("the panic of %s is not logged", name)
			}
		}
	})
}

// TestI3_LogsHoldNoPayload looks for a canary in everything that is logged, at every level, on every path.
func TestI3_LogsHoldNoPayload(t *testing.T) {
	const canary = "canary-93be"
	var log bytes.Buffer
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	for name, handler := range map[string]slog.Handler{"text": slog.NewTextHandler(&log, level), "json": slog.NewJSONHandler(&log, level)} {
		for _, respond := range []clienttest.Responder{clienttest.Accept, noQueue, lost, respond(rejected(transport.Invalid))} {
			log.Reset()
			logger := slog.New(handler)
			var receipts []client.Receipt
			bubble(t, &client.Options{Mode: client.Buffered, SendTimeout: time.Minute, Logger: logger}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				rec.Respond(respond)
				for range 20 {
					r, err := c.Fire(t.Context(), text.With(canary))
					if err != nil {
						t.Error(err)
					}
					receipts = append(receipts, r)
				}
				time.Sleep(10 * time.Second)
				synctest.Wait()
				err := c.Close(canceled(t))
				logger.Error("closing", "error", err)
				if closed, ok := errors.AsType[*client.CloseError](err); ok {
					logger.Error("closing", "undelivered", closed.Undelivered[0], "all", closed.Undelivered)
				}
			})
			if s := log.String(); strings.Contains(s, canary) || strings.Contains(s, fmt.Sprint([]byte(canary))) || !strings.Contains(s, receipts[0].ID) || !strings.Contains(s, "test.text") {
				t.Errorf("%s: the log has the payload, or lacks id and name:\n%.2000s", name, s)
			}
		}
	}
}

// TestHooksAreToldTheFiring holds that Create knows what the caller asked for, and that Created has the same names, also of
// a task that was refused before it was encoded.
func TestHooksAreToldTheFiring(t *testing.T) {
	type key struct{}
	var firings []task.Firing
	var receipts []client.Receipt
	opts := &client.Options{Hooks: client.Hooks{
		Create: func(ctx context.Context, f task.Firing) (context.Context, []task.FireOption) {
			firings = append(firings, f)
			return context.WithValue(ctx, key{}, f), nil
		},
		Created: func(ctx context.Context, r client.Receipt, _ time.Duration) {
			if f, _ := ctx.Value(key{}).(task.Firing); f.ID != r.ID || f.Name != r.Name || f.Class != r.Class {
				t.Errorf("told %+v at the start, %+v at the end", f, r)
			}
			receipts = append(receipts, r)
		},
	}}
	bubble(t, opts, func(t *testing.T, c *client.Client, _ *clienttest.Recorder) {
		told := func(refused bool, want task.Firing, header string, r client.Receipt) {
			t.Helper()
			f := firings[len(firings)-1]
			if f.ID != want.ID && want.ID != "" || f.Name != want.Name || f.Class != want.Class || f.Delay != want.Delay || f.Header("h") != header {
				t.Errorf("Create was told %+v, want %+v", f, want)
			}
			if r.ID != f.ID || r.Class != want.Class || (r.Err != nil) != refused || receipts[len(receipts)-1].ID != r.ID {
				t.Errorf("the receipt is %+v", r)
			}
		}
		r, _ := c.Fire(t.Context(), bulk.With(1), task.Queue(""), task.ID("own"), task.Delay(time.Second), task.Header("h", "v"))
		told(false, task.Firing{ID: "own", Name: "test.bulk", Delay: time.Second}, "v", r)
		r, _ = c.Fire(t.Context(), bulk.With(1), task.ID("own")) // there is no route
		told(true, task.Firing{ID: "own", Name: "test.bulk", Class: "bulk"}, "", r)
		r, _ = c.Fire(t.Context(), number.With(1), task.Queue("bulk"), task.Header("id", "reserved"))
		told(true, task.Firing{Name: "test.number", Class: "bulk"}, "", r)
		many, _ := c.FireBatch(t.Context(), []task.Task{number.With(1), bulk.With(2)}, task.Header("h", "v"))
		told(true, task.Firing{Name: "test.bulk", Class: "bulk"}, "v", many[1])
		r, _ = c.Fire(canceled(t), bulk.With(1), task.ID("late"))
		told(true, task.Firing{ID: "late", Name: "test.bulk", Class: "bulk"}, "", r)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		r, _ = c.Fire(t.Context(), bulk.With(1), task.Queue("other"), task.ID("late"))
		told(true, task.Firing{ID: "late", Name: "test.bulk", Class: "other"}, "", r)
	})
}
