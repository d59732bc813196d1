package otelclient_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/client/otelclient"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is the argument of every task: it must be in nothing that is exported.
const secret = "ada@example.com"

var (
	welcome = task.Define[string]("email.welcome")
	export  = task.Define[string]("export.write", task.Queue("bulk"))
)

// named is a recorder with a destination.
type named struct {
	*clienttest.Recorder
	where transport.Destination
}

func (n named) Destination() transport.Destination { return n.where }

var (
	tasksQueue = transport.Destination{
		System: "aws_sqs", Name: "tasks", URL: "https://sqs.eu-west-1.amazonaws.com/1/tasks", Region: "eu-west-1", Server: "sqs.eu-west-1.amazonaws.com",
	}
	bulkFunction = transport.Destination{System: "aws_lambda", Name: "bulk", Region: "eu-west-1", Server: "127.0.0.1:4566"}
)

// rig is a client with everything that it exports in memory. Class "" goes to the queue tasks, class bulk to the function bulk.
type rig struct {
	t      testing.TB
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader
	tracer trace.Tracer // of the program
	opts   otelclient.Options
	tasks  *clienttest.Recorder
	bulk   *clienttest.Recorder
	client *client.Client
}

// newRig makes a rig, which is closed with the test. change may be nil.
func newRig(t testing.TB, change func(*otelclient.Options, *client.Options)) *rig {
	t.Helper()
	r := &rig{
		t: t, spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader(),
		tasks: clienttest.NewRecorder(clienttest.QueueLimits), bulk: clienttest.NewRecorder(transport.Limits{Items: 1}),
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans))
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader))
	r.tracer = traces.Tracer("program")
	r.opts = otelclient.Options{TracerProvider: traces, MeterProvider: metrics}
	o := client.Options{
		Source: "test", Logger: slog.New(slog.DiscardHandler), ConfirmTimeout: time.Minute, AttemptTimeout: time.Minute,
		Routes: map[string]transport.Sender{"bulk": named{r.bulk, bulkFunction}},
	}
	if change != nil {
		change(&r.opts, &o)
	}
	s := named{r.tasks, tasksQueue}
	var err error
	if o.Hooks, err = otelclient.Hooks(s, o.Routes, &r.opts); err != nil {
		t.Fatal(err)
	}
	if r.client, err = client.New(s, &o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.client.Close(ctx) //nolint:errcheck // what tests leave behind is theirs to judge
	})
	return r
}

// flush ends what was fired, so that all spans have ended.
func (r *rig) flush() {
	r.t.Helper()
	if err := r.client.Close(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// called returns the ended spans of a name.
func (r *rig) called(name string) (all tracetest.SpanStubs) {
	for _, s := range r.spans.GetSpans() {
		if s.Name == name {
			all = append(all, s)
		}
	}
	return all
}

// one returns the only span of a name.
func (r *rig) one(name string) tracetest.SpanStub {
	r.t.Helper()
	all := r.called(name)
	if len(all) != 1 {
		var names []string
		for _, s := range r.spans.GetSpans() {
			names = append(names, s.Name)
		}
		r.t.Fatalf("%d spans are named %q, want one of %q", len(all), name, names)
	}
	return all[0]
}

// points reads the data points of a metric by their attributes: their values, of a histogram the count.
func (r *rig) points(name string) map[string]int64 {
	r.t.Helper()
	m, ok := r.metric(name)
	if !ok {
		return nil
	}
	points := map[string]int64{}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			points[text(p.Attributes.ToSlice())] = p.Value
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			points[text(p.Attributes.ToSlice())] = p.Value
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			points[text(p.Attributes.ToSlice())] = int64(p.Count)
		}
	default:
		r.t.Fatalf("%s is a %T", name, m.Data)
	}
	return points
}

func (r *rig) metric(name string) (metricdata.Metrics, bool) {
	r.t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.reader.Collect(context.WithoutCancel(r.t.Context()), &all); err != nil {
		r.t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				return m, true
			}
		}
	}
	return metricdata.Metrics{}, false
}

// text writes attributes in one line, sorted.
func text(attrs []attribute.KeyValue) string {
	m := map[string]string{}
	for _, a := range attrs {
		m[string(a.Key)] = a.Value.String()
	}
	s := ""
	for _, key := range slices.Sorted(maps.Keys(m)) {
		s += key + "=" + m[key] + " "
	}
	return s
}

// is fails the test unless the span has exactly these attributes.
func is(t *testing.T, s tracetest.SpanStub, want map[string]string) {
	t.Helper()
	var attrs []attribute.KeyValue
	for key, value := range want {
		attrs = append(attrs, attribute.String(key, value))
	}
	if got, want := text(s.Attributes), text(attrs); got != want {
		t.Errorf("span %q has the attributes\n%s\nwant\n%s", s.Name, got, want)
	}
}

func traceparent(sc trace.SpanContext) string {
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + sc.TraceFlags().String()
}

func with(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// The attributes by their names in the conventions' pages: messaging-spans.md, sqs.md and faas-spans.md.
var (
	createTasks = map[string]string{
		"messaging.system": "aws_sqs", "messaging.destination.name": "tasks", "messaging.operation.name": "create", "messaging.operation.type": "create",
		"server.address": "sqs.eu-west-1.amazonaws.com", "aws.sqs.queue.url": "https://sqs.eu-west-1.amazonaws.com/1/tasks",
		"offload.task.name": "email.welcome",
	}
	sendTasks = map[string]string{
		"messaging.system": "aws_sqs", "messaging.destination.name": "tasks", "messaging.operation.name": "send", "messaging.operation.type": "send",
		"server.address": "sqs.eu-west-1.amazonaws.com", "aws.sqs.queue.url": "https://sqs.eu-west-1.amazonaws.com/1/tasks",
	}
	bulkAttributes = map[string]string{
		"messaging.system": "aws_lambda", "messaging.destination.name": "bulk", "server.address": "127.0.0.1", "server.port": "4566",
		"faas.invoked_name": "bulk", "faas.invoked_provider": "aws", "faas.invoked_region": "eu-west-1",
		"offload.queue.class": "bulk",
	}
	createBulk = with(bulkAttributes, map[string]string{"messaging.operation.name": "create", "messaging.operation.type": "create", "offload.task.name": "export.write"})
	sendBulk   = with(bulkAttributes, map[string]string{"messaging.operation.name": "send", "messaging.operation.type": "send", "offload.task.name": "export.write"})
)
