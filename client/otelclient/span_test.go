package otelclient_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/otelclient"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

func TestATaskHasACreateSpanAndItsRequestASendSpan(t *testing.T) {
	r := newRig(t, func(o *otelclient.Options, _ *client.Options) { o.ClientID = "api-1" })
	ctx, caller := r.tracer.Start(t.Context(), "request")
	receipt, err := r.client.Fire(ctx, welcome.With(secret))
	if err != nil {
		t.Fatal(err)
	}
	caller.End()
	r.flush()

	create := r.one("create tasks")
	task1 := map[string]string{"offload.task.id": receipt.ID, "messaging.message.id": receipt.MessageID, "messaging.client.id": "api-1"}
	is(t, create, with(createTasks, task1))
	if create.SpanKind != trace.SpanKindProducer || create.Parent.SpanID() != caller.SpanContext().SpanID() || create.Status.Code != codes.Unset {
		t.Errorf("the create span is a %v below %v with the status %v", create.SpanKind, create.Parent.SpanID(), create.Status)
	}
	send := r.one("send tasks")
	is(t, send, with(sendTasks, task1, map[string]string{"offload.task.name": "email.welcome", "messaging.batch.message_count": "1"}))
	if send.SpanKind != trace.SpanKindClient || send.Parent.SpanID() != create.SpanContext.SpanID() || send.Status.Code != codes.Unset {
		t.Errorf("the send span is a %v below %v with the status %v", send.SpanKind, send.Parent.SpanID(), send.Status)
	}
	if len(send.Links) != 1 || !send.Links[0].SpanContext.Equal(create.SpanContext.WithRemote(true)) {
		t.Errorf("the send span has the links %+v", send.Links)
	}
	if got := r.tasks.Envelopes()[0].Header("traceparent"); got != traceparent(create.SpanContext) {
		t.Errorf("the task carries %q, and its create span is %v", got, create.SpanContext)
	}
	for _, s := range r.spans.GetSpans()[:2] {
		if s.InstrumentationScope.Name != "github.com/offloadhq/offload/client/otelclient" || s.InstrumentationScope.SchemaURL != semconv.SchemaURL {
			t.Errorf("the span %q is of %+v", s.Name, s.InstrumentationScope)
		}
	}
}

func TestASendSpanLinksToEachTaskOfItsBatch(t *testing.T) {
	r := newRig(t, nil)
	ctx, caller := r.tracer.Start(t.Context(), "request")
	defer caller.End()
	receipts, err := r.client.FireBatch(ctx, []task.Task{welcome.With(secret), welcome.With(secret), export.With(secret), welcome.With(secret)})
	if err != nil {
		t.Fatal(err)
	}
	r.flush()

	creates := r.called("create tasks")
	send := r.one("send tasks")
	is(t, send, with(sendTasks, map[string]string{"messaging.batch.message_count": "3"}))
	if len(creates) != 3 || len(send.Links) != 3 {
		t.Fatalf("%d create spans and %d links, want 3", len(creates), len(send.Links))
	}
	for i, at := range []int{0, 1, 3} { // in the order of the tasks, as the spans ended
		link := send.Links[i]
		if link.SpanContext.SpanID() != creates[i].SpanContext.SpanID() || text(link.Attributes) != "offload.task.id="+receipts[at].ID+" offload.task.name=email.welcome " {
			t.Errorf("link %d leads to %v with %s", i, link.SpanContext.SpanID(), text(link.Attributes))
		}
	}
	// The other class goes to a function, one task a request, which is no batch.
	bulk := map[string]string{"offload.task.id": receipts[2].ID, "messaging.message.id": receipts[2].MessageID}
	is(t, r.one("create bulk"), with(createBulk, bulk))
	is(t, r.one("send bulk"), with(sendBulk, bulk))
	if links := r.one("send bulk").Links; len(links) != 1 || links[0].SpanContext.SpanID() != r.one("create bulk").SpanContext.SpanID() {
		t.Errorf("its links are %+v", links)
	}
}

func TestTheQueueOfTheFiringNamesTheCreateSpan(t *testing.T) {
	r := newRig(t, nil)
	receipt, err := r.client.Fire(t.Context(), export.With(secret), task.Queue(""))
	if err != nil {
		t.Fatal(err)
	}
	span := r.one("create tasks")
	want := with(createTasks, map[string]string{
		"offload.task.name": "export.write", "offload.task.id": receipt.ID, "messaging.message.id": receipt.MessageID,
	})
	is(t, span, want)
}

func TestTheQueueThatAHookChoosesNamesTheCreateSpan(t *testing.T) {
	r := newRig(t, func(o *otelclient.Options, _ *client.Options) {
		o.Hooks.Create = func(context.Context, task.Firing) (context.Context, []task.FireOption) {
			return nil, []task.FireOption{task.Queue("")}
		}
	})
	receipt, err := r.client.Fire(t.Context(), export.With(secret))
	if err != nil {
		t.Fatal(err)
	}
	want := with(createTasks, map[string]string{
		"offload.task.name": "export.write", "offload.task.id": receipt.ID, "messaging.message.id": receipt.MessageID,
		"server.port": "4566", // of the definition's queue: what a span began with cannot be taken back
	})
	is(t, r.one("create tasks"), want)
}

// TestATaskThatIsRefusedHasItsQueue: that of its definition, or of the firing, although nothing was encoded.
func TestATaskThatIsRefusedHasItsQueue(t *testing.T) {
	r := newRig(t, nil)
	refuse := func(want string, opts ...task.FireOption) {
		t.Helper()
		receipt, err := r.client.Fire(t.Context(), export.With(secret), append(opts, task.Delay(-1), task.ID("of-the-caller"))...)
		if err == nil || receipt.Class != want || receipt.ID != "of-the-caller" {
			t.Errorf("the receipt has the class %q and the id %q, want %q: %v", receipt.Class, receipt.ID, want, err)
		}
	}
	refuse("bulk")
	refuse("", task.Queue(""))
	own := map[string]string{"offload.task.id": "of-the-caller", "error.type": "invalid"}
	is(t, r.one("create bulk"), with(createBulk, own))
	is(t, r.one("create tasks"), with(createTasks, own, map[string]string{"offload.task.name": "export.write"}))
}

func TestARetryIsAnotherSendSpanAndTheTraceContextStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		throttled := &transport.Error{Kind: transport.Throttled, Code: "RequestThrottled", Target: `queue "tasks"`, Hint: "wait", Err: errors.New("no " + secret)}
		r.tasks.FailNext(throttled)
		receipt, err := r.client.Fire(t.Context(), welcome.With(secret))
		if err != nil || receipt.Attempts != 2 {
			t.Fatalf("%d attempts, %v", receipt.Attempts, err)
		}
		r.flush()
		create, sends := r.one("create tasks"), r.called("send tasks")
		if len(sends) != 2 {
			t.Fatalf("%d send spans", len(sends))
		}
		common := with(sendTasks, map[string]string{"offload.task.id": receipt.ID, "offload.task.name": "email.welcome", "messaging.batch.message_count": "1"})
		is(t, sends[0], with(common, map[string]string{"error.type": "RequestThrottled", "offload.send.failed": "1"}))
		is(t, sends[1], with(common, map[string]string{"offload.send.retried": "1", "messaging.message.id": receipt.MessageID}))
		if s := sends[0].Status; s.Code != codes.Error || s.Description != `queue "tasks": RequestThrottled (wait)` {
			t.Errorf("the refused request has the status %+v", s)
		}
		if sends[1].Status.Code != codes.Unset || create.Status.Code != codes.Unset {
			t.Errorf("after the retry: %+v, %+v", sends[1].Status, create.Status)
		}
		for _, s := range sends {
			if len(s.Links) != 1 || s.Links[0].SpanContext.SpanID() != create.SpanContext.SpanID() {
				t.Errorf("links %+v", s.Links)
			}
		}
		if got := r.tasks.Envelopes()[0].Header("traceparent"); got != traceparent(create.SpanContext) {
			t.Errorf("the task carries %q", got)
		}
	})
}

func TestOneRefusedTaskMarksTheSendSpanAndItsOwnCreateSpanOnly(t *testing.T) {
	r := newRig(t, nil)
	r.tasks.Respond(func(_ context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
		results := slices.Repeat([]transport.Result{{Outcome: transport.Accepted, MessageID: "m"}}, len(batch))
		results[1] = transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Kind: transport.Invalid, Target: `queue "tasks"`, Err: errors.New(secret)}}
		return results, results[1].Err
	})
	receipts, err := r.client.FireBatch(t.Context(), []task.Task{welcome.With("a" + secret), welcome.With("b" + secret), welcome.With("c" + secret)})
	if err == nil {
		t.Fatal("no error")
	}
	send := r.one("send tasks")
	is(t, send, with(sendTasks, map[string]string{"messaging.batch.message_count": "3", "error.type": "invalid", "offload.send.failed": "1"}))
	if send.Status.Code != codes.Error || send.Status.Description != `queue "tasks": invalid` {
		t.Errorf("status %+v", send.Status)
	}
	for _, s := range r.called("create tasks") {
		refused := strings.Contains(text(s.Attributes), receipts[1].ID)
		if (s.Status.Code == codes.Error) != refused || strings.Contains(text(s.Attributes), "error.type=invalid") != refused {
			t.Errorf("the task that was refused: %t, status %+v, %s", refused, s.Status, text(s.Attributes))
		}
	}
}

// TestManyAtOnce: every task has one create span, and one link to it.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		const callers, each = 8, 50
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range each {
					if _, err := r.client.Fire(t.Context(), welcome.With(secret)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		r.flush()
		links := map[trace.SpanID]int{}
		tasks := int64(0)
		for _, send := range r.called("send tasks") {
			for _, link := range send.Links {
				links[link.SpanContext.SpanID()]++
			}
			for _, a := range send.Attributes {
				if a.Key == "messaging.batch.message_count" {
					tasks += a.Value.AsInt64()
				}
			}
		}
		for _, create := range r.called("create tasks") {
			if n := links[create.SpanContext.SpanID()]; n != 1 {
				t.Errorf("create span %v has %d links", create.SpanContext.SpanID(), n)
			}
		}
		if len(links) != callers*each || tasks != callers*each {
			t.Errorf("%d links, %d tasks counted, want %d", len(links), tasks, callers*each)
		}
		if got := r.points("messaging.client.sent.messages")[sent]; got != callers*each {
			t.Errorf("messaging.client.sent.messages is %d", got)
		}
	})
}

func TestNoCreateSpans(t *testing.T) {
	r := newRig(t, func(o *otelclient.Options, _ *client.Options) { o.NoCreateSpans = true })
	ctx, caller := r.tracer.Start(t.Context(), "request")
	if _, err := r.client.Fire(ctx, welcome.With(secret)); err != nil {
		t.Fatal(err)
	}
	caller.End()
	if _, err := r.client.Fire(t.Context(), welcome.With(secret)); err != nil { // in no trace
		t.Fatal(err)
	}
	r.flush()
	if all := r.called("create tasks"); len(all) != 0 {
		t.Errorf("%d create spans", len(all))
	}
	sends := r.called("send tasks")
	if len(sends) != 2 || len(sends[0].Links) != 1 || sends[0].Links[0].SpanContext.SpanID() != caller.SpanContext().SpanID() || len(sends[1].Links) != 0 {
		t.Fatalf("%d send spans: %+v", len(sends), sends)
	}
	if got := r.tasks.Envelopes(); got[0].Header("traceparent") != traceparent(caller.SpanContext()) || got[1].Headers() != nil {
		t.Errorf("the tasks carry %v and %v", got[0].Headers(), got[1].Headers())
	}
	if ended := r.called("request"); len(ended) != 1 {
		t.Errorf("the caller's span ended %d times", len(ended))
	}
	if got := r.points("messaging.client.operation.duration"); len(got) != 2 {
		t.Errorf("durations %v, want those of create and of send", got)
	}
}

// TestTheCallersSpanIsNotTouched although it is the current one where the hooks are called.
func TestTheCallersSpanIsNotTouched(t *testing.T) {
	r := newRig(t, nil)
	ctx, caller := r.tracer.Start(t.Context(), "request")
	if _, err := r.client.Fire(ctx, welcome.With(secret), task.Delay(-1)); err == nil {
		t.Fatal("no error")
	}
	if _, err := r.client.Fire(ctx, welcome.With(secret)); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if !caller.IsRecording() {
		t.Error("it was ended")
	}
	caller.End()
	if s := r.one("request"); len(s.Attributes) != 0 || s.Status.Code != codes.Unset || len(s.Events) != 0 {
		t.Errorf("it is %+v", s)
	}
}

func TestBufferedSpansEndWithoutTheTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *otelclient.Options, o *client.Options) { o.Mode = client.Buffered })
		hold := make(chan struct{})
		r.tasks.Respond(func(_ context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
			<-hold
			return slices.Repeat([]transport.Result{{Outcome: transport.Accepted, MessageID: "m"}}, len(batch)), nil
		})
		receipt, err := r.client.Fire(t.Context(), welcome.With(secret))
		if err != nil {
			t.Fatal(err)
		}
		is(t, r.one("create tasks"), with(createTasks, map[string]string{"offload.task.id": receipt.ID}))
		close(hold)
		r.flush()
		if send := r.one("send tasks"); send.Parent.SpanID() != r.one("create tasks").SpanContext.SpanID() {
			t.Errorf("the send span is below %v", send.Parent)
		}
	})
}

// TestNoArgumentIsExported: an encoder and a service may quote in an error what they refuse.
func TestNoArgumentIsExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *otelclient.Options, o *client.Options) { o.SendTimeout = time.Nanosecond })
		r.tasks.Respond(func(_ context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
			err := &transport.Error{Kind: transport.Invalid, Code: "InvalidMessageContents", Target: `queue "tasks"`, Err: errors.New("cannot read " + string(batch[0].Data()))}
			return slices.Repeat([]transport.Result{{Outcome: transport.Rejected, Err: err}}, len(batch)), err
		})
		for _, x := range []task.Task{welcome.With(secret), task.Define[quoting]("bad").With(quoting{}), task.Define[chan int]("worse").With(nil)} {
			if _, err := r.client.Fire(t.Context(), x); err == nil {
				t.Fatalf("task %q: no error", x.Name())
			}
		}
		if _, err := r.client.Fire(t.Context(), welcome.With(secret), task.Header("note", secret), task.Header(secret, secret)); err == nil {
			t.Fatal("no error for a bad header")
		}
		if n := len(r.spans.GetSpans()); n != 5 {
			t.Fatalf("%d spans", n)
		}
		for _, s := range r.spans.GetSpans() {
			all := s.Name + s.Status.Description + text(s.Attributes)
			for _, l := range s.Links {
				all += text(l.Attributes) + l.SpanContext.TraceState().String()
			}
			for _, e := range s.Events {
				all += e.Name + text(e.Attributes)
			}
			if strings.Contains(all, secret) || strings.Contains(all, "ada") {
				t.Errorf("span %q tells the arguments: %s", s.Name, all)
			}
			if s.Status.Code != codes.Error {
				t.Errorf("span %q has the status %v", s.Name, s.Status)
			}
		}
		for _, name := range []string{"messaging.client.operation.duration", "messaging.client.sent.messages"} {
			for attrs := range r.points(name) {
				if strings.Contains(attrs, "ada") {
					t.Errorf("metric %s tells the arguments: %s", name, attrs)
				}
			}
		}
	})
}

// quoting cannot be encoded and quotes itself.
type quoting struct{}

func (quoting) MarshalJSON() ([]byte, error) { return nil, errors.New("cannot encode " + secret) }
