package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/memtransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

// wire is a correct sender with the faults of a network before it.
type wire struct {
	*memtransport.Queue
	mu     sync.Mutex
	lose   bool          // guarded by mu
	refuse bool          // guarded by mu
	held   chan struct{} // guarded by mu

	later [][]task.Envelope // what a mutant keeps to send it later
}

func fault(o transport.Outcome, err error) transport.Result {
	return transport.Result{Outcome: o, Err: &transport.Error{Target: "wire", Err: err}}
}

func all(r transport.Result, n int) ([]transport.Result, error) {
	return slices.Repeat([]transport.Result{r}, n), r.Err
}

func (w *wire) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	w.mu.Lock()
	lose, refuse, held := w.lose, w.refuse, w.held
	w.lose, w.refuse = false, false
	w.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return all(fault(transport.Unknown, ctx.Err()), len(batch))
		}
	}
	if refuse {
		return all(fault(transport.Rejected, errors.New("refused")), len(batch))
	}
	results, err := w.Queue.Send(ctx, batch)
	if lose {
		return all(fault(transport.Unknown, errors.New("lost")), len(batch))
	}
	return results, err
}

// broken is a sender with one fault of its own.
type broken struct {
	*wire
	send   func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error)
	limits func(l transport.Limits) transport.Limits
}

func (b broken) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	if b.send == nil {
		return b.wire.Send(ctx, batch)
	}
	return b.send(b.wire, ctx, batch)
}

func (b broken) Limits() transport.Limits {
	if b.limits == nil {
		return b.wire.Limits()
	}
	return b.limits(b.wire.Limits())
}

func senderHarness(wrap func(w *wire) transport.Sender) transporttest.SenderHarness {
	return transporttest.SenderHarness{Run: synctest.Test, Make: func(tb testing.TB) transporttest.Destination {
		w := &wire{Queue: memtransport.New(&memtransport.Options{MaxReceives: 1000})}
		start := time.Now()
		return transporttest.Destination{
			Sender: wrap(w),
			TooBig: w.Limits().MessageBytes + 1,
			Arrived: func() []transporttest.Arrival {
				for _, batch := range w.later {
					_, _ = w.Send(context.Background(), batch)
				}
				w.later = nil
				return drain(tb, w.Queue, start)
			},
			LoseAnswer: func() { w.mu.Lock(); w.lose = true; w.mu.Unlock() },
			Refuse:     func() { w.mu.Lock(); w.refuse = true; w.mu.Unlock() },
			Hold: func() func() {
				held := hold(w)
				return func() { close(held) }
			},
		}
	}}
}

func hold(w *wire) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = make(chan struct{})
	return w.held
}

func drain(tb testing.TB, q *memtransport.Queue, start time.Time) (got []transporttest.Arrival) {
	for q.Len() > 0 {
		ds, err := q.Receive(context.WithoutCancel(tb.Context()), 1000)
		if err != nil {
			tb.Fatal(err)
		}
		for _, d := range ds {
			got = append(got, transporttest.Arrival{Body: d.Body, Delay: time.Since(start)})
		}
		if err := q.Ack(ds...); err != nil {
			tb.Fatal(err)
		}
	}
	return got
}

func TestSenderSuitePassesACorrectSender(t *testing.T) {
	h := senderHarness(func(w *wire) transport.Sender { return w })
	transporttest.Senders(t, h)
	if failures := transporttest.SenderFailures(t, h, "OneArrives"); len(failures) > 0 {
		t.Fatalf("the recorder says that a correct sender fails: %v", failures)
	}
}

type sendFunc = func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error)

// afterwards changes what a correct sender answers.
func afterwards(change func(results []transport.Result, err error) ([]transport.Result, error)) sendFunc {
	return func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
		return change(w.Send(ctx, batch))
	}
}

// before changes what a correct sender sends.
func before(change func(batch []task.Envelope) []task.Envelope) sendFunc {
	return func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
		if len(batch) == 0 {
			return w.Send(ctx, batch)
		}
		changed := change(slices.Clone(batch))
		results, err := w.Send(ctx, changed)
		for len(results) < len(batch) {
			results = append(results, transport.Result{Outcome: transport.Accepted})
		}
		return results[:len(batch)], err
	}
}

var echo = task.Define[string]("transporttest.echo")

// again encodes e anew, to the same body if that is the one given: with another delay from now on, or with another text.
func again(e task.Envelope, delay time.Duration, body []byte) task.Envelope {
	parsed, err := task.Parse(body)
	if err != nil {
		return e
	}
	text, err := echo.Decode(parsed)
	if err != nil {
		return e
	}
	changed, err := echo.With(text).Encode(e.ID(), e.Source(), e.Time(), task.Delay(delay+time.Since(e.Time())))
	if err != nil {
		return e
	}
	return changed
}

func TestSenderSuiteCatchesBrokenSenders(t *testing.T) {
	for _, m := range []struct {
		name   string
		caught string // a check that must fail
		broken broken
	}{
		{"drops the last of a batch", "AnyNumberArrives", broken{send: before(func(b []task.Envelope) []task.Envelope { return b[:len(b)-1] })}},
		{"drops what is beyond a request", "AnyNumberArrives", broken{send: before(func(b []task.Envelope) []task.Envelope { return b[:min(len(b), 10)] })}},
		{"sends twice", "OneArrives", broken{send: before(func(b []task.Envelope) []task.Envelope { return append(b, b[0]) })}},
		{"sends the first in place of all", "AnyNumberArrives", broken{send: before(func(b []task.Envelope) []task.Envelope {
			return slices.Repeat(b[:1], len(b))
		})}},
		{"drops delays", "DelayIsKept", broken{send: before(func(b []task.Envelope) []task.Envelope {
			for i, e := range b {
				if e.Delay() > 0 && e.Delay() <= 15*time.Minute {
					b[i] = again(e, 0, e.Body())
				}
			}
			return b
		})}},
		{"cuts delays to seconds", "DelayIsKept", broken{send: before(func(b []task.Envelope) []task.Envelope {
			for i, e := range b {
				b[i] = again(e, e.Delay().Truncate(time.Second), e.Body())
			}
			return b
		})}},
		{"starts delays anew", "DelayCountsFromTheFiring", broken{send: before(func(b []task.Envelope) []task.Envelope {
			for i, e := range b {
				b[i] = again(e, e.Delay(), e.Body())
			}
			return b
		})}},
		{"shortens delays beyond the limit", "DelayBeyondTheLimitIsRejected", broken{send: before(func(b []task.Envelope) []task.Envelope {
			for i, e := range b {
				b[i] = again(e, min(e.Delay(), 15*time.Minute), e.Body())
			}
			return b
		})}},
		{"changes characters", "EveryCharacterArrives", broken{send: before(func(b []task.Envelope) []task.Envelope {
			for i, e := range b {
				b[i] = again(e, e.Delay(), bytes.ReplaceAll(e.Body(), []byte(`\u0000`), []byte(` `)))
			}
			return b
		})}},
		{"gives the results of a batch with a failure in reverse", "OneBadEntryHarmsNoOther", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			slices.Reverse(r)
			return r, err
		})}},
		{"shifts results by one", "OneBadEntryHarmsNoOther", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			if len(r) > 1 {
				r = append(r[1:], r[0])
			}
			return r, err
		})}},
		{"doubles a result", "OneArrives", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			if len(r) > 0 {
				r = append(r, r[0])
			}
			return r, err
		})}},
		{"gives no results", "OneArrives", broken{send: afterwards(func(_ []transport.Result, err error) ([]transport.Result, error) { return nil, err })}},
		{"hides the error", "RefusedRequestIsRejected", broken{send: afterwards(func(r []transport.Result, _ error) ([]transport.Result, error) { return r, nil })}},
		{"gives an error with success", "OneArrives", broken{send: afterwards(func(r []transport.Result, _ error) ([]transport.Result, error) {
			return r, errors.New("why not")
		})}},
		{"has an error on accepted results", "OneArrives", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			for i := range r {
				r[i].Err = errors.New("why not")
			}
			return r, err
		})}},
		{"has no error on rejected results", "OneBadEntryHarmsNoOther", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			for i := range r {
				r[i].Err = nil
			}
			return r, err
		})}},
		{"has bare errors", "RefusedRequestIsRejected", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			for i := range r {
				if r[i].Err != nil {
					r[i].Err = errors.Unwrap(r[i].Err)
				}
			}
			return r, err
		})}},
		{"takes unknown for accepted", "LostAnswerIsUnknown", broken{send: afterwards(func(r []transport.Result, _ error) ([]transport.Result, error) {
			for i := range r {
				if r[i].Outcome == transport.Unknown {
					r[i] = transport.Result{Outcome: transport.Accepted}
				}
			}
			return r, transport.FirstError(r, len(r))
		})}},
		{"takes unknown for rejected", "LostAnswerIsUnknown", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			for i := range r {
				if r[i].Outcome == transport.Unknown {
					r[i].Outcome = transport.Rejected
				}
			}
			return r, err
		})}},
		{"takes a cancelled wait for rejected", "ContextEndsTheWait", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			for i := range r {
				if errors.Is(r[i].Err, context.DeadlineExceeded) {
					r[i].Outcome = transport.Rejected
				}
			}
			return r, err
		})}},
		{"sends again by itself", "LostAnswerIsUnknown", broken{send: func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
			results, err := w.Send(ctx, batch)
			if err != nil && transport.ResultAt(results, 0).Outcome == transport.Unknown && ctx.Err() == nil {
				return w.Send(ctx, batch)
			}
			return results, err
		}}},
		{"fails a batch for one entry", "OneBadEntryHarmsNoOther", broken{send: func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
			for _, e := range batch {
				if e.Size() == 0 {
					return all(fault(transport.Rejected, errors.New("bad batch")), len(batch))
				}
			}
			return w.Send(ctx, batch)
		}}},
		{"sends for an ended context", "EndedContextSendsNothing", broken{send: func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
			if errors.Is(ctx.Err(), context.Canceled) {
				ctx = context.WithoutCancel(ctx)
			}
			return w.Send(ctx, batch)
		}}},
		{"hides the error of the context", "EndedContextSendsNothing", broken{send: afterwards(func(r []transport.Result, err error) ([]transport.Result, error) {
			for i := range r {
				if errors.Is(r[i].Err, context.Canceled) {
					r[i] = fault(r[i].Outcome, errors.New("stopped"))
				}
			}
			return r, err
		})}},
		{"ignores the context", "ContextEndsTheWait", broken{send: func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
			return w.Send(context.WithoutCancel(ctx), batch)
		}}},
		{"takes the batch for its own", "BatchIsTheCallers", broken{send: func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
			w.later = append(w.later, batch)
			return all(transport.Result{Outcome: transport.Accepted}, len(batch))
		}}},
		{"changes the batch", "BatchIsTheCallers", broken{send: func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
			results, err := w.Send(ctx, batch)
			slices.Reverse(batch)
			return results, err
		}}},
		{"loses one of two that come together", "ConcurrentSendsArrive", broken{send: alone()}},
		{"claims larger bodies than it takes", "LargestBodyArrives", broken{limits: func(l transport.Limits) transport.Limits { l.MessageBytes++; return l }}},
		{"claims longer delays than it takes", "DelayIsKept", broken{limits: func(l transport.Limits) transport.Limits { l.MaxDelay += time.Second; return l }}},
		{"has limits that contradict each other", "LimitsAreSane", broken{limits: func(l transport.Limits) transport.Limits { l.BatchBytes = 10; return l }}},
		{"sends a batch of its own", "NothingIsSentForNothing", broken{send: func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
			if len(batch) == 0 {
				return nil, errors.New("an empty batch")
			}
			return w.Send(ctx, batch)
		}}},
	} {
		t.Run(m.name, func(t *testing.T) {
			failures := transporttest.SenderFailures(t, senderHarness(func(w *wire) transport.Sender {
				b := m.broken
				b.wire = w
				return b
			}), m.caught)
			if failures[m.caught] == "" {
				t.Fatalf("%s passes it", m.caught)
			}
		})
	}
}

// alone forgets what it sends while another Send is under way.
func alone() sendFunc {
	var busy sync.Mutex
	return func(w *wire, ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
		if !busy.TryLock() {
			return all(transport.Result{Outcome: transport.Accepted}, len(batch))
		}
		defer busy.Unlock()
		time.Sleep(time.Nanosecond)
		return w.Send(ctx, batch)
	}
}

// promising says that it keeps nothing, and does: the bodies, in a slice of its own.
type promising struct{ *wire }

func (p promising) Forgets() transport.Sender { return p }

func (p promising) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	p.later = append(p.later, slices.Clone(batch))
	return all(transport.Result{Outcome: transport.Accepted}, len(batch))
}

func TestSenderSuiteCatchesABrokenPromise(t *testing.T) {
	h := senderHarness(func(w *wire) transport.Sender { return promising{w} })
	if failures := transporttest.SenderFailures(t, h, "ForgetfulSenderForgets"); failures["ForgetfulSenderForgets"] == "" {
		t.Error("a Forgetful sender that keeps bodies passes")
	}
	if failures := transporttest.SenderFailures(t, h, "BatchIsTheCallers"); len(failures) > 0 {
		t.Errorf("another test fails it: %v", failures)
	}
}
