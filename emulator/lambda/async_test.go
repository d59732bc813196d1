package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/emulator/lambda"
)

// destinations collects records by ARN.
type destinations struct {
	mu      sync.Mutex
	records map[string][]map[string]any
}

func (d *destinations) deliver(_ context.Context, arn string, record []byte) error {
	var r map[string]any
	if err := json.Unmarshal(record, &r); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[arn] = append(d.records[arn], r)
	return nil
}

func TestD7_InvokeAsync_RetriesARealProcessAndThenSendsTheRecord(t *testing.T) {
	d := &destinations{records: map[string][]map[string]any{}}
	b := newBench(t, lambda.Options{RetryDelays: []time.Duration{time.Millisecond}, Deliver: d.deliver}, function(t, "function", func(f *lambda.Function) {
		f.Aliases = map[string]string{"live": "3"}
		f.Async = map[string]lambda.AsyncConfig{
			"live": {OnFailure: "arn:live"},
			"":     {OnFailure: "arn:latest", MaxRetries: ptr(0)},
		}
	}))
	fire := func(qualifier, do string) string {
		t.Helper()
		id, err := b.InvokeAsync(t.Context(), lambda.Request{Function: "f", Qualifier: qualifier, Payload: []byte(`{"do":"` + do + `","n":1}`)})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	failedID := fire("live", "error")
	crashedID := fire("live", "exit")
	latestID := fire("", "error")
	versionID := fire("3", "error") // no configuration is bound to the version: two retries, no destination
	goodID := fire("live", "")
	poll(t, "the end of the events", func() bool { return b.PendingAsync() == 0 })

	runs := map[string]int{}
	b.mu.Lock()
	for _, r := range b.reports {
		runs[r.RequestID]++
		if r.Kind != lambda.Asynchronous {
			t.Errorf("report of kind %q", r.Kind)
		}
	}
	b.mu.Unlock()
	for id, want := range map[string]int{failedID: 3, crashedID: 3, latestID: 1, versionID: 3, goodID: 1} {
		if runs[id] != want {
			t.Errorf("request %s ran %d times, want %d", id, runs[id], want)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.records) != 2 || len(d.records["arn:live"]) != 2 || len(d.records["arn:latest"]) != 1 {
		t.Fatalf("records %v", d.records)
	}
	for _, r := range d.records["arn:live"] {
		c := r["requestContext"].(map[string]any)
		if c["functionArn"] != "arn:aws:lambda:us-east-1:000000000000:function:f:live" || c["condition"] != "RetriesExhausted" || c["approximateInvokeCount"] != 3.0 {
			t.Errorf("record %v", r)
		}
		if rc := r["responseContext"].(map[string]any); rc["executedVersion"] != "3" || rc["functionError"] != "Unhandled" || rc["statusCode"] != 200.0 {
			t.Errorf("record %v", r)
		}
		id, message := c["requestId"], r["responsePayload"].(map[string]any)["errorMessage"].(string)
		if id == failedID && message != "as ordered" || id == crashedID && !strings.HasSuffix(message, "exit status 1") {
			t.Errorf("record %v", r)
		}
	}
	if c := d.records["arn:latest"][0]["requestContext"].(map[string]any); c["functionArn"] != "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST" {
		t.Errorf("record %v", c)
	}
}

func TestInvokeAsync_WaitsForAFreeProcessWhereAWSWouldHaveOne(t *testing.T) {
	// An event that is throttled would wait for longer than the test does.
	o := lambda.Options{Concurrency: 1}.WithTiming(lambda.Timing{ThrottleWait: 2 * patience})
	b := newBench(t, o, function(t, "function"))
	file := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	wg.Go(func() { b.ask(order{Do: "wait", Text: file}) })
	b.awaitWaiting(1)
	id, err := b.InvokeAsync(t.Context(), lambda.Request{Function: "f"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.try(order{}); !errors.Is(err, lambda.ErrThrottled) {
		t.Fatalf("a synchronous invocation at the limit: %v", err)
	}
	touch(t, file)
	wg.Wait()
	if r := b.awaitReport(id); r.Outcome != lambda.Succeeded {
		t.Errorf("report %+v", r)
	}
}

func TestInvokeAsync_IsThrottledByReservedConcurrency(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function", func(f *lambda.Function) { f.Reserved = ptr(1) }))
	file := filepath.Join(t.TempDir(), "go")
	var wg sync.WaitGroup
	wg.Go(func() { b.ask(order{Do: "wait", Text: file}) })
	b.awaitWaiting(1)
	start := time.Now()
	id, err := b.InvokeAsync(t.Context(), lambda.Request{Function: "f"})
	if err != nil {
		t.Fatal(err)
	}
	// The first attempt must have met the limit before the process is free.
	poll(t, "the first attempt", func() bool { return b.Throttles("f") > 0 })
	touch(t, file)
	wg.Wait()
	b.awaitReport(id)
	if d := time.Since(start); d < time.Second {
		t.Errorf("the event ran after %v, want the back-off of 1 s", d)
	}
}

func TestClose_SaysHowManyEventsAreLost(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	id, err := b.InvokeAsync(t.Context(), lambda.Request{Function: "f", Payload: []byte(`{"do":"error"}`)})
	if err != nil {
		t.Fatal(err)
	}
	b.awaitReport(id) // it waits a minute for its retry now
	if err := b.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "1 asynchronous events are lost") {
		t.Errorf("Close: %v", err)
	}
}
