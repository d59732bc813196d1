package claimcheck_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/memtransport"
)

// form is where the payload of a message ends up.
type form string

const (
	whole      form = "whole"
	inline     form = "compressed, in the message"
	stored     form = "stored"
	storedGzip form = "stored, compressed"
)

func formOf(e task.Envelope) form {
	p, elsewhere := e.Payload()
	switch {
	case !elsewhere:
		return whole
	case p.Inline != nil:
		return inline
	case p.Encoding != "":
		return storedGzip
	}
	return stored
}

func TestEachPayloadTakesItsForm(t *testing.T) {
	least := encode(t, "1", "").Size()
	for name, c := range map[string]struct {
		text string
		o    claimcheck.Options
		want form
	}{
		"small":                          {"x", claimcheck.Options{}, whole},
		"at the threshold":               {noise(threshold - least), claimcheck.Options{}, whole},
		"a byte above":                   {noise(threshold - least + 1), claimcheck.Options{}, storedGzip},
		"compressible":                   {prose(20_000), claimcheck.Options{}, inline},
		"compressible, and not asked to": {prose(20_000), claimcheck.Options{NoCompression: true}, stored},
		"large":                          {prose(1_000_000), claimcheck.Options{}, storedGzip},
		"would be a bomb":                {strings.Repeat("0", 2_000_000), claimcheck.Options{}, stored},
		"a lower threshold":              {prose(5_000), claimcheck.Options{Threshold: claimcheck.MinThreshold}, inline},
		"many quotes, which take more":   {strings.Repeat(`"\`, 1000) + noise(threshold), claimcheck.Options{}, storedGzip},
	} {
		t.Run(name, func(t *testing.T) {
			q, store := small(), newShelf()
			e := encode(t, "1", c.text, task.Delay(0), task.Header("tenant", "blue"))
			if name == "at the threshold" || name == "a byte above" {
				e = encode(t, "1", c.text)
			}
			if _, err := newSender(t, q, store, c.o).Send(t.Context(), []task.Envelope{e}); err != nil {
				t.Fatal(err)
			}
			got := received(t, q)
			if len(got) != 1 || formOf(got[0]) != c.want {
				t.Fatalf("%d messages, the first is %s, want %s", len(got), formOf(got[0]), c.want)
			}
			if back := resolved(t, newResolver(t, store, claimcheck.ResolverOptions{}), got[0]); back != c.text {
				t.Errorf("the text has changed: %d bytes, were %d", len(back), len(c.text))
			}
			if n := len(store.payloads); (n == 1) != (c.want == stored || c.want == storedGzip) {
				t.Errorf("%d payloads are stored", n)
			}
			if got[0].Size() > threshold {
				t.Errorf("the message has %d bytes", got[0].Size())
			}
		})
	}
}

// What travels beside the payload must not be lost: attributes in the body, class and delay in the memory of the host.
func TestEverythingElseIsKept(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var sent []task.Envelope
	next := sendFunc{small().Limits(), func(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
		sent = append(sent, batch...)
		return accepted(len(batch)), nil
	}}
	s := newSender(t, next, newShelf(), claimcheck.Options{})
	for _, body := range []string{noise(30_000), prose(20_000)} {
		e := encode(t, "order-7", body, task.Delay(time.Minute), task.Header("tenant", "blue"), task.Trace(parent, "a=b"),
			task.Expires(time.Hour), task.MaxAttempts(3), task.Timeout(time.Second), task.CausedBy(task.Info{Hops: 4}))
		if _, err := s.Send(t.Context(), []task.Envelope{e}); err != nil {
			t.Fatal(err)
		}
		got := sent[len(sent)-1]
		back, err := task.Parse(got.Body())
		if err != nil {
			t.Fatal(err)
		}
		if got.Class() != "bulk" || got.Delay() != time.Minute {
			t.Errorf("class %q, delay %v", got.Class(), got.Delay())
		}
		if back.ID() != "order-7" || back.Name() != e.Name() || back.Source() != e.Source() || !back.Time().Equal(e.Time()) || !back.Expires().Equal(e.Expires()) ||
			back.Header("tenant") != "blue" || back.Header("traceparent") != parent || back.Header("tracestate") != "a=b" ||
			back.MaxAttempts() != 3 || back.Timeout() != time.Second || back.Hops() != 5 || len(back.Headers()) != 3 {
			t.Errorf("became %s", got.Body())
		}
	}
}

// sendFunc is a Sender that is a function.
type sendFunc struct {
	limits transport.Limits
	send   func(ctx context.Context, batch []task.Envelope) ([]transport.Result, error)
}

func (s sendFunc) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	return s.send(ctx, batch)
}
func (s sendFunc) Limits() transport.Limits { return s.limits }

func accepted(n int) []transport.Result {
	results := make([]transport.Result, n)
	for i := range results {
		results[i] = transport.Result{Outcome: transport.Accepted, MessageID: fmt.Sprint(i)}
	}
	return results
}

// A failed upload is the failure of its own task, of the kind that the store says; it says nothing of the transport.
func TestFailedUploadHarmsNoOther(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		fail error
		kind transport.Kind
	}{
		"throttled":     {&transport.Error{Kind: transport.Throttled, Code: "SlowDown", Target: "shelf", Err: boom}, transport.Throttled},
		"misconfigured": {&transport.Error{Kind: transport.Misconfigured, Hint: "mend it", Target: "shelf", Err: boom}, transport.Misconfigured},
		"transient":     {&transport.Error{Target: "shelf", Err: boom}, transport.Transient},
		"untyped":       {boom, transport.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			q, store := small(), newShelf()
			bad := claimcheck.Key("bad", "")
			store.onPut = func(_ context.Context, key string) error {
				if strings.HasPrefix(key, bad) {
					return c.fail
				}
				return nil
			}
			s := newSender(t, q, store, claimcheck.Options{})
			batch := []task.Envelope{encode(t, "a", "x"), encode(t, "b", noise(20_000)), encode(t, "bad", noise(20_000)), encode(t, "c", prose(20_000)), encode(t, "d", "y")}
			results, err := s.Send(t.Context(), batch)
			if !errors.Is(err, boom) {
				t.Errorf("error %v", err)
			}
			for i, r := range results {
				if i != 2 && r.Outcome != transport.Accepted {
					t.Errorf("result %d: %v, %v", i, r.Outcome, r.Err)
				}
			}
			r := results[2]
			var e *transport.Error
			if !errors.As(r.Err, &e) || r.Outcome != transport.Rejected || e.Kind != c.kind || !e.Alone || e.Target != "shelf" || !strings.Contains(r.Err.Error(), `task "test.text", id "bad"`) {
				t.Errorf("result of the bad one: %v, %v", r.Outcome, r.Err)
			}
			if got := received(t, q); len(got) != 4 {
				t.Errorf("%d messages", len(got))
			}
			store.onPut = nil
			if _, err := s.Send(t.Context(), batch[2:3]); err != nil {
				t.Errorf("when the store is well again: %v", err)
			}
		})
	}
}

// A store or a Sender that panics must not end the process: they run in goroutines of the claim check.
func TestPanicsAreFailures(t *testing.T) {
	store := newShelf()
	store.onPut = func(context.Context, string) error { panic("the store") }
	s := newSender(t, small(), store, claimcheck.Options{})
	results, err := s.Send(t.Context(), []task.Envelope{encode(t, "a", "x"), encode(t, "b", noise(20_000))})
	if results[0].Outcome != transport.Accepted || results[1].Outcome != transport.Rejected || err == nil || !strings.Contains(err.Error(), "panicked: the store") {
		t.Errorf("%+v, %v", results, err)
	}
	boom := errors.New("the Sender")
	next := sendFunc{small().Limits(), func(context.Context, []task.Envelope) ([]transport.Result, error) { panic(boom) }}
	results, err = newSender(t, next, newShelf(), claimcheck.Options{}).Send(t.Context(), []task.Envelope{encode(t, "a", "x"), encode(t, "b", noise(20_000))})
	for i, r := range results {
		if r.Outcome != transport.Unknown || !errors.Is(r.Err, boom) || !errors.Is(r.Err, transport.ErrNoResult) {
			t.Errorf("result %d: %v, %v", i, r.Outcome, r.Err)
		}
	}
	if !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
}

// After an answer that was lost the same envelope is sent again, and its payload is not stored again.
func TestB1_SentAgainIsNotStoredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		var answers []transport.Outcome
		next := sendFunc{small().Limits(), func(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
			results := make([]transport.Result, len(batch))
			for i := range results {
				results[i] = transport.Result{Outcome: answers[0]}
			}
			answers = answers[1:]
			return results, transport.FirstError(results, len(batch))
		}}
		s := newSender(t, next, store, claimcheck.Options{})
		e := encode(t, "a", noise(20_000))
		answers = []transport.Outcome{transport.Unknown, transport.Rejected, transport.Unknown}
		for range 3 {
			_, _ = s.Send(t.Context(), []task.Envelope{e})
		}
		if puts, _, _ := store.seen(); puts != 1 {
			t.Errorf("stored %d times, want once", puts)
		}
		// The same id with other arguments is another payload, and what was stored an hour ago may age.
		answers = []transport.Outcome{transport.Unknown, transport.Unknown, transport.Unknown}
		_, _ = s.Send(t.Context(), []task.Envelope{encode(t, "a", noise(20_001))})
		if puts, _, _ := store.seen(); puts != 2 {
			t.Errorf("stored %d times, want twice", puts)
		}
		for _, wait := range []time.Duration{59 * time.Minute, 2 * time.Minute} {
			time.Sleep(wait)
			_, _ = s.Send(t.Context(), []task.Envelope{encode(t, "a", noise(20_001))})
		}
		if puts, _, _ := store.seen(); puts != 3 {
			t.Errorf("stored %d times, want three times", puts)
		}
		// What was accepted need not be remembered.
		answers = []transport.Outcome{transport.Accepted, transport.Unknown}
		for range 2 {
			_, _ = s.Send(t.Context(), []task.Envelope{encode(t, "a", noise(20_001))})
		}
		if puts, _, _ := store.seen(); puts != 4 {
			t.Errorf("stored %d times, want four times", puts)
		}
		if len(store.payloads) != 2 {
			t.Errorf("%d payloads, want two: the key is that of the content", len(store.payloads))
		}
	})
}

// The memory of uploads is bounded.
func TestManyUploadsAreNotAllRemembered(t *testing.T) {
	store := newShelf()
	next := sendFunc{small().Limits(), func(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
		return make([]transport.Result, len(batch)), transport.ErrNoResult
	}}
	s := newSender(t, next, store, claimcheck.Options{NoCompression: true})
	first := encode(t, "first", noise(threshold))
	for range 2 {
		_, _ = s.Send(t.Context(), []task.Envelope{first})
	}
	for i := range 1100 {
		_, _ = s.Send(t.Context(), []task.Envelope{encode(t, fmt.Sprint(i), noise(threshold))})
	}
	_, _ = s.Send(t.Context(), []task.Envelope{first})
	if puts, _, _ := store.seen(); puts != 1102 {
		t.Errorf("stored %d times, want 1102: the first one was forgotten", puts)
	}
}

// An upload that hangs is given up early enough for the messages of the others, which are not held up for ever.
func TestA7_HungUploadHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, store := small(), newShelf()
		hung := claimcheck.Key("hung", "")
		store.onPut = func(ctx context.Context, key string) error {
			if strings.HasPrefix(key, hung) {
				<-ctx.Done()
				return &transport.Error{Target: "shelf", Err: ctx.Err()}
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		results, err := newSender(t, q, store, claimcheck.Options{}).Send(ctx, []task.Envelope{encode(t, "hung", noise(20_000)), encode(t, "a", noise(20_000)), encode(t, "b", "x")})
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("took %v, want three quarters of the time", took)
		}
		if !errors.Is(err, context.DeadlineExceeded) || results[0].Outcome != transport.Rejected || transport.KindOf(results[0].Err) != transport.Transient ||
			results[1].Outcome != transport.Accepted || results[2].Outcome != transport.Accepted {
			t.Errorf("%+v", results)
		}
		if got := received(t, q); len(got) != 2 {
			t.Errorf("%d messages", len(got))
		}
	})
}

func TestUploadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		var now, most atomic.Int32
		store.onPut = func(context.Context, string) error {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		}
		s := newSender(t, small(), store, claimcheck.Options{Uploads: 3})
		began := time.Now()
		done := make(chan error)
		for call := range 2 {
			go func() {
				var batch []task.Envelope
				for i := range 6 {
					batch = append(batch, encode(t, fmt.Sprintf("%d-%d", call, i), noise(20_000+i)))
				}
				_, err := s.Send(t.Context(), batch)
				done <- err
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); most.Load() != 3 || took != 4*time.Second {
			t.Errorf("%d at once, in %v: want 3 of all calls together, in 4 s", most.Load(), took)
		}
	})
}

func TestC1_WhatCannotBeMadeToFitIsRefused(t *testing.T) {
	q, store := small(), newShelf()
	s := newSender(t, q, store, claimcheck.Options{MaxBytes: 100_000})
	least := encode(t, "1", "").Size()
	fits := encode(t, "1", noise(100_000-least))
	for name, c := range map[string]struct {
		e    task.Envelope
		fits bool
	}{
		"the largest":       {fits, true},
		"a byte more":       {encode(t, "1", noise(100_000-least+1)), false},
		"attributes alone":  {encode(t, "1", "x", task.Header("a", noise(threshold))), false},
		"attributes and":    {encode(t, "1", noise(50_000), task.Header("a", noise(threshold-300))), false},
		"too long a delay":  {encode(t, "1", noise(50_000), task.Delay(2*time.Hour)), false},
		"an empty envelope": {task.Envelope{}, false},
	} {
		before, _, _ := store.seen()
		results, err := s.Send(t.Context(), []task.Envelope{c.e})
		after, _, _ := store.seen()
		if c.fits {
			if err != nil || after != before+1 {
				t.Errorf("%s: %v, %d uploads", name, err, after-before)
			}
			continue
		}
		if results[0].Outcome != transport.Rejected || transport.KindOf(err) != transport.Invalid || after != before {
			t.Errorf("%s: %v, %v, %d uploads", name, results[0].Outcome, err, after-before)
		}
	}
	limits := s.Limits()
	if limits.MessageBytes != 100_000 || limits.BatchBytes != 100_000 || limits.Items != 10 || limits.MaxDelay != time.Hour {
		t.Errorf("limits %+v", limits)
	}
}

func TestNewSenderReturnsEveryProblem(t *testing.T) {
	unlimited := memtransport.New(&memtransport.Options{Limits: transport.Limits{Items: 10}})
	for _, c := range []struct {
		next  transport.Sender
		store claimcheck.Store
		o     *claimcheck.Options
		want  []string
	}{
		{small(), newShelf(), nil, nil},
		{unlimited, newShelf(), &claimcheck.Options{Threshold: 1 << 20}, nil},
		{nil, nil, nil, []string{"the Sender is nil", "the Store is nil"}},
		{unlimited, newShelf(), nil, []string{"any size"}},
		{small(), newShelf(), &claimcheck.Options{Threshold: threshold + 1, Uploads: -1}, []string{"the transport takes 8192", "Options.Uploads: is -1"}},
		{small(), newShelf(), &claimcheck.Options{Threshold: -1, MaxBytes: -1}, []string{"Options.Threshold: is -1", "Options.MaxBytes: is -1"}},
		{small(), newShelf(), &claimcheck.Options{Threshold: 100}, []string{"must be 4096 at least"}},
		{small(), newShelf(), &claimcheck.Options{MaxBytes: threshold - 1}, []string{"must be 8192, what goes as it is, to 2147483647"}},
		{small(), newShelf(), &claimcheck.Options{MaxBytes: 1 << 31}, []string{"to 2147483647"}},
	} {
		_, err := claimcheck.NewSender(c.next, c.store, c.o)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v", c.o, err)
		}
		for _, want := range c.want {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v lacks %q", c.o, err, want)
			}
		}
	}
}

func TestDestinationIsThatOfTheSenderBehind(t *testing.T) {
	if d := newSender(t, small(), newShelf(), claimcheck.Options{}).Destination(); d.System != "memory" {
		t.Errorf("destination %+v", d)
	}
	silent := sendFunc{limits: small().Limits()}
	if d := newSender(t, silent, newShelf(), claimcheck.Options{}).Destination(); d != (transport.Destination{}) {
		t.Errorf("destination %+v", d)
	}
}
