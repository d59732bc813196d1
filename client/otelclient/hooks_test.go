package otelclient_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/otelclient"
	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// calls collects the names of hooks, and the span that is current where each is called.
type calls struct {
	mu    sync.Mutex
	lines []string
}

func (l *calls) add(ctx context.Context, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if trace.SpanContextFromContext(ctx).IsValid() {
		name += " in a span"
	}
	l.lines = append(l.lines, name)
}

type mark struct{}

func (l *calls) hooks() client.Hooks {
	return client.Hooks{
		Create: func(ctx context.Context, _ task.Firing) (context.Context, []task.FireOption) {
			l.add(ctx, "Create")
			return context.WithValue(ctx, mark{}, true), []task.FireOption{task.Header("tenant", "blue")}
		},
		Created: func(ctx context.Context, _ client.Receipt, _ time.Duration) {
			l.add(ctx, "Created")
			if ctx.Value(mark{}) == nil {
				l.add(context.Background(), "Created without the context of Create")
			}
		},
		Send: func(ctx context.Context, _ client.Sending) context.Context {
			l.add(ctx, "Send")
			return nil // as Hooks allow
		},
		Sent: func(ctx context.Context, _ client.Sending, _ []transport.Result, _ error) { l.add(ctx, "Sent") },
		Ended: func(client.Receipt, time.Duration) {
			l.add(context.Background(), "Ended")
		},
		Health: func(client.Health) {},
	}
}

func TestTheProgramsOwnHooksAreCalledToo(t *testing.T) {
	var l calls
	r := newRig(t, func(o *otelclient.Options, _ *client.Options) { o.Hooks = l.hooks() })
	if _, err := r.client.Fire(t.Context(), welcome.With(secret)); err != nil {
		t.Fatal(err)
	}
	r.flush()
	slices.Sort(l.lines) // Ended and Created come in either order
	if want := []string{"Create in a span", "Created in a span", "Ended", "Send in a span", "Sent in a span"}; !slices.Equal(l.lines, want) {
		t.Errorf("called %q, want %q", l.lines, want)
	}
	if e := r.tasks.Envelopes()[0]; e.Header("tenant") != "blue" || e.Header("traceparent") != traceparent(r.one("create tasks").SpanContext) {
		t.Errorf("the task carries %v", e.Headers())
	}
	r.one("send tasks")
}

func TestHooksMayGiveNoContextAndAreToldTheHealth(t *testing.T) {
	health := make(chan client.Health, 10)
	r := newRig(t, func(o *otelclient.Options, _ *client.Options) {
		o.Hooks = client.Hooks{
			Create: func(context.Context, task.Firing) (context.Context, []task.FireOption) { return nil, nil },
			Health: func(h client.Health) { health <- h },
		}
	})
	gone := &transport.Error{Kind: transport.Misconfigured, Err: errors.New("no queue")}
	r.tasks.FailNext(gone, gone)
	if _, err := r.client.Fire(t.Context(), welcome.With(secret)); err == nil {
		t.Fatal("no error")
	}
	r.one("create tasks")
	for _, want := range []client.State{client.Failing, client.Blocked} {
		if h := <-health; h.State != want {
			t.Errorf("told %+v, want %v", h, want)
		}
	}
}

// TestAPanicOfTheProgramsHooksCostsNoSpan: those that end a span are called after it.
func TestAPanicOfTheProgramsHooksCostsNoSpan(t *testing.T) {
	r := newRig(t, func(o *otelclient.Options, _ *client.Options) {
		o.Hooks = client.Hooks{
			Created: func(context.Context, client.Receipt, time.Duration) { panic("Created") },
			Sent:    func(context.Context, client.Sending, []transport.Result, error) { panic("Sent") },
		}
	})
	if _, err := r.client.Fire(t.Context(), welcome.With(secret)); err != nil {
		t.Fatal(err)
	}
	r.flush()
	r.one("create tasks")
	r.one("send tasks")
}

// TestWithoutProviders: the global ones of a program that has set none do nothing, and break nothing.
func TestWithoutProviders(t *testing.T) {
	r := newRig(t, func(o *otelclient.Options, _ *client.Options) {
		o.TracerProvider, o.MeterProvider = otel.GetTracerProvider(), otel.GetMeterProvider()
	})
	unregister, err := otelclient.Register(r.client, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, caller := r.tracer.Start(t.Context(), "request")
	defer caller.End()
	for _, ctx := range []context.Context{t.Context(), ctx} {
		if _, err := r.client.Fire(ctx, welcome.With(secret)); err != nil {
			t.Fatal(err)
		}
	}
	r.flush()
	if got := r.tasks.Envelopes(); got[0].Headers() != nil || got[1].Header("traceparent") != traceparent(caller.SpanContext()) {
		t.Errorf("the tasks carry %v and %v, want nothing and the caller's span", got[0].Headers(), got[1].Headers())
	}
	if err := unregister(); err != nil {
		t.Error(err)
	}
}

// TestThroughAQueue: what the spans say is what arrives, in the event and in the X-Ray header.
func TestThroughAQueue(t *testing.T) {
	service, err := sqs.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close() //nolint:errcheck // in memory
	server := httptest.NewServer(service)
	defer server.Close()
	arn, err := service.CreateQueue("tasks", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	url := server.URL + "/000000000000/tasks"
	sender, err := sqstransport.New(sqstransport.NewClient(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, nil)
	hooks, err := otelclient.Hooks(sender, nil, &r.opts)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(sender, &client.Options{Source: "test", Hooks: hooks, ConfirmTimeout: time.Minute, AttemptTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := c.Fire(t.Context(), welcome.With(secret))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	create := r.one("create tasks")
	got, err := service.Receive(t.Context(), arn, sqs.ReceiveInput{})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	e, err := task.Parse([]byte(got[0].Body))
	if err != nil || e.Header("traceparent") != traceparent(create.SpanContext) {
		t.Errorf("the event carries %v, %v", e.Headers(), err)
	}
	id := create.SpanContext.TraceID().String()
	if want := "Root=1-" + id[:8] + "-" + id[8:] + ";Parent=" + create.SpanContext.SpanID().String() + ";Sampled=1"; got[0].TraceHeader != want {
		t.Errorf("the message has the X-Ray header %q, want %q", got[0].TraceHeader, want)
	}
	host, port := server.Listener.Addr().String()[:9], server.Listener.Addr().String()[10:]
	is(t, r.one("send tasks"), map[string]string{
		"messaging.system": "aws_sqs", "messaging.destination.name": "tasks", "messaging.operation.name": "send", "messaging.operation.type": "send",
		"server.address": host, "server.port": port, "aws.sqs.queue.url": url, "messaging.batch.message_count": "1",
		"messaging.message.id": receipt.MessageID, "offload.task.id": receipt.ID, "offload.task.name": "email.welcome",
	})
}
