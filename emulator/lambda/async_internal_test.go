package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// clockwork is an asyncQueue in a bubble, with a function and a destination that are no processes.
type clockwork struct {
	q     *asyncQueue
	start time.Time

	mu      sync.Mutex
	runs    []time.Duration // when the function ran, from the start
	ids     map[string]bool
	records []string
	sent    []time.Duration
}

// newClockwork runs function for each attempt; n counts from 1. It must be called, and stopped, in a bubble.
func newClockwork(t *testing.T, parallel int, function func(n int) (Response, error)) *clockwork {
	t.Helper()
	c := &clockwork{start: time.Now(), ids: map[string]bool{}}
	o, err := Options{
		Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
		Deliver: func(context.Context, string, []byte) error { return nil },
	}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	c.q = newAsyncQueue("f", parallel, &o, func(_ context.Context, e *asyncEvent) (Response, error) {
		c.mu.Lock()
		c.runs = append(c.runs, time.Since(c.start))
		c.ids[e.id] = true
		n := len(c.runs)
		c.mu.Unlock()
		return function(n)
	})
	c.q.deliver = func(_ context.Context, arn string, record []byte) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.records = append(c.records, arn+" "+string(record))
		c.sent = append(c.sent, time.Since(c.start))
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.q.run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return c
}

func (c *clockwork) add(config AsyncConfig) {
	config.OnFailure = "arn:dlq"
	now := time.Now()
	c.q.add(&asyncEvent{
		id: "id", qualifiedARN: "arn:f:live", qualifier: "live", payload: []byte(`{"a":1}`), config: config.withDefaults(), accepted: now, due: now,
	})
}

// settle waits in virtual time until the queue is empty.
func (c *clockwork) settle() {
	for c.q.pending() > 0 {
		time.Sleep(time.Second)
		synctest.Wait()
	}
}

func (c *clockwork) want(t *testing.T, runs, sent []time.Duration) {
	t.Helper()
	if !reflect.DeepEqual(c.runs, runs) {
		t.Errorf("runs at %v, want %v", c.runs, runs)
	}
	if !reflect.DeepEqual(c.sent, sent) {
		t.Errorf("records at %v, want %v", c.sent, sent)
	}
	if len(c.ids) > 1 {
		t.Errorf("request ids %v, want one", c.ids)
	}
}

var failed = Response{FunctionError: unhandled, ExecutedVersion: "3", Payload: []byte(`{"errorMessage":"no"}`)}

func TestD7_Async_RetriesThenOnFailure(t *testing.T) {
	one, zero := 1, 0
	for _, c := range []struct {
		name   string
		config AsyncConfig
		runs   []time.Duration
	}{
		{"by default two retries, after 1 and 2 minutes", AsyncConfig{}, []time.Duration{0, time.Minute, 3 * time.Minute}},
		{"one", AsyncConfig{MaxRetries: &one}, []time.Duration{0, time.Minute}},
		{"none", AsyncConfig{MaxRetries: &zero}, []time.Duration{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newClockwork(t, 5, func(int) (Response, error) { return failed, nil })
				w.add(c.config)
				w.settle()
				w.want(t, c.runs, c.runs[len(c.runs)-1:])
			})
		})
	}
}

func TestD7_Async_TheRecordIsThatOfAWS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newClockwork(t, 5, func(int) (Response, error) { return failed, nil })
		w.add(AsyncConfig{})
		w.settle()
		const want = `arn:dlq {"version":"1.0","timestamp":"2000-01-01T00:03:00.000Z",` +
			`"requestContext":{"requestId":"id","functionArn":"arn:f:live","condition":"RetriesExhausted","approximateInvokeCount":3},` +
			`"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"3","functionError":"Unhandled"},` +
			`"responsePayload":{"errorMessage":"no"}}`
		if len(w.records) != 1 || w.records[0] != want {
			t.Errorf("got  %s\nwant %s", w.records, want)
		}
	})
}

func TestD7_Async_ASuccessEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newClockwork(t, 5, func(n int) (Response, error) {
			if n == 1 {
				return failed, nil
			}
			return Response{}, nil
		})
		w.add(AsyncConfig{})
		w.settle()
		w.want(t, []time.Duration{0, time.Minute}, nil)
	})
}

func TestD7_Async_ThrottlesBackOffUntilTheAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newClockwork(t, 5, func(int) (Response, error) { return Response{}, errThrottled(true) })
		w.add(AsyncConfig{MaxAge: 1000 * time.Second})
		w.settle()
		s := time.Second // 1 2 4 8 16 32 64 128 256 and then 300 at most
		w.want(t, []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 63 * s, 127 * s, 255 * s, 511 * s, 811 * s}, []time.Duration{1000 * s})
		var r record
		if err := json.Unmarshal([]byte(w.records[0][len("arn:dlq "):]), &r); err != nil {
			t.Fatal(err)
		}
		if r.RequestContext.Condition != ageExceeded || r.RequestContext.ApproximateInvokeCount != 0 || r.ResponseContext != nil || r.ResponsePayload != nil {
			t.Errorf("record %s", w.records[0])
		}
	})
}

func TestD7_Async_AgeEndsARetryThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newClockwork(t, 5, func(int) (Response, error) { return failed, nil })
		w.add(AsyncConfig{MaxAge: 90 * time.Second})
		w.settle()
		w.want(t, []time.Duration{0, time.Minute}, []time.Duration{90 * time.Second})
		var r record
		_ = json.Unmarshal([]byte(w.records[0][len("arn:dlq "):]), &r)
		if r.RequestContext.Condition != ageExceeded || r.RequestContext.ApproximateInvokeCount != 2 || r.ResponseContext == nil {
			t.Errorf("record %s", w.records[0])
		}
	})
}

func TestD7_Async_ReservedZeroGoesStraightToTheDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newClockwork(t, 0, func(int) (Response, error) { panic("it cannot run") })
		w.add(AsyncConfig{})
		w.settle()
		w.want(t, nil, []time.Duration{0})
	})
}

func TestD7_Async_AtMostAsManyAtOnceAsThereAreProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newClockwork(t, 3, func(int) (Response, error) {
			time.Sleep(10 * time.Second)
			return Response{}, nil
		})
		for range 7 {
			w.add(AsyncConfig{})
		}
		if n := w.q.pending(); n != 7 {
			t.Errorf("%d events are pending, want 7", n)
		}
		w.settle()
		s := 10 * time.Second
		w.want(t, []time.Duration{0, 0, 0, s, s, s, 2 * s}, nil)
	})
}

func TestD7_Async_ADestinationThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero := 0
		w := newClockwork(t, 5, func(int) (Response, error) { return failed, nil })
		var tries []time.Duration
		w.q.deliver = func(context.Context, string, []byte) error {
			tries = append(tries, time.Since(w.start))
			return errors.New("no")
		}
		w.add(AsyncConfig{MaxRetries: &zero})
		w.settle()
		if !reflect.DeepEqual(tries, []time.Duration{0, time.Second, 2 * time.Second}) {
			t.Errorf("deliveries at %v", tries)
		}
	})
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{
		"f", "f:live", "000000000000:function:f", "000000000000:function:f:1",
		"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", "arn:aws:lambda", "arn:aws:sqs:us-east-1:000000000000:f", ":", "f:", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTarget(s)
		if !ok {
			return
		}
		again := got.name
		if got.account != "" {
			again = got.account + ":function:" + again
		}
		if got.region != "" {
			again = "arn:aws:lambda:" + got.region + ":" + again
		}
		if got.qualifier != "" {
			again += ":" + got.qualifier
		}
		if back, ok := parseTarget(again); !ok || back != got {
			t.Errorf("%q is %+v, which is %q, which is %+v (%v)", s, got, again, back, ok)
		}
	})
}

func TestParseTarget(t *testing.T) {
	full := target{name: "f", qualifier: "live", region: "us-east-1", account: "000000000000"}
	for s, want := range map[string]target{
		"f": {name: "f"}, "f:live": {name: "f", qualifier: "live"},
		"000000000000:function:f":                               {name: "f", account: "000000000000"},
		"arn:aws:lambda:us-east-1:000000000000:function:f:live": full,
	} {
		if got, ok := parseTarget(s); !ok || got != want {
			t.Errorf("%q is %+v, %v; want %+v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", ":", "f:", "a b", "f:a:b", "arn:aws:lambda:us-east-1", "arn:aws:sqs:us-east-1:000000000000:f", "arn:aws:lambda:us-east-1:000000000000:layer:f", "abc:function:f"} {
		if got, ok := parseTarget(s); ok {
			t.Errorf("%q is %+v; want none", s, got)
		}
	}
}
