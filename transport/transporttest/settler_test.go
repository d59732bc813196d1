package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/memtransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

// bench is a queue that can be broken, and the dead letters that a mutant stored.
type bench struct {
	*memtransport.Queue
	noDeadLetters bool
	extra         []transporttest.DeadLetter
}

func (b *bench) DeadLetter(ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
	if b.noDeadLetters {
		return slices.Repeat([]error{errors.New("broken")}, len(ds))
	}
	return b.Queue.DeadLetter(ctx, ds, why)
}

type (
	retryFunc      = func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error
	deadLetterFunc = func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error
)

// brokenSettler is a settler with one fault of its own.
type brokenSettler struct {
	*bench
	retry      retryFunc
	deadLetter deadLetterFunc
}

func (s brokenSettler) Retry(ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
	if s.retry == nil {
		return s.bench.Retry(ctx, ds, after)
	}
	return s.retry(s.bench, ctx, ds, after)
}

func (s brokenSettler) DeadLetter(ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
	if s.deadLetter == nil {
		return s.bench.DeadLetter(ctx, ds, why)
	}
	return s.deadLetter(s.bench, ctx, ds, why)
}

func settlerHarness(wrap func(*bench) transport.Settler) transporttest.SettlerHarness {
	return transporttest.SettlerHarness{Run: synctest.Test, Make: func(tb testing.TB) transporttest.Source {
		b := &bench{Queue: memtransport.New(&memtransport.Options{VisibilityTimeout: time.Hour, Limits: transport.Limits{MaxDelay: time.Hour}})}
		seen := 0
		receive := func(wait time.Duration, n int) []transport.Delivery {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), wait+time.Nanosecond)
			defer cancel()
			ds, _ := b.Receive(ctx, n)
			return ds
		}
		return transporttest.Source{
			Settler: wrap(b),
			Deliver: func(bodies ...[]byte) []transport.Delivery {
				for _, body := range bodies {
					if _, err := b.Send(context.Background(), []task.Envelope{around(tb, body)}); err != nil {
						tb.Fatal(err)
					}
				}
				return receive(0, len(bodies))
			},
			Receive: func(wait time.Duration) []transport.Delivery { return receive(wait, 100) },
			DeadLetters: func() (all []transporttest.DeadLetter) {
				for _, l := range b.DeadLetters()[seen:] {
					seen++
					all = append(all, transporttest.DeadLetter{Body: l.Body, Attributes: l.Reason.Attributes()})
				}
				return append(all, b.extra...)
			},
			BreakDeadLetters: func() { b.noDeadLetters = true },
		}
	}}
}

// around makes an envelope that carries body; the suite compares deliveries with each other, not with what it asked for.
func around(tb testing.TB, body []byte) task.Envelope {
	e, err := task.Define[string]("transporttest.body").With(string(body)).Encode(task.NewID(time.Now()), "/test", time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func TestSettlerSuitePassesACorrectSettler(t *testing.T) {
	h := settlerHarness(func(b *bench) transport.Settler { return b })
	transporttest.Settlers(t, h)
	if failures := transporttest.SettlerFailures(t, h, "RetryOfMany"); len(failures) > 0 {
		t.Fatalf("the recorder says that a correct settler fails: %v", failures)
	}
}

func TestSettlerSuiteCatchesBrokenSettlers(t *testing.T) {
	retry := func(f retryFunc) brokenSettler { return brokenSettler{retry: f} }
	deadLetter := func(f deadLetterFunc) brokenSettler { return brokenSettler{deadLetter: f} }
	for _, m := range []struct {
		name, caught string
		broken       brokenSettler
	}{
		{"gives everything back at once", "RetryComesBackAfterItsWait", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			return b.Retry(ctx, ds, make([]time.Duration, len(after)))
		})},
		{"cuts waits to seconds", "RetryComesBackAfterItsWait", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			after = slices.Clone(after)
			for i := range after {
				after[i] = after[i].Truncate(time.Second)
			}
			return b.Retry(ctx, ds, after)
		})},
		{"mixes waits up", "RetryComesBackAfterItsWait", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			after = slices.Clone(after)
			slices.Reverse(after)
			return b.Retry(ctx, ds, after)
		})},
		{"gives nothing back", "RetryComesBackAfterItsWait", retry(func(*bench, context.Context, []transport.Delivery, []time.Duration) []error { return nil })},
		{"gives ten back", "RetryOfMany", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			errs := b.Retry(ctx, ds[:min(len(ds), 10)], after)
			if errs == nil {
				return nil
			}
			return append(errs, make([]error, len(ds)-len(errs))...)
		})},
		{"says nothing of a receipt that is gone", "RetryOfOneThatIsGoneHarmsNoOther", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			b.Retry(ctx, ds, after)
			return nil
		})},
		{"fails all for one", "RetryOfOneThatIsGoneHarmsNoOther", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			if errs := b.Retry(ctx, ds, after); errs != nil {
				return slices.Repeat([]error{errors.Join(errs...)}, len(ds))
			}
			return nil
		})},
		{"says nothing of direct invocations", "RetryOfADirectInvocationIsAnError", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			errs := b.Retry(ctx, ds, after)
			for i := range errs {
				if ds[i].Source == "" {
					errs[i] = nil
				}
			}
			return errs
		})},
		{"takes every source for its own", "RetryOfAnUnknownSourceIsAnError", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			ds = slices.Clone(ds)
			for i := range ds {
				if ds[i].Source != "" {
					ds[i].Source = memtransport.DefaultName
				}
			}
			return b.Retry(ctx, ds, after)
		})},
		{"retries for an ended context", "RetryWithAnEndedContextIsAnError", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			return b.Retry(context.WithoutCancel(ctx), ds, after)
		})},
		{"panics on nothing or so", "NothingToSettle", retry(func(b *bench, ctx context.Context, ds []transport.Delivery, after []time.Duration) []error {
			if len(ds) == 0 {
				return []error{errors.New("nothing to do")}
			}
			return b.Retry(ctx, ds, after)
		})},
		{"stores nothing and says so to nobody", "DeadLetterIsStoredWithItsReason", deadLetter(func(*bench, context.Context, []transport.Delivery, []transport.Reason) []error { return nil })},
		{"drops the reason", "DeadLetterIsStoredWithItsReason", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			return b.DeadLetter(ctx, ds, make([]transport.Reason, len(why)))
		})},
		{"drops the stack", "DeadLetterIsStoredWithItsReason", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			why = slices.Clone(why)
			for i := range why {
				why[i].Stack = ""
			}
			return b.DeadLetter(ctx, ds, why)
		})},
		{"mixes reasons up", "DeadLetterIsStoredWithItsReason", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			why = slices.Clone(why)
			slices.Reverse(why)
			return b.DeadLetter(ctx, ds, why)
		})},
		{"changes characters of the body", "DeadLetterOfEveryCharacter", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			ds = slices.Clone(ds)
			for i := range ds {
				ds[i].Body = bytes.ReplaceAll(ds[i].Body, []byte("\u00a0"), []byte(" "))
			}
			return b.DeadLetter(ctx, ds, why)
		})},
		{"drops large ones", "DeadLettersOfAnySize", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			errs := make([]error, len(ds))
			for i, d := range ds {
				if len(d.Body) < 1<<20-transport.MaxReasonBytes {
					errs[i] = errors.Join(b.DeadLetter(ctx, ds[i:i+1], why[i:i+1])...)
				}
			}
			return errs
		})},
		{"stores twice", "DeadLetterIsStoredWithItsReason", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			b.DeadLetter(ctx, ds, why)
			return b.DeadLetter(ctx, ds, why)
		})},
		{"refuses direct invocations", "DeadLetterOfADirectInvocation", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			if len(ds) == 1 && ds[0].Source == "" {
				return []error{errors.New("no source")}
			}
			return b.DeadLetter(ctx, ds, why)
		})},
		{"acknowledges by itself", "DeadLetterAcknowledgesNothing", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			errs := b.DeadLetter(ctx, ds, why)
			_ = b.Ack(ds...)
			return errs
		})},
		{"takes every source for its own", "DeadLetterOfAnUnknownSourceIsAnError", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			ds = slices.Clone(ds)
			for i := range ds {
				ds[i].Source = memtransport.DefaultName
			}
			return b.DeadLetter(ctx, ds, why)
		})},
		{"stores for an ended context", "DeadLetterWithAnEndedContextIsAnError", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			return b.DeadLetter(context.WithoutCancel(ctx), ds, why)
		})},
		{"swallows errors", "DeadLetterThatIsNotStoredIsAnError", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			b.DeadLetter(ctx, ds, why)
			return nil
		})},
		{"acknowledges what is not stored", "DeadLetterThatIsNotStoredIsAnError", deadLetter(func(b *bench, ctx context.Context, ds []transport.Delivery, why []transport.Reason) []error {
			errs := b.DeadLetter(ctx, ds, why)
			if errs != nil {
				_ = b.Ack(ds...)
			}
			return errs
		})},
	} {
		t.Run(m.caught+"/"+m.name, func(t *testing.T) {
			failures := transporttest.SettlerFailures(t, settlerHarness(func(b *bench) transport.Settler {
				s := m.broken
				s.bench = b
				return s
			}), m.caught)
			if failures[m.caught] == "" {
				t.Fatalf("%s passes it", m.caught)
			}
		})
	}
}
