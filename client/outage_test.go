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

// probes notes when each call came.
type probes struct {
	mu sync.Mutex
	at []time.Duration // since the start of the bubble
}

func (p *probes) note() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = append(p.at, time.Since(start2000))
}

func (p *probes) before(f clienttest.Responder) clienttest.Responder {
	return func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
		p.note()
		return f(ctx, call, batch)
	}
}

// between gives the calls from a time on, and up to another.
func (p *probes) between(from, to time.Duration) []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.at), func(d time.Duration) bool { return d < from || d >= to })
}

// closest is the shortest time between two calls.
func closest(at []time.Duration) time.Duration {
	least := time.Hour
	for i := 1; i < len(at); i++ {
		least = min(least, at[i]-at[i-1])
	}
	return least
}

// TestT15_LongOutage is A6 and B4: six hours of failures, then none.
func TestT15_LongOutage(t *testing.T) {
	const outage = 6 * time.Hour
	for name, fail := range map[string]clienttest.Responder{
		"refused": respond(rejected(transport.Transient)), "throttled": throttled, "lost": lost,
		"slow and lost": after(300*time.Millisecond, lost), "hangs": after(time.Hour, nil),
	} {
		t.Run("B4_A6_"+name, func(t *testing.T) {
			bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
				var p probes
				rec.Respond(p.before(flaky(fail, outage)))
				fired := map[string]bool{}
				var receipts []client.Receipt
				for time.Since(start2000) < outage {
					r, err := c.Fire(t.Context(), number.With(len(receipts)))
					if err != nil {
						t.Fatal(err)
					}
					receipts, fired[r.ID] = append(receipts, r), true
					time.Sleep(10 * time.Second)
				}
				at := p.between(time.Minute, outage)
				if d := closest(at); d < time.Second {
					t.Errorf("probes %v apart", d)
				}
				if n := len(at); n < 6*3600/4 {
					t.Errorf("%d probes in six hours: too few to recover in time", n)
				}
				if h := c.Health(); h.State != client.Failing || h.Err == nil || h.Todo == "" || time.Since(h.Since) < outage-time.Minute {
					t.Errorf("health %+v", h)
				}
				healed := time.Since(start2000)
				if err := c.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(start2000) - healed; took > 5*time.Second {
					t.Errorf("recovered and drained after %v", took)
				}
				if h := c.Health(); h.State != client.Healthy || h.Err != nil || time.Since(h.Since) > 5*time.Second {
					t.Errorf("health %+v", h)
				}
				if got := clienttest.Fired(t, rec, number); len(got) != len(receipts) {
					t.Errorf("%d of %d delivered", len(got), len(receipts))
				}
			})
		})
	}
}

// TestB9_PermanentErrorsKeepTasks breaks the set-up for ten minutes.
func TestB9_PermanentErrorsKeepTasks(t *testing.T) {
	const broken = 10 * time.Minute
	var log bytes.Buffer
	opts := &client.Options{Mode: client.Buffered, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var p probes
		rec.Respond(p.before(flaky(noQueue, broken)))
		for i := range 1000 {
			if _, err := c.Fire(t.Context(), number.With(i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(broken - time.Since(start2000))
		if d := closest(p.between(5*time.Second, broken)); d < 30*time.Second {
			t.Errorf("probes %v apart", d)
		}
		h := c.Health()
		if h.State != client.Blocked || h.Since.After(start2000.Add(time.Second)) || transport.KindOf(h.Err) != transport.Misconfigured || h.Todo == "" {
			t.Errorf("health %+v", h)
		}
		if n := strings.Count(log.String(), "level=ERROR msg=\"the transport refuses every task"); n < 15 || n > 25 {
			t.Errorf("told %d times in ten minutes:\n%s", n, log.String())
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start2000) - broken; took > 35*time.Second {
			t.Errorf("recovered after %v", took)
		}
		if got := clienttest.Fired(t, rec, number); len(got) != 1000 || c.Health().State != client.Healthy {
			t.Errorf("%d delivered, health %+v", len(got), c.Health())
		}
		if !strings.Contains(log.String(), "sending again") {
			t.Error("the end was not told")
		}
	})
}

// TestA8_ExpiredCredentialsLoseNothing has credentials that are refused until they are renewed, once at the second
// request, and later for two minutes.
func TestA8_ExpiredCredentialsLoseNothing(t *testing.T) {
	expired := respond(transport.Result{Outcome: transport.Rejected, Err: &transport.Error{
		Kind: transport.Misconfigured, Target: `queue "q"`, Code: "ExpiredToken", Hint: "check the credentials", Err: errors.New("expired"),
	}})
	bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(script(clienttest.Accept, expired, clienttest.Accept))
		start := time.Now()
		for i := range 100 {
			if _, err := c.Fire(t.Context(), number.With(i)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := c.Flush(t.Context()); err != nil || time.Since(start) > 300*time.Millisecond {
			t.Errorf("renewed at once, delivered after %v: %v", time.Since(start), err)
		}
		rec.Respond(flaky(expired, time.Since(start2000)+2*time.Minute))
		for i := range 100 {
			if _, err := c.Fire(t.Context(), number.With(100+i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if h := c.Health(); h.State != client.Blocked || h.Todo != "check the credentials" {
			t.Errorf("health %+v", h)
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if got := clienttest.Fired(t, rec, number); len(got) != 200 {
			t.Errorf("%d delivered", len(got))
		}
	})
}

// TestBlockedTellsCallersAtOnce is the mode Confirmed in front of a set-up that refuses everything.
func TestBlockedTellsCallersAtOnce(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var p probes
		rec.Respond(p.before(flaky(noQueue, 2*time.Minute)))
		for time.Since(start2000) < 2*time.Minute {
			start := time.Now()
			_, err := c.Fire(t.Context(), number.With(1))
			want(t, err, client.ErrNotSent)
			if transport.KindOf(err) != transport.Misconfigured || time.Since(start) > 200*time.Millisecond {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
			if time.Since(start2000) > time.Second && time.Since(start) > 0 {
				t.Fatalf("took %v: %v", time.Since(start), err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(p.between(0, 2*time.Minute)); n > 6 {
			t.Errorf("%d requests in two minutes", n)
		}
		time.Sleep(30 * time.Second)
		if _, err := c.Fire(t.Context(), number.With(1)); err != nil {
			t.Errorf("mended, but %v", err)
		}
	})
}

// TestBlockedLetsTheWaitingGo has callers in line when the second look finds the same.
func TestBlockedLetsTheWaitingGo(t *testing.T) {
	bubble(t, &client.Options{MaxSenders: 1}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(script(lost, after(time.Second, noQueue)))
		doubtful := fire(t.Context(), c, text.With("lost before"))
		time.Sleep(time.Second)
		start := time.Now()
		_, err := c.FireBatch(t.Context(), numbers(500))
		if want(t, err, client.ErrNotSent); time.Since(start) > 2500*time.Millisecond || transport.KindOf(err) != transport.Misconfigured {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if rec.Calls() > 4 {
			t.Errorf("%d calls", rec.Calls())
		}
		want(t, (<-doubtful).err, client.ErrUnconfirmed)
	})
}

// TestOneRouteFailsAlone holds that a function that is gone does not hold up the queue.
func TestOneRouteFailsAlone(t *testing.T) {
	other := clienttest.NewRecorder(small)
	other.Respond(noQueue)
	bubble(t, &client.Options{Mode: client.Buffered, Routes: map[string]transport.Sender{"bulk": other}}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		for i := range 100 {
			for _, x := range []task.Task{number.With(i), bulk.With(i)} {
				if _, err := c.Fire(t.Context(), x); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Second)
		if n := len(rec.Envelopes()); n != 100 {
			t.Errorf("%d delivered on the healthy route", n)
		}
		if h := c.Health(); h.State != client.Blocked || h.Class != "bulk" {
			t.Errorf("health %+v", h)
		}
	})
}

// TestA13_PoisonHoldsUpNobody has tasks that break every request they are in.
func TestA13_PoisonHoldsUpNobody(t *testing.T) {
	bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			if slices.ContainsFunc(batch, func(e task.Envelope) bool { return e.Name() == text.Name() }) {
				return lost(ctx, call, batch)
			}
			return clienttest.Accept(ctx, call, batch)
		})
		for range 100 {
			if _, err := c.Fire(t.Context(), text.With("poison")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		for i := range 20 {
			if _, err := c.Fire(t.Context(), number.With(i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			if got := len(clienttest.Fired(t, rec, number)); got != i+1 {
				t.Fatalf("task %d is not delivered after 5 s among poison", i)
			}
		}
	})
}

// TestA13_PoisonLosesItsCompany has one task that breaks every request it is in, fired together with nine good ones; with
// other traffic, which keeps the breaker closed, and without.
func TestA13_PoisonLosesItsCompany(t *testing.T) {
	for name, limits := range map[string]transport.Limits{"ten a request": small, "no bound": {}} {
		for _, traffic := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/traffic=%t", name, traffic), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rec := clienttest.NewRecorder(limits)
					c := newClient(t, rec, &client.Options{Mode: client.Buffered})
					rec.Respond(func(ctx context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
						if slices.ContainsFunc(batch, func(e task.Envelope) bool { return e.Name() == text.Name() }) {
							panic("poison")
						}
						return clienttest.Accept(ctx, call, batch)
					})
					if _, err := c.FireBatch(t.Context(), append(numbers(9), text.With("poison"))); err != nil {
						t.Fatal(err)
					}
					for time.Since(start2000) < time.Minute {
						if time.Sleep(100 * time.Millisecond); traffic {
							if _, err := c.Fire(t.Context(), bulk.With(0), task.Queue("")); err != nil {
								t.Fatal(err)
							}
						}
						if len(clienttest.Fired(t, rec, number)) == 9 {
							break
						}
					}
					took := time.Since(start2000)
					if got := clienttest.Fired(t, rec, number); len(got) != 9 {
						t.Errorf("%d of 9 delivered after %v beside one poison", len(got), took)
					}
					t.Logf("delivered after %v", took)
					c.Close(canceled(t)) //nolint:errcheck // the poison is left
				})
			})
		}
	}
}

// TestThrottledTasksKeepTogether holds that a transport which is busy is not asked more often for it.
func TestThrottledTasksKeepTogether(t *testing.T) {
	bubble(t, &client.Options{Mode: client.Buffered}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		var requests tally
		rec.Respond(requests.before(flaky(throttled, time.Minute)))
		if _, err := c.FireBatch(t.Context(), numbers(10)); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := slices.Min(requests.sizes); n != 10 || len(requests.sizes) < 10 {
			t.Errorf("requests %v", requests.sizes)
		}
	})
}

// TestA7_TwoHungRequestsHoldUpNobody is about low load: nothing gathers behind them, and no answer comes.
func TestA7_TwoHungRequestsHoldUpNobody(t *testing.T) {
	bubble(t, &client.Options{AttemptTimeout: time.Minute}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		quick := after(2*time.Millisecond, clienttest.Accept)
		hung := after(time.Hour, nil)
		rec.Respond(script(hung, hung, quick, quick, hung, hung, quick))
		try := func(most time.Duration) {
			t.Helper()
			start := time.Now()
			if _, err := c.Fire(t.Context(), number.With(1)); err != nil || time.Since(start) > most {
				t.Errorf("took %v: %v", time.Since(start), err)
			}
		}
		fire(t.Context(), c, text.With("hangs"))
		fire(t.Context(), c, text.With("hangs"))
		try(252 * time.Millisecond) // nobody knows yet what is usual
		try(2 * time.Millisecond)
		fire(t.Context(), c, text.With("hangs"))
		fire(t.Context(), c, text.With("hangs"))
		try(27 * time.Millisecond)
		try(2 * time.Millisecond)
	})
}

// TestOutageTellsWhy is the mode Confirmed in a long outage: a task that was never tried has the reason, too.
func TestOutageTellsWhy(t *testing.T) {
	bubble(t, &client.Options{ConfirmTimeout: 500 * time.Millisecond}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(lost)
		for range 10 { // each is tried on after its caller has gone
			fire(t.Context(), c, number.With(1))
		}
		time.Sleep(30 * time.Second)
		untried := 0
		for range 20 {
			r, err := c.Fire(t.Context(), text.With("later"))
			if r.Attempts > 0 {
				continue // it was the probe
			}
			untried++
			want(t, err, client.ErrNotSent, errNet)
		}
		if untried < 10 {
			t.Errorf("void: %d untried", untried)
		}
	})
}

// TestAnEarlierWakeReplacesALaterOne has a retry that is due before two hung requests count as late.
func TestAnEarlierWakeReplacesALaterOne(t *testing.T) {
	bubble(t, &client.Options{AttemptTimeout: time.Minute}, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		hung := after(time.Hour, nil)
		rec.Respond(script(hung, hung, lost, clienttest.Accept))
		fire(t.Context(), c, text.With("hangs"))
		fire(t.Context(), c, text.With("hangs"))
		start := time.Now()
		waits := fire(t.Context(), c, number.With(0)) // until the two are late, if nothing else happens
		if _, err := c.FireBatch(t.Context(), numbers(9)); err != nil || time.Since(start) > 50*time.Millisecond {
			t.Errorf("a full request was tried again after %v: %v", time.Since(start), err)
		}
		if o := <-waits; o.err != nil {
			t.Error(o.err)
		}
	})
}
