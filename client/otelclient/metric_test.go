package otelclient_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/otelclient"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// The attributes of metrics, sorted, by their names in the conventions' page messaging-metrics.md.
const (
	toBulk = "messaging.destination.name=bulk messaging.operation.name=send messaging.operation.type=send messaging.system=aws_lambda server.address=127.0.0.1 server.port=4566 "

	created = "messaging.destination.name=tasks messaging.operation.name=create messaging.operation.type=create messaging.system=aws_sqs server.address=sqs.eu-west-1.amazonaws.com "
	sent    = "messaging.destination.name=tasks messaging.operation.name=send messaging.operation.type=send messaging.system=aws_sqs server.address=sqs.eu-west-1.amazonaws.com "
)

func TestMetricsOfTheConventions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.tasks.Respond(func(_ context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			time.Sleep(30 * time.Millisecond)
			results := slices.Repeat([]transport.Result{{Outcome: transport.Accepted, MessageID: "m"}}, len(batch))
			if call > 1 {
				return results, nil
			}
			results[1] = transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Kind: transport.Invalid, Err: errors.New("x")}}
			results[2] = transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Code: "RequestThrottled", Kind: transport.Throttled, Err: errors.New("x")}}
			results[3] = results[2]
			return results, results[1].Err
		})
		batch := slices.Repeat([]task.Task{welcome.With(secret)}, 6)
		if _, err := r.client.FireBatch(t.Context(), append(batch, export.With(secret))); err == nil {
			t.Fatal("no error")
		}
		r.flush()
		want := map[string]int64{sent: 5, "error.type=invalid " + sent: 1, "error.type=RequestThrottled " + sent: 2, toBulk: 1}
		if got := r.points("messaging.client.sent.messages"); !maps.Equal(got, want) {
			t.Errorf("messaging.client.sent.messages is\n%v\nwant\n%v", got, want)
		}
		counts := r.points("messaging.client.operation.duration")
		if counts[created] != 5 || counts["error.type=invalid "+created] != 1 || counts["error.type=invalid "+sent] != 1 || counts[toBulk] != 1 || counts[sent] == 0 {
			t.Errorf("messaging.client.operation.duration counts %v", counts)
		}

		m, _ := r.metric("messaging.client.operation.duration")
		if m.Unit != "s" {
			t.Errorf("its unit is %q", m.Unit)
		}
		conventional := []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
		for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
			if !slices.Equal(p.Bounds, conventional) {
				t.Errorf("its buckets are %v", p.Bounds)
			}
			if attrs := text(p.Attributes.ToSlice()); attrs == "error.type=invalid "+sent && p.Sum != 0.03 {
				t.Errorf("a request of 30 ms is measured as %v s", p.Sum)
			}
		}
		if m, _ := r.metric("messaging.client.sent.messages"); m.Unit != "{message}" || !m.Data.(metricdata.Sum[int64]).IsMonotonic {
			t.Errorf("messaging.client.sent.messages is %+v", m)
		}
	})
}

// TestErrorTypes has each way for a firing to fail.
func TestErrorTypes(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, end := context.WithTimeout(t.Context(), 0)
	defer end()
	answer := func(result transport.Result) func(*rig) {
		return func(r *rig) {
			r.tasks.Respond(func(context.Context, int, []task.Envelope) ([]transport.Result, error) {
				return []transport.Result{result}, result.Err
			})
		}
	}
	refuse := func(kind transport.Kind, code string, err error) func(*rig) {
		return answer(transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Kind: kind, Code: code, Err: err}})
	}
	for want, c := range map[string]struct {
		ctx     context.Context //nolint:containedctx // of one firing
		opts    []task.FireOption
		x       task.Task
		prepare func(*rig)
		change  func(*otelclient.Options, *client.Options)
	}{
		"canceled":      {ctx: canceled},
		"timeout":       {ctx: expired},
		"delay":         {opts: []task.FireOption{task.Delay(time.Hour)}},
		"invalid":       {opts: []task.FireOption{task.Delay(-1)}},
		"hops":          {ctx: task.WithInfo(t.Context(), task.Info{Hops: task.MaxHops})},
		"too_large":     {x: welcome.With(string(make([]byte, 1<<20)))},
		"no_route":      {opts: []task.FireOption{task.Queue("nowhere")}},
		"closed":        {prepare: func(r *rig) { r.flush() }},
		"AccessDenied":  {prepare: refuse(transport.Misconfigured, "AccessDenied", errors.New("x"))},
		"misconfigured": {prepare: refuse(transport.Misconfigured, "", errors.New("x"))},
		"no_result":     {prepare: refuse(transport.Misconfigured, "", transport.ErrNoResult)},
		"unconfirmed": {
			change: func(_ *otelclient.Options, o *client.Options) {
				o.SendTimeout, o.ConfirmTimeout = time.Second, time.Millisecond
			},
			prepare: answer(transport.Result{Outcome: transport.Unknown, Err: errors.New("lost")}),
		},
		"buffer_full": {
			change: func(_ *otelclient.Options, o *client.Options) { o.MaxPending = 1 },
			prepare: func(r *rig) {
				r.tasks.Respond(func(ctx context.Context, _ int, _ []task.Envelope) ([]transport.Result, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				})
				wait, stop := context.WithTimeout(t.Context(), time.Millisecond)
				defer stop()
				if _, err := r.client.Fire(wait, welcome.With(secret)); err == nil {
					t.Error("no error of a transport that hangs")
				}
				r.spans.Reset()
			},
		},
	} {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.change)
				if c.prepare != nil {
					c.prepare(r)
				}
				if c.ctx == nil {
					c.ctx = t.Context()
				}
				if c.x.Name() == "" {
					c.x = welcome.With(secret)
				}
				receipt, err := r.client.Fire(c.ctx, c.x, c.opts...)
				if err == nil {
					t.Fatal("no error")
				}
				var names []string
				for _, s := range r.spans.GetSpans() {
					names = append(names, s.Name)
					if s.Name != "create tasks" && s.Name != "create" {
						continue
					}
					got := map[string]string{}
					for _, a := range s.Attributes {
						got[string(a.Key)] = a.Value.String()
					}
					if got["error.type"] != want || s.Status.Description == "" || got["offload.task.id"] != receipt.ID {
						t.Errorf("of %v: %v, status %+v", err, got, s.Status)
					}
					return
				}
				t.Errorf("no create span among %q", names)
			})
		})
	}
}

func TestASenderWithoutADestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		hooks, err := otelclient.Hooks(r.tasks, nil, &r.opts)
		if err != nil {
			t.Fatal(err)
		}
		c, err := client.New(r.tasks, &client.Options{Source: "test", Hooks: hooks})
		if err != nil {
			t.Fatal(err)
		}
		r.tasks.FailNext(errors.New("odd"))
		receipt, err := c.Fire(t.Context(), welcome.With(secret))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		is(t, r.one("create"), map[string]string{
			"messaging.system": "offload", "messaging.operation.name": "create", "messaging.operation.type": "create",
			"offload.task.name": "email.welcome", "offload.task.id": receipt.ID, "messaging.message.id": receipt.MessageID,
		})
		want := map[string]int64{
			"messaging.operation.name=send messaging.operation.type=send messaging.system=offload ":                                1,
			"error.type=*errors.errorString messaging.operation.name=send messaging.operation.type=send messaging.system=offload ": 1,
		}
		if got := r.points("messaging.client.sent.messages"); !maps.Equal(got, want) {
			t.Errorf("sent %v, want %v", got, want)
		}
	})
}

func TestRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *otelclient.Options, c *client.Options) {
			o.ClientID, c.Mode, c.MaxPending = "api-1", client.Buffered, 3
		})
		unregister, err := otelclient.Register(r.client, &r.opts)
		if err != nil {
			t.Fatal(err)
		}
		hold := make(chan struct{})
		r.tasks.Respond(func(_ context.Context, call int, batch []task.Envelope) ([]transport.Result, error) {
			<-hold
			results := slices.Repeat([]transport.Result{{Outcome: transport.Accepted}}, len(batch))
			if call == 1 {
				results[0] = transport.Result{Outcome: transport.Rejected, Err: &transport.Error{Kind: transport.Throttled, Err: errors.New("x")}}
			}
			return results, transport.FirstError(results, len(batch))
		})
		for i := range 4 {
			if _, err := r.client.Fire(t.Context(), welcome.With(secret)); (err != nil) != (i == 3) {
				t.Errorf("task %d: %v", i, err)
			}
		}
		if _, err := r.client.Fire(t.Context(), welcome.With(secret), task.Delay(-1)); err == nil {
			t.Error("no error")
		}
		size := r.client.Stats().InFlight.Bytes
		if size == 0 {
			t.Fatal("nothing is in flight")
		}
		check := func(when string, want map[string]int64) {
			t.Helper()
			got := map[string]int64{}
			for _, name := range []string{
				"tasks.fired", "tasks.refused", "tasks.dropped", "tasks.ended", "tasks.retried", "requests.sent", "tasks.waiting", "tasks.in_flight",
				"bytes.waiting", "bytes.in_flight", "requests.open", "tasks.at_risk", "health",
			} {
				for attrs, value := range r.points("offload.client." + name) {
					got[name+" "+attrs] = value
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s:\n%v\nwant\n%v", when, got, want)
			}
		}
		const id = " messaging.client.id=api-1 "
		const ended = "tasks.ended messaging.client.id=api-1 offload.outcome="
		s := r.client.Stats()
		check("while the transport hangs", map[string]int64{
			"tasks.fired" + id: 5, "tasks.refused" + id: 1, "tasks.dropped" + id: 1, "tasks.retried" + id: 0, "requests.sent" + id: int64(s.Open),
			ended + "accepted ": 0, ended + "rejected ": 0, ended + "unknown ": 0,
			"tasks.waiting" + id: int64(3 - s.InFlight.Tasks), "tasks.in_flight" + id: int64(s.InFlight.Tasks), "bytes.waiting" + id: int64(s.Waiting.Bytes), "bytes.in_flight" + id: int64(size),
			"requests.open" + id: int64(s.Open), "tasks.at_risk" + id: 3, "health" + id: 0,
		})
		close(hold)
		r.flush()
		s = r.client.Stats()
		check("at the end", map[string]int64{
			"tasks.fired" + id: 5, "tasks.refused" + id: 1, "tasks.dropped" + id: 1, "tasks.retried" + id: 1, "requests.sent" + id: int64(s.Requests),
			ended + "accepted ": 3, ended + "rejected ": 0, ended + "unknown ": 0,
			"tasks.waiting" + id: 0, "tasks.in_flight" + id: 0, "bytes.waiting" + id: 0, "bytes.in_flight" + id: 0,
			"requests.open" + id: 0, "tasks.at_risk" + id: 0, "health" + id: 0,
		})
		for name, unit := range map[string]string{"tasks.fired": "{task}", "bytes.waiting": "By", "requests.open": "{request}"} {
			if m, there := r.metric("offload.client." + name); !there || m.Unit != unit || m.Description == "" {
				t.Errorf("%s is %+v, want the unit %q", name, m, unit)
			}
		}
		if err := unregister(); err != nil {
			t.Error(err)
		}
		if _, there := r.metric("offload.client.tasks.fired"); there {
			t.Error("metrics go on after unregister")
		}
	})
}

func TestHealthIsAGauge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		unregister, err := otelclient.Register(r.client, &r.opts)
		if err != nil {
			t.Fatal(err)
		}
		defer unregister() //nolint:errcheck // seen elsewhere
		r.tasks.Respond(func(context.Context, int, []task.Envelope) ([]transport.Result, error) {
			err := &transport.Error{Kind: transport.Misconfigured, Err: errors.New("no queue")}
			return []transport.Result{{Outcome: transport.Rejected, Err: err}}, err
		})
		if _, err := r.client.Fire(t.Context(), welcome.With(secret)); err == nil {
			t.Fatal("no error")
		}
		if got, want := r.points("offload.client.health"), (map[string]int64{"": 2}); !maps.Equal(got, want) {
			t.Errorf("of a blocked client: %v, want %v", got, want)
		}
	})
}

func TestWhatIsMissingIsAnError(t *testing.T) {
	if _, err := otelclient.Hooks(nil, nil, nil); err == nil {
		t.Error("no sender, no error")
	}
	if _, err := otelclient.Register(nil, nil); err == nil {
		t.Error("no client, no error")
	}
}
