package mapping_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/offloadhq/offload/emulator/mapping"
)

const s = time.Second

func TestBatch_NoLingerWithoutAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		r := start(t, q, f, mapping.Options{})
		pass(7 * s)
		q.send("a")
		pass(0)
		q.send("b")
		pass(0)
		if want := []time.Duration{7 * s, 7 * s}; !reflect.DeepEqual(f.seen().at, want) {
			t.Errorf("invoked at %v, want %v", f.seen().at, want)
		}
		if left := q.left(); len(left) != 0 {
			t.Errorf("left %v", left)
		}
		r.stop()
		if got, want := r.outcomes(), []mapping.Outcome{mapping.Succeeded, mapping.Succeeded}; !slices.Equal(got, want) {
			t.Errorf("outcomes %v", got)
		}
	})
}

func TestBatch_SizeAndWindow(t *testing.T) {
	for _, c := range []struct {
		name   string
		size   int
		window time.Duration
		send   int
		sizes  []int
		at     []time.Duration
	}{
		{"a full receive", 0, 0, 25, []int{10, 10, 5}, []time.Duration{0, 0, 0}},
		{"a smaller size", 3, 0, 7, []int{3, 3, 1}, []time.Duration{0, 0, 0}},
		{"one", 1, 0, 3, []int{1, 1, 1}, []time.Duration{0, 0, 0}},
		{"a window that passes", 10, 5 * s, 4, []int{4}, []time.Duration{5 * s}},
		{"a window that fills", 4, 5 * s, 4, []int{4}, []time.Duration{0}},
		{"many", 100, 5 * s, 250, []int{100, 100, 50}, []time.Duration{0, 0, 5 * s}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, f := newQueue(time.Minute), newFunction(nil)
				q.sendMany(c.send)
				start(t, q, f, mapping.Options{BatchSize: c.size, Window: c.window, MaximumConcurrency: 2})
				pass(10 * s)
				sizes := f.seen().sizes()
				if c.window == 0 { // the batches are invoked side by side
					slices.Sort(sizes)
					slices.Reverse(sizes)
				}
				if !slices.Equal(sizes, c.sizes) || !reflect.DeepEqual(f.seen().at, c.at) {
					t.Errorf("batches of %v at %v, want %v at %v", sizes, f.seen().at, c.sizes, c.at)
				}
				if left := q.left(); len(left) != 0 {
					t.Errorf("left %v", left)
				}
			})
		})
	}
}

func TestBatch_TheWindowRunsFromTheFirstMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		start(t, q, f, mapping.Options{Window: 10 * s})
		pass(3 * s)
		q.send("a")
		pass(6 * s)
		q.send("b")
		pass(20 * s)
		if !reflect.DeepEqual(f.seen().at, []time.Duration{13 * s}) || len(f.seen().batches[0]) != 2 {
			t.Errorf("batches %v at %v", f.seen().batches, f.seen().at)
		}
	})
}

func TestIdle_OneLongPollAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		q.sendMany(100) // a burst that starts more pollers
		start(t, q, f, mapping.Options{})
		pass(time.Minute)
		before := q.calls()
		pass(time.Hour)
		after := q.calls()
		if n := after - before; n != 180 {
			t.Errorf("%d receives in an idle hour, want 180 long polls of 20 s", n)
		}
	})
}

func TestConcurrency_GrowsToItsCap(t *testing.T) {
	for _, c := range []struct {
		o    mapping.Options
		most []int // after 0 s, 1 s, 60 s
	}{
		{mapping.Options{}, []int{5, 10, 305}},
		{mapping.Options{Limit: 10}, []int{5, 10, 10}},
		{mapping.Options{Limit: 3}, []int{3, 3, 3}},
		{mapping.Options{MaximumConcurrency: 2}, []int{2, 2, 2}},
		{mapping.Options{MaximumConcurrency: 7, Limit: 3}, []int{5, 7, 7}},
	} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newQueue(time.Hour), newFunction(nil)
			f.takes = 10 * time.Minute
			q.sendMany(400)
			c.o.BatchSize = 1
			start(t, q, f, c.o)
			for i, d := range []time.Duration{0, s, 59 * s} {
				pass(d)
				if n := f.seen().most; n != c.most[i] {
					t.Errorf("%+v: step %d: %d batches at once, want %d", c.o, i, n, c.most[i])
				}
			}
		})
	}
}

func TestD1_ThrottleBurstBurnsReceivesWithoutMaximumConcurrency(t *testing.T) {
	for _, c := range []struct {
		name    string
		maximum int
		burnt   bool
	}{{"with MaximumConcurrency", 2, false}, {"without", 0, true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Two invocations at once, each as long as the visibility timeout allows.
				q, f := newQueue(30*s), newFunction(nil)
				f.limit, f.takes = 2, 20*s
				q.sendMany(100)
				r := start(t, q, f, mapping.Options{MaximumConcurrency: c.maximum})
				pass(2 * time.Minute)
				if most := q.mostReceives(); (most > 1) != c.burnt {
					t.Errorf("a message was received %d times; it never ran", most)
				}
				if (f.seen().throttle > 0) != c.burnt || slices.Contains(r.outcomes(), mapping.Throttled) != c.burnt {
					t.Errorf("%d throttles, outcomes %v", f.seen().throttle, r.outcomes())
				}
				f.mu.Lock()
				f.takes = time.Millisecond // so that the test can end
				f.mu.Unlock()
			})
		})
	}
}

func TestD1_AThrottledBatchIsTriedUntilItsVisibilityEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(30*s), newFunction(nil)
		f.limit, f.running = 1, 1 // busy
		r := start(t, q, f, mapping.Options{})
		id := q.send("a")
		pass(29 * s)
		if n := q.mostReceives(); n != 1 || f.seen().throttle < 29 {
			t.Errorf("%d receives, %d throttles", n, f.seen().throttle)
		}
		if got := r.outcomes(); len(got) != 0 {
			t.Errorf("outcomes %v before the visibility timeout", got)
		}
		pass(2 * s)
		if got := r.outcomes(); !slices.Equal(got, []mapping.Outcome{mapping.Throttled}) || !slices.Equal(r.first().Failed, []string{id}) {
			t.Errorf("outcomes %v, batches %+v", got, r.first())
		}
		f.mu.Lock()
		f.running = 0
		f.mu.Unlock()
		pass(2 * s)
		if n := f.calls(); n != 1 || len(q.left()) != 0 {
			t.Errorf("%d calls, left %v: the same message must run when the function is free", n, q.left())
		}
	})
}

func TestD2_ABatchEndsAtSixMB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		quotes := strings.Repeat(`"`, 1<<20) // 2 MiB in JSON
		for range 4 {
			q.send(quotes)
		}
		last := q.send("small")
		start(t, q, f, mapping.Options{MaximumConcurrency: 2})
		pass(s)
		if len(q.left()) != 0 {
			t.Errorf("left %v", q.left())
		}
		seen := map[string]int{}
		for i, b := range f.seen().batches {
			for _, id := range b {
				seen[id]++
			}
			if n := len(f.seen().payloads[i]); n > 6<<20 {
				t.Errorf("a payload of %d bytes", n)
			}
		}
		if len(seen) != 5 || seen[last] != 1 {
			t.Errorf("messages seen %v", seen)
		}
		sizes := f.seen().sizes()
		slices.Sort(sizes)
		if !slices.Equal(sizes, []int{2, 3}) {
			t.Errorf("batches of %v", sizes)
		}
		if q.mostReceives() > 1 {
			t.Error("a message that did not fit was received again")
		}
	})
}

func TestD2_WhatIsCarriedIsRunWhenTheMappingStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		f.takes = s
		for range 5 {
			q.send(strings.Repeat(`"`, 1<<20))
		}
		r := start(t, q, f, mapping.Options{MaximumConcurrency: 2})
		r.stop()
		if len(q.left()) != 0 || f.calls() != 3 {
			t.Errorf("left %v after %d calls", q.left(), f.calls())
		}
	})
}

func TestD3_WithoutReportBatchItemFailuresTheListIsIgnored(t *testing.T) {
	for _, report := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newQueue(time.Minute), newFunction(func(ids []string) (string, string) {
				return `{"batchItemFailures":[{"itemIdentifier":"` + ids[0] + `"}]}`, ""
			})
			q.sendMany(3)
			r := start(t, q, f, mapping.Options{ReportBatchItemFailures: report})
			pass(s)
			want := []string(nil)
			outcome := mapping.Succeeded
			if report {
				want, outcome = []string{"m0"}, mapping.Partial
			}
			if got := q.left(); !slices.Equal(got, want) {
				t.Errorf("report %v: left %v, want %v", report, got, want)
			}
			b := r.first()
			if b.Received != 3 || b.Deleted != 3-len(want) || !slices.Equal(b.Failed, want) || b.Outcome != outcome || b.Mapping != "orders" {
				t.Errorf("report %v: batch %+v", report, b)
			}
		})
	}
}

func TestD4_ResponseShapes(t *testing.T) {
	for _, c := range []struct {
		name, response string
		left           []string
	}{
		{"empty", ``, nil},
		{"null", `null`, nil},
		{"empty object", `{}`, nil},
		{"null list", `{"batchItemFailures":null}`, nil},
		{"empty list", ` {"batchItemFailures":[]} `, nil},
		{"other key", `{"BatchItemFailures":[{"itemIdentifier":"m1"}]}`, nil},
		{"one", `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`, []string{"m1"}},
		{"twice the same, and more keys", `{"x":1,"batchItemFailures":[{"itemIdentifier":"m1","y":2},{"itemIdentifier":"m1"}]}`, []string{"m1"}},
		{"all", `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m1"}]}`, []string{"m0", "m1"}},
		{"empty id", `{"batchItemFailures":[{"itemIdentifier":""}]}`, []string{"m0", "m1"}},
		{"null id", `{"batchItemFailures":[{"itemIdentifier":null}]}`, []string{"m0", "m1"}},
		{"unknown id beside a known one", `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m9"}]}`, []string{"m0", "m1"}},
		{"receipt handle", `{"batchItemFailures":[{"itemIdentifier":"m1/1"}]}`, []string{"m0", "m1"}},
		{"wrong key", `{"batchItemFailures":[{"ItemIdentifier":"m1"}]}`, []string{"m0", "m1"}},
		{"number", `{"batchItemFailures":[{"itemIdentifier":1}]}`, []string{"m0", "m1"}},
		{"null entry", `{"batchItemFailures":[null]}`, []string{"m0", "m1"}},
		{"no list", `{"batchItemFailures":{"itemIdentifier":"m1"}}`, []string{"m0", "m1"}},
		{"invalid JSON", `{"batchItemFailures":[`, []string{"m0", "m1"}},
		{"no object", `"ok"`, []string{"m0", "m1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, f := newQueue(time.Minute), newFunction(func([]string) (string, string) { return c.response, "" })
				q.sendMany(2)
				r := start(t, q, f, mapping.Options{ReportBatchItemFailures: true})
				pass(s)
				if got := q.left(); !slices.Equal(got, c.left) {
					t.Errorf("%s left %v, want %v (%+v)", c.response, got, c.left, r.first())
				}
				if malformed := r.first().Outcome == mapping.Malformed; malformed != (r.first().Err != nil) {
					t.Errorf("outcome %s, err %v", r.first().Outcome, r.first().Err)
				}
			})
		})
	}
}

func TestD5_ReturnedFailuresDoNotBackOffAndErrorsDo(t *testing.T) {
	run := func(handle func([]string) (string, string)) (calls int, first []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			q, f := newQueue(0), newFunction(handle) // what fails is there again at once
			f.takes = 10 * time.Millisecond
			q.send("poison")
			r := start(t, q, f, mapping.Options{ReportBatchItemFailures: true, MaximumConcurrency: 2})
			pass(10 * s)
			r.stop()
			calls, first = f.calls(), f.seen().at
		})
		return calls, first
	}
	returned, _ := run(func(ids []string) (string, string) {
		return `{"batchItemFailures":[{"itemIdentifier":"` + ids[0] + `"}]}`, ""
	})
	thrown, at := run(func([]string) (string, string) { return `{"errorMessage":"no"}`, "Unhandled" })
	if returned < 900 {
		t.Errorf("%d calls in 10 s with returned failures: the mapping backed off", returned)
	}
	if thrown > 30 || thrown < 5 {
		t.Errorf("%d calls in 10 s with errors, at %v: the mapping did not back off as it says", thrown, at)
	}
}

func TestErrors_LeaveTheBatchToItsVisibility(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		q, f := newQueue(30*s), newFunction(func([]string) (string, string) {
			if n++; n == 1 {
				return `{"errorMessage":"no"}`, "Unhandled"
			}
			return "", ""
		})
		q.sendMany(3)
		r := start(t, q, f, mapping.Options{})
		pass(time.Minute)
		if !reflect.DeepEqual(f.seen().at, []time.Duration{0, 30 * s}) || len(q.left()) != 0 {
			t.Errorf("calls at %v, left %v", f.seen().at, q.left())
		}
		if b := r.first(); b.Outcome != mapping.Errored || len(b.Failed) != 3 || b.Deleted != 0 || !strings.Contains(b.Err.Error(), `{"errorMessage":"no"}`) {
			t.Errorf("batch %+v", b)
		}
	})
}

func TestQueue_ErrorsAreTriedAgainWithBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		q.err = errQueue
		start(t, q, f, mapping.Options{})
		pass(time.Minute)
		if n := q.calls(); n > 25 || n < 12 {
			t.Errorf("%d receives in a minute of errors", n)
		}
		q.mu.Lock()
		q.err = nil
		q.mu.Unlock()
		q.send("a")
		pass(6 * s)
		if f.calls() != 1 {
			t.Error("the mapping did not recover")
		}
	})
}

func TestQueue_ADeleteThatFailsIsTriedAndThenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		q.delErr = errQueue
		q.send("a")
		r := start(t, q, f, mapping.Options{})
		pass(s)
		if b := r.first(); !errors.Is(b.Err, errQueue) || b.Deleted != 0 || b.Outcome != mapping.Succeeded {
			t.Errorf("batch %+v", b)
		}
	})
}

func TestRun_FinishesWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		f.takes = 10 * s
		q.send("a")
		r := start(t, q, f, mapping.Options{})
		pass(s)
		begin := time.Now()
		r.stop()
		if d := time.Since(begin); d != 9*s || len(q.left()) != 0 {
			t.Errorf("Run ended %v after its context, left %v", d, q.left())
		}
		q.send("b")
		pass(time.Minute)
		if f.calls() != 1 {
			t.Error("a message was received after the end")
		}
	})
}

func TestRun_InvokesAtOnceWhatWaitsForItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(10*time.Minute), newFunction(nil)
		r := start(t, q, f, mapping.Options{Window: 300 * s})
		q.send("a")
		pass(s)
		begin := time.Now()
		r.stop()
		if f.calls() != 1 || len(q.left()) != 0 || time.Since(begin) != 0 {
			t.Errorf("%d calls, left %v, after %v", f.calls(), q.left(), time.Since(begin))
		}
	})
}

func TestRun_DropsAThrottledBatchWhenItStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Hour), newFunction(nil)
		f.limit, f.running = 1, 1
		q.send("a")
		r := start(t, q, f, mapping.Options{})
		pass(s)
		begin := time.Now()
		r.stop()
		if d := time.Since(begin); d != 0 || len(q.left()) != 1 {
			t.Errorf("Run ended %v after its context, left %v", d, q.left())
		}
	})
}

func TestRun_DisabledReceivesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := newQueue(time.Minute), newFunction(nil)
		q.send("a")
		start(t, q, f, mapping.Options{Disabled: true})
		pass(time.Hour)
		if n := q.calls(); n != 0 {
			t.Errorf("%d receives", n)
		}
	})
}

// one gives one message, once.
type one struct {
	*queue
	m    mapping.Message
	done bool
}

func (q *one) Receive(ctx context.Context, limit int, wait time.Duration) ([]mapping.Message, error) {
	if q.done {
		return q.queue.Receive(ctx, limit, wait)
	}
	q.done = true
	return []mapping.Message{q.m}, nil
}

func TestEvent_IsThatOfLambda(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFunction(nil)
		m := mapping.Message{
			MessageID: "id", ReceiptHandle: "receipt", Body: "<é&\u2028\">", MD5OfBody: "d", MD5OfMessageAttributes: "e",
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": "2", "SenderId": "s", "ApproximateFirstReceiveTimestamp": "3",
				"AWSTraceHeader": "Root=1", "MessageGroupId": "g", "DeadLetterQueueSourceArn": "arn:x",
			},
			MessageAttributes: map[string]mapping.Attribute{
				"s": {DataType: "String", StringValue: "v"}, "n": {DataType: "Number.int", StringValue: "1"}, "b": {DataType: "Binary", BinaryValue: []byte{0, 255}},
			},
		}
		start(t, &one{queue: newQueue(time.Minute), m: m}, f, mapping.Options{})
		const want = `{"Records":[{"messageId":"id","receiptHandle":"receipt","body":"<é&\u2028\">",` +
			`"attributes":{"AWSTraceHeader":"Root=1","ApproximateFirstReceiveTimestamp":"3","ApproximateReceiveCount":"1",` +
			`"DeadLetterQueueSourceArn":"arn:x","MessageGroupId":"g","SenderId":"s","SentTimestamp":"2"},` +
			`"messageAttributes":{"b":{"binaryValue":"AP8=","stringListValues":[],"binaryListValues":[],"dataType":"Binary"},` +
			`"n":{"stringValue":"1","stringListValues":[],"binaryListValues":[],"dataType":"Number.int"},` +
			`"s":{"stringValue":"v","stringListValues":[],"binaryListValues":[],"dataType":"String"}},` +
			`"md5OfMessageAttributes":"e","md5OfBody":"d","eventSource":"aws:sqs",` +
			`"eventSourceARN":"arn:aws:sqs:eu-west-1:000000000000:orders","awsRegion":"eu-west-1"}]}`
		if got := string(f.seen().payloads[0]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		var e events.SQSEvent // what functions read it with
		if err := json.Unmarshal(f.seen().payloads[0], &e); err != nil {
			t.Fatal(err)
		}
		r := e.Records[0]
		if r.Body != m.Body || r.MessageId != "id" || !reflect.DeepEqual(r.Attributes, m.Attributes) || !slices.Equal(r.MessageAttributes["b"].BinaryValue, []byte{0, 255}) {
			t.Errorf("record %+v", r)
		}
	})
}

func TestNew_EveryProblemIsNamed(t *testing.T) {
	q, f := newQueue(0), newFunction(nil)
	for _, c := range []struct {
		o    mapping.Options
		want []string
	}{
		{mapping.Options{}, []string{"QueueARN"}},
		{
			mapping.Options{QueueARN: "orders", BatchSize: -1, Window: -1, MaximumConcurrency: 1, Limit: -1, FilterPatterns: []string{"{}"}},
			[]string{`"orders"`, "BatchSize -1", "Window", "MaximumConcurrency 1", "Limit -1", "FilterCriteria"},
		},
		{mapping.Options{QueueARN: arn, BatchSize: 11}, []string{`mapping "orders"`, "BatchSize 11", "MaximumBatchingWindowInSeconds"}},
		{mapping.Options{QueueARN: arn, BatchSize: 10_001, Window: 301 * s, MaximumConcurrency: 1001}, []string{"BatchSize 10001", "Window 5m1s", "MaximumConcurrency 1001"}},
		{mapping.Options{QueueARN: arn + ".fifo", BatchSize: 11, Window: s}, []string{"FIFO", "BatchSize 11", "Window 1s"}},
	} {
		_, err := mapping.New(q, f, &c.o)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v does not say %q", c.o, err, want)
			}
		}
	}
	if _, err := mapping.New(nil, nil, nil); err == nil || !strings.Contains(err.Error(), "queue is nil") || !strings.Contains(err.Error(), "invoker is nil") {
		t.Errorf("nothing: %v", err)
	}
	if _, err := mapping.New(q, f, &mapping.Options{QueueARN: arn, BatchSize: 10_000, Window: s, MaximumConcurrency: 1000}); err != nil {
		t.Error(err)
	}
}

func TestD2_WhatWasCarriedTooLongIsLeftToTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		q, f := newQueue(10*s), newFunction(func([]string) (string, string) {
			if calls.Add(1) == 1 {
				time.Sleep(15 * s) // longer than the visibility timeout
			}
			return "", ""
		})
		for range 3 {
			q.send(strings.Repeat(`"`, 1<<20))
		}
		start(t, q, f, mapping.Options{MaximumConcurrency: 2})
		pass(time.Minute)
		ran := map[string]int{}
		for _, b := range f.seen().batches {
			for _, id := range b {
				ran[id]++
			}
		}
		if want := map[string]int{"m0": 2, "m1": 2, "m2": 1}; !reflect.DeepEqual(ran, want) || len(q.left()) != 0 {
			t.Errorf("ran %v, want %v; left %v", ran, want, q.left())
		}
	})
}
