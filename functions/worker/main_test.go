package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

func environment(t *testing.T, set map[string]string) func(string) string {
	env := map[string]string{
		"OFFLOAD_QUEUE_URL":             "http://127.0.0.1:1/000000000000/q",
		"OFFLOAD_DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/000000000000/d",
		"OUT":                           t.TempDir(),
		"AWS_REGION":                    "us-east-1",
		"AWS_ACCESS_KEY_ID":             "any",
		"AWS_SECRET_ACCESS_KEY":         "any",
	}
	for k, v := range set {
		env[k] = v
	}
	return func(name string) string { return env[name] }
}

func TestEveryDefinitionHasAHandler(t *testing.T) {
	w, err := newWorker(environment(t, map[string]string{"OFFLOAD_DEV": "1"}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, fired := range []task.Task{
		jobs.Analytics.With(jobs.Event{}), jobs.Webhook.With(jobs.Delivery{}), jobs.Thumbnail.With(jobs.Picture{}), jobs.Export.With(jobs.Table{Rows: -1}),
	} {
		e, err := fired.Encode(task.NewID(time.Now()), "test", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		outcome := w.Process(ctx, []transport.Delivery{{Source: "arn:aws:sqs:us-east-1:000000000000:q", MessageID: "m", Receipt: "r", Body: e.Body(), Receives: 1}})[0]
		cancel()
		// The arguments are bad on purpose: the handler says so, and nothing is done.
		if outcome.Reason != transport.ReasonPermanent || errors.Is(outcome.Err, worker.ErrUnknownName) {
			t.Errorf("%s: %+v", fired.Name(), outcome)
		}
	}
}

func TestMissingOrBadEnvironmentIsNamed(t *testing.T) {
	for name, value := range map[string]string{
		"OFFLOAD_QUEUE_URL": "", "OFFLOAD_DEAD_LETTER_QUEUE_URL": "", "OFFLOAD_MAX_BACKOFF": "soon", "WEBHOOK_SECRET": "short",
		"AWS_REGION": "", "AWS_SECRET_ACCESS_KEY": "",
	} {
		_, err := newWorker(environment(t, map[string]string{name: value}), io.Discard)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: err = %v", name, value, err)
		}
	}
	_, err := newWorker(func(string) string { return "" }, io.Discard)
	for _, name := range []string{"OFFLOAD_QUEUE_URL", "OFFLOAD_DEAD_LETTER_QUEUE_URL", "OFFLOAD_RESULTS_BUCKET"} {
		if err == nil || !strings.Contains(err.Error(), name+" is not set: Environment of the function in template.yaml gives it") {
			t.Errorf("with no setting at all, %s is not named: %v", name, err)
		}
	}
}

// The function is given the bucket, and its results land there; a directory wins.
func TestResultsGoToTheBucketOrToTheDirectory(t *testing.T) {
	stored := make(chan string, 10)
	bucket := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stored <- r.Method + " " + r.URL.Path }))
	defer bucket.Close()
	e, err := jobs.Export.With(jobs.Table{Rows: 3}).Encode("id-1", "test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{"bucket": "", "directory": t.TempDir()} {
		w, err := newWorker(environment(t, map[string]string{
			"OUT": out, "OFFLOAD_RESULTS_BUCKET": "results", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": bucket.URL,
		}), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		outcome := w.Process(ctx, []transport.Delivery{{Source: "arn:aws:sqs:us-east-1:000000000000:q", MessageID: "m", Receipt: "r", Body: e.Body(), Receives: 1}})[0]
		cancel()
		if outcome.State != worker.Done {
			t.Fatalf("%s: %+v", name, outcome)
		}
		switch _, err := os.Stat(filepath.Join(out, "exports", "id-1.csv")); {
		case name == "bucket":
			if got := <-stored; got != "PUT /results/exports/id-1.csv" {
				t.Errorf("bucket: %s", got)
			}
		case err != nil || len(stored) > 0:
			t.Errorf("directory: %v; %d requests at the bucket", err, len(stored))
		}
	}
}

func TestB10_PlaintextIsForLocalStackOnly(t *testing.T) {
	set := map[string]string{"OUT": "", "OFFLOAD_RESULTS_BUCKET": "results", "AWS_ENDPOINT_URL": "http://172.17.0.2:4566"}
	if _, err := newWorker(environment(t, set), io.Discard); err == nil || !strings.Contains(err.Error(), "172.17.0.2") {
		t.Errorf("an http endpoint on another machine: error %v, want one that names it", err)
	}
	set["LOCALSTACK_HOSTNAME"] = "172.17.0.2"
	if _, err := newWorker(environment(t, set), io.Discard); err != nil {
		t.Errorf("in a container of LocalStack: %v", err)
	}
}

func TestWebhooksWithoutSecretFailAndWait(t *testing.T) {
	var out bytes.Buffer
	deliver, err := webhookHandler(environment(t, nil), slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := deliver(t.Context(), jobs.Delivery{}); err == nil || task.IsPermanent(err) || !strings.Contains(err.Error(), "WEBHOOK_SECRET") {
		t.Fatalf("err = %v", err)
	}
	if got := out.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "the parameter WebhookSecret of the stack") {
		t.Errorf("at the start it says %q", got)
	}
}

func TestMaxBackoffShortensAllButPermanent(t *testing.T) {
	limit, err := maxBackoff("1s")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err       error
		shortened bool
	}{
		{nil, false},
		{errors.New("x"), true},
		{task.RetryAfter(errors.New("x"), time.Hour), true},
		{task.Permanent(errors.New("x")), false},
	} {
		h := limit(worker.HandlerFunc(func(context.Context, transport.Delivery) error { return c.err }))
		got := h.Handle(t.Context(), transport.Delivery{})
		d, ok := task.RetryDelay(got)
		if ok != c.shortened || d > time.Second || task.IsPermanent(got) != task.IsPermanent(c.err) || !errors.Is(got, c.err) {
			t.Errorf("%v became %v, to be tried after %v (%v)", c.err, got, d, ok)
		}
	}
}

func TestOutcomeIsOneLineWithoutArguments(t *testing.T) {
	var out bytes.Buffer
	logOutcome(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: readable})))(worker.Outcome{
		ID: "id-1", Name: "a.b", Attempt: 2, State: worker.Retry, Delay: 1500 * time.Millisecond, Waited: 12345 * time.Microsecond, Err: errors.New("no"),
	})
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"level": "WARN", "msg": "retry", "task": "a.b", "id": "id-1", "attempt": 2.0, "waited": "12.35ms", "again_in": "1.5s", "error": "no"} {
		if line[key] != want {
			t.Errorf("%s = %v, want %v", key, line[key], want)
		}
	}
}

// A task that ends for good has one line in the log, not one of the worker and another of this function.
func TestDeadLetterIsOneLine(t *testing.T) {
	queues, err := sqs.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = queues.Close() }()
	if _, err := queues.CreateQueue("d", nil, nil); err != nil {
		t.Fatal(err)
	}
	queue := httptest.NewServer(queues)
	defer queue.Close()
	var out bytes.Buffer
	w, err := newWorker(environment(t, map[string]string{
		"OFFLOAD_DEV": "1", "AWS_ENDPOINT_URL": queue.URL, "OFFLOAD_DEAD_LETTER_QUEUE_URL": queue.URL + "/000000000000/d",
	}), &out)
	if err != nil {
		t.Fatal(err)
	}
	e, err := jobs.Export.With(jobs.Table{Rows: -1}).Encode("id-1", "test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	outcome := w.Process(ctx, []transport.Delivery{{Source: "arn:aws:sqs:us-east-1:000000000000:q", MessageID: "m-1", Receipt: "r", Body: e.Body(), Receives: 1}})[0]
	if outcome.State != worker.DeadLettered {
		t.Fatalf("%+v", outcome)
	}
	if got := strings.Count(out.String(), "id-1"); strings.Count(out.String(), "\n") != 1 || got == 0 {
		t.Errorf("want one line, got:\n%s", out.String())
	}
}
