package client_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/memtransport"
)

// balance fails the test unless the numbers of an idle client add up.
func balance(t *testing.T, s client.Stats) {
	t.Helper()
	sum := s.Refused + s.Dropped + s.Spilled + s.Accepted + s.Rejected + s.Unknown + s.Kept + uint64(s.Waiting.Tasks) + uint64(s.InFlight.Tasks)
	if s.Fired+s.Recovered != sum || s.Waiting.Tasks < 0 || s.InFlight.Tasks < 0 || s.Waiting.Bytes < 0 || s.InFlight.Bytes < 0 {
		t.Errorf("fired %d, recovered %d, but the rest adds up to %d: %+v", s.Fired, s.Recovered, sum, s)
	}
}

func TestBufferedFireNeverWaits(t *testing.T) {
	bubble(t, &client.Options{Mode: client.Buffered, AttemptTimeout: time.Hour}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Hour, clienttest.Accept)) // a dead endpoint
		start := time.Now()
		for i := range 5000 {
			r, err := c.Fire(t.Context(), number.With(i))
			if err != nil || r.Err != nil || r.ID == "" || r.Name != "test.number" || r.Attempts != 0 || r.Envelope != nil {
				t.Fatalf("receipt %+v, error %v", r, err)
			}
		}
		receipts, err := c.FireBatch(t.Context(), numbers(5000))
		if err != nil || len(receipts) != 5000 || receipts[4999].Err != nil {
			t.Error(err)
		}
		if time.Since(start) != 0 {
			t.Errorf("waited %v", time.Since(start))
		}
		synctest.Wait()
		s := c.Stats()
		balance(t, s)
		if s.InFlight.Tasks != 2+126*10 || s.Open != 128 || s.Waiting.Tasks != 10_000-s.InFlight.Tasks || s.AtRisk().Tasks != 10_000 ||
			s.AtRisk().Bytes < 10_000*100 || s.Fired != 10_000 || s.Requests != 128 || s.Retried != 0 {
			t.Errorf("%+v", s)
		}
		if s.Bound != (client.Amount{Tasks: client.DefaultMaxPending, Bytes: client.DefaultMaxPendingBytes}) {
			t.Errorf("bound %+v", s.Bound)
		}
	})
}

func TestA5_FullBufferRefusesAndTells(t *testing.T) {
	var dropped []client.Receipt
	opts := &client.Options{Mode: client.Buffered, MaxPending: 100, OnDrop: func(r client.Receipt) { dropped = append(dropped, r) }}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(lost)
		start, full := time.Now(), 0
		for i := range 1000 {
			r, err := c.Fire(t.Context(), number.With(i))
			if err == nil {
				continue
			}
			full++
			if want(t, err, client.ErrBufferFull, client.ErrNotSent); r.Envelope == nil || r.Envelope.ID() != r.ID {
				t.Fatalf("receipt %+v", r)
			}
		}
		if s := c.Stats(); full != 900 || len(dropped) != full || s.Dropped != uint64(full) || time.Since(start) != 0 {
			t.Errorf("%d errors, %d hook calls after %v, %+v", full, len(dropped), time.Since(start), s)
		} else {
			balance(t, s)
		}
		receipts, err := c.FireBatch(t.Context(), numbers(10))
		if want(t, err, client.ErrBufferFull); len(dropped) != 910 || dropped[909] != receipts[9] {
			t.Errorf("%d hook calls", len(dropped))
		}
		n, err := number.Decode(*dropped[0].Envelope)
		if err != nil || n != 100 {
			t.Errorf("the first one dropped holds %d, %v", n, err)
		}
	})
}

func TestA5_PanickingOnDropIsLogged(t *testing.T) {
	var log bytes.Buffer
	opts := &client.Options{
		Mode: client.Buffered, MaxPending: 1, OnDrop: func(client.Receipt) { panic("OnDrop is broken") },
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(after(time.Hour, nil))
		fire(t.Context(), c, number.With(1))
		_, err := c.Fire(t.Context(), number.With(2))
		if want(t, err, client.ErrBufferFull); !strings.Contains(log.String(), "OnDrop is broken") {
			t.Error(log.String())
		}
	})
}

func TestBufferedTellsOfLoss(t *testing.T) {
	const secret = "canary-7f3a"
	invalid := respond(rejected(transport.Invalid))
	for name, x := range map[string]struct {
		opts    client.Options
		respond clienttest.Responder
		fact    error
		cause   error
	}{
		"invalid":  {client.Options{}, invalid, client.ErrNotSent, task.ErrInvalid},
		"too old":  {client.Options{SendTimeout: time.Minute}, throttled, client.ErrNotSent, nil},
		"too old?": {client.Options{SendTimeout: time.Minute}, lost, client.ErrUnconfirmed, errNet},
	} {
		for _, hooked := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				var got results
				var log bytes.Buffer
				x.opts.Mode, x.opts.OnResult = client.Buffered, nil
				x.opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
				if hooked {
					x.opts.OnResult = got.add
				}
				bubble(t, &x.opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
					rec.Respond(script(clienttest.Accept, x.respond))
					if _, err := c.Fire(t.Context(), text.With("delivered")); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					r, err := c.Fire(t.Context(), text.With(secret))
					if err != nil {
						t.Fatal(err)
					}
					if err := c.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
					balance(t, c.Stats())
					if !hooked {
						for _, s := range []string{r.ID, "test.text", "undelivered"} {
							if !strings.Contains(log.String(), s) || strings.Contains(log.String(), secret) {
								t.Errorf("log lacks %q, or shows the payload:\n%s", s, log.String())
							}
						}
						return
					}
					told := got.all()
					if len(told) != 1 || told[0].ID != r.ID {
						t.Fatalf("OnResult got %+v", told)
					}
					if want(t, told[0].Err, x.fact); x.cause != nil {
						want(t, told[0].Err, x.cause)
					}
					if saved, err := text.Decode(*told[0].Envelope); err != nil || saved != secret {
						t.Errorf("saved %q, %v", saved, err)
					}
				})
			})
		}
	}
}

// TestA4_WaitingTasksLetGoOfTheirContext holds that what hangs on a request's context does not wait for the end of an
// outage, too.
func TestA4_WaitingTasksLetGoOfTheirContext(t *testing.T) {
	bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var traces []any
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			if call == 1 {
				traces = append(traces, ctx.Value(traceKey{}))
				return clienttest.Accept(ctx, call, batch)
			}
			return after(time.Millisecond, lost)(ctx, call, batch)
		})
		var heavy []weak.Pointer[[1 << 16]byte]
		fireHeavy := func(value any) {
			load := new([1 << 16]byte)
			heavy = append(heavy, weak.Make(load))
			ctx := context.WithValue(context.WithValue(t.Context(), traceKey{}, value), client.Confirmed, load)
			if _, err := c.Fire(ctx, number.With(1)); err != nil {
				t.Fatal(err)
			}
		}
		fireHeavy("abc")
		synctest.Wait()
		if !slices.Equal(traces, []any{"abc"}) {
			t.Errorf("the send saw %v", traces)
		}
		for range 2000 { // 128 requests, and the rest in line when the outage is found
			fireHeavy(nil)
		}
		time.Sleep(time.Minute)
		for range 100 { // fired during the outage
			fireHeavy(nil)
		}
		time.Sleep(10 * time.Second)
		runtime.GC()
		if n := len(slices.DeleteFunc(heavy, func(p weak.Pointer[[1 << 16]byte]) bool { return p.Value() == nil })); n > 10 {
			t.Errorf("%d contexts are kept", n)
		}
		if s := c.Stats(); s.AtRisk().Tasks != 2100 {
			t.Errorf("%+v", s)
		}
	})
}

func TestA3_BufferedCloseDeliversOrReturns(t *testing.T) {
	t.Run("drained", func(t *testing.T) {
		bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
			rec.Respond(after(10*time.Millisecond, clienttest.Accept))
			if _, err := c.FireBatch(t.Context(), numbers(10_000)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := c.Close(t.Context()); err != nil || time.Since(start) > time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			if n := len(clienttest.Fired(t, rec, number)); n != 10_000 {
				t.Errorf("%d delivered", n)
			}
			balance(t, c.Stats())
		})
	})
	t.Run("cut short", func(t *testing.T) {
		bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
			rec.Respond(flaky(lost, time.Hour))
			receipts, err := c.FireBatch(t.Context(), append(numbers(500), text.With("saved")))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			closed, ok := errors.AsType[*client.CloseError](c.Close(ctx))
			if !ok || len(closed.Undelivered) != 501 {
				t.Fatalf("Close returned %v", closed)
			}
			left := map[string]bool{}
			for _, r := range receipts {
				left[r.ID] = true
			}
			for _, r := range closed.Undelivered {
				// What was saved is the task, byte for byte, and can be sent by any Sender.
				saved, err := task.Parse(bytes.Clone(r.Envelope.Body()))
				if err != nil || saved.ID() != r.ID || !left[r.ID] || r.Name == "" || r.Err == nil {
					t.Fatalf("%+v: %v", r, err)
				}
				delete(left, r.ID)
			}
			if len(left) > 0 {
				t.Errorf("%d tasks are neither delivered nor returned", len(left))
			}
			if again := c.Close(t.Context()); again == nil || again.Error() != closed.Error() {
				t.Errorf("closing again: %v", again)
			}
			balance(t, c.Stats())
		})
	})
}

// TestCloseLooksOnceMore holds that Close does not sit out a pause.
func TestCloseLooksOnceMore(t *testing.T) {
	for name, fail := range map[string]clienttest.Responder{"blocked": noQueue, "failing": lost} {
		t.Run(name, func(t *testing.T) {
			bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				rec.Respond(fail)
				if _, err := c.FireBatch(t.Context(), numbers(100)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(45 * time.Second)
				rec.Respond(nil)
				start := time.Now()
				if err := c.Close(t.Context()); err != nil || time.Since(start) != 0 {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}

// TestBufferedFireAllocates two things: the arguments when they are bound, and the body. What is shared by sixteen ids and
// by the ten tasks of a request comes to less than one more.
func TestBufferedFireAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops pooled values on purpose")
	}
	const tasks = 64
	c := newClient(t, &far{}, &client.Options{Mode: client.Buffered})
	allocs := testing.AllocsPerRun(500, func() {
		for range tasks {
			if _, err := c.Fire(t.Context(), orderPlaced.With(anOrder)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}) / tasks
	if t.Logf("%.2f allocations a task, sending included", allocs); allocs >= 2 {
		t.Errorf("%.2f allocations a task", allocs)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDelayCountsFromTheFiring holds that an outage does not prolong a delay.
func TestDelayCountsFromTheFiring(t *testing.T) {
	bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		q := memtransport.New(nil)
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			if time.Since(start2000) < 30*time.Second {
				return lost(ctx, call, batch)
			}
			return q.Send(ctx, batch)
		})
		for _, delay := range []time.Duration{time.Minute, 10 * time.Second} {
			if _, err := c.Fire(t.Context(), number.With(1), task.Delay(delay)); err != nil {
				t.Fatal(err)
			}
		}
		for i, latest := range []time.Duration{35 * time.Second, time.Minute} {
			if _, err := q.Receive(t.Context(), 1); err != nil || time.Since(start2000) > latest {
				t.Errorf("delivery %d came %v after the firing, want %v at most: %v", i, time.Since(start2000), latest, err)
			}
		}
	})
}
