package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

var _ lambda.Handler = (*worker.Worker)(nil) // lambda.Start takes a Worker

// unavailable is a queue that is down for a while.
var unavailable = transport.Result{Outcome: transport.Unknown, Err: &transport.Error{Kind: transport.Transient, Target: "queue", Err: errors.New("no answer")}}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sqsEvent is the event that Lambda makes of deliveries.
func sqsEvent(t testing.TB, ds ...transport.Delivery) []byte {
	t.Helper()
	event := events.SQSEvent{Records: []events.SQSMessage{}}
	for _, d := range ds {
		attributes := map[string]string{
			"ApproximateReceiveCount": fmt.Sprint(d.Receives), "SentTimestamp": "1545082649183",
			"SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185",
		}
		for k, v := range d.Attributes {
			attributes[k] = v
		}
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: d.MessageID, ReceiptHandle: d.Receipt, Body: string(d.Body), Md5OfBody: "e4e68fb7bd0e697a0ae8f1bb342846b3",
			Attributes: attributes, EventSourceARN: d.Source, EventSource: "aws:sqs", AWSRegion: "eu-central-1",
		})
	}
	b, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantAnswer(t testing.TB, w *worker.Worker, payload []byte, want string) {
	t.Helper()
	if got, err := w.Invoke(t.Context(), payload); err != nil || string(got) != want {
		t.Errorf("answer %s, error %v; want %s", got, err, want)
	}
}

func TestD4_AnswerListsExactlyTheFailed(t *testing.T) {
	const none = `{"batchItemFailures":[]}`
	two := func(context.Context) error { return errHandler }
	for name, c := range map[string]struct {
		payload []byte
		settler transport.Settler
		want    string
	}{
		"one of two":       {golden(t, "sqs.json"), &settler{}, `{"batchItemFailures":[{"itemIdentifier":"2e1424d4-f796-459a-8184-9c92662be6da"}]}`},
		"without settler":  {golden(t, "sqs.json"), nil, `{"batchItemFailures":[{"itemIdentifier":"2e1424d4-f796-459a-8184-9c92662be6da"}]}`},
		"group":            {golden(t, "sqs_fifo.json"), &settler{}, `{"batchItemFailures":[{"itemIdentifier":"11d6ee51-4cc7-4302-9e22-7cd8afdaadf5"},{"itemIdentifier":"5f2b1b46-90a2-4f21-8ad0-0ca5d2b04d9a"}]}`},
		"none":             {sqsEvent(t, deliver(t, definition.With(args{N: 1}))...), &settler{}, none},
		"no records":       {[]byte(`{"Records":[]}`), &settler{}, none},
		"white space":      {[]byte(" \n{ \"Records\" : [ ] , \"more\" : [{\"a\":[1,true,null,\"x\\\"]\"]}] }\t"), &settler{}, none},
		"dead letter":      {sqsEvent(t, transport.Delivery{Source: queueARN, MessageID: "m", Body: []byte("x"), Receives: 1}), &settler{}, none},
		"dead letter lost": {sqsEvent(t, transport.Delivery{Source: queueARN, MessageID: "m", Body: []byte("x"), Receives: 1}), &settler{bury: func(transport.Delivery) error { return errHandler }}, `{"batchItemFailures":[{"itemIdentifier":"m"}]}`},
		"one id twice":     {sqsEvent(t, slices.Repeat([]transport.Delivery{{Source: queueARN, MessageID: "m", Body: []byte("x"), Receives: 1}}, 2)...), nil, `{"batchItemFailures":[{"itemIdentifier":"m"}]}`},
		"id that needs escapes": {
			sqsEvent(t, transport.Delivery{Source: queueARN, MessageID: "a\"\\\n\u00e9", Body: []byte("x"), Receives: 1}), nil,
			`{"batchItemFailures":[{"itemIdentifier":"a\"\\\n` + "\u00e9" + `"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, newMux(definition, failing(2, two)), worker.Options{Settler: c.settler})
			wantAnswer(t, w, c.payload, c.want)
		})
	}
}

func TestD4_WhatIsNoEventIsAnError(t *testing.T) {
	record := `{"messageId":"m","receiptHandle":"r","body":"x","eventSource":"aws:sqs","eventSourceARN":"arn"}`
	for name, payload := range map[string]string{
		"empty":            ``,
		"null":             `null`,
		"array":            `[]`,
		"test event":       `{"key1":"value1"}`,
		"both kinds":       `{"Records":[],"specversion":"1.0"}`,
		"records twice":    `{"Records":[],"Records":[]}`,
		"records null":     `{"Records":null}`,
		"other source":     `{"Records":[` + strings.Replace(record, "aws:sqs", "aws:s3", 1) + `]}`,
		"no source":        `{"Records":[` + strings.Replace(record, `"eventSource":"aws:sqs",`, ``, 1) + `]}`,
		"no queue":         `{"Records":[` + strings.Replace(record, `"eventSourceARN":"arn"`, `"eventSourceARN":""`, 1) + `]}`,
		"no message id":    `{"Records":[` + strings.Replace(record, `"messageId":"m",`, ``, 1) + `]}`,
		"no body":          `{"Records":[` + strings.Replace(record, `"body":"x",`, ``, 1) + `]}`,
		"body no string":   `{"Records":[` + strings.Replace(record, `"body":"x"`, `"body":{}`, 1) + `]}`,
		"bad escape":       `{"Records":[` + strings.Replace(record, `"body":"x"`, `"body":"\q"`, 1) + `]}`,
		"bad unicode":      `{"Records":[` + strings.Replace(record, `"body":"x"`, `"body":"\u12g4"`, 1) + `]}`,
		"control byte":     `{"Records":[` + strings.Replace(record, `"body":"x"`, "\"body\":\"\x01\"", 1) + `]}`,
		"cut":              `{"Records":[` + record,
		"something behind": `{"Records":[]} x`,
		"bad scalar":       `{"Records":[],"x":nul}`,
		"unbalanced":       `{"Records":[],"x":]}`,
		"no value":         `{"Records":[],"x":,}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &settler{}})
			answer, err := w.Invoke(t.Context(), []byte(payload))
			if err == nil || answer != nil {
				t.Fatalf("answer %s, error %v; want an error", answer, err)
			}
			if !strings.HasPrefix(err.Error(), "invocation payload of ") {
				t.Errorf("error %q does not name the payload", err)
			}
		})
	}
}

// tornContext makes the worker itself panic.
type tornContext struct{ context.Context }

func (tornContext) Deadline() (time.Time, bool) { panic("torn") }

func TestD4_OwnBugIsAnErrorAndAcknowledgesNothing(t *testing.T) {
	w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{})
	ds := deliver(t, definition.With(args{}))
	answer, err := w.Invoke(tornContext{t.Context()}, sqsEvent(t, ds...))
	if p, ok := errors.AsType[*worker.PanicError](err); !ok || p.Value != "torn" || answer != nil {
		t.Errorf("answer %s, error %v", answer, err)
	}
	outcomes := w.Process(tornContext{t.Context()}, ds)
	wantStates(t, outcomes, worker.Failed)
	if outcomes[0].MessageID != "m0" || worker.Acked(outcomes)[0] {
		t.Errorf("outcome %+v", outcomes[0])
	}
}

func TestEventIsReadExactly(t *testing.T) {
	payload := golden(t, "sqs.json")
	var want events.SQSEvent
	if err := json.Unmarshal(payload, &want); err != nil {
		t.Fatal(err)
	}
	seen := map[string]transport.Delivery{}
	look := func(next worker.Handler) worker.Handler {
		return worker.HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
			seen[d.MessageID] = d
			return next.Handle(ctx, d)
		})
	}
	var text string
	w := newWorker(t, newMux(definition, func(_ context.Context, a args) error { text += a.Text; return nil }, look), worker.Options{Concurrency: 1})
	wantAnswer(t, w, payload, `{"batchItemFailures":[]}`)
	for _, m := range want.Records {
		d := seen[m.MessageId]
		if d.Source != m.EventSourceARN || d.Receipt != m.ReceiptHandle || string(d.Body) != m.Body ||
			fmt.Sprint(d.Receives) != m.Attributes["ApproximateReceiveCount"] || fmt.Sprint(d.Attributes) != fmt.Sprint(m.Attributes) {
			t.Errorf("delivery %+v\nwant %+v", d, m)
		}
	}
	if want := "é \"q\" \\ é 😀"; text != want {
		t.Errorf("text %q, want %q", text, want)
	}
}

// TestPayloadIsNotKept reuses the payload's memory while a handler runs, as a runtime does after the answer.
func TestPayloadIsNotKept(t *testing.T) {
	for name, payload := range map[string][]byte{
		"direct": golden(t, "direct.json"),
		"batch":  sqsEvent(t, transport.Delivery{Source: queueARN, MessageID: "m", Body: []byte("plain"), Receives: 1}),
	} {
		t.Run(name, func(t *testing.T) {
			overwrite := func(transport.Delivery) error { clear(payload); return nil }
			s := settler{bury: overwrite}
			w := newWorker(t, newMux(definition, func(context.Context, args) error {
				return task.Permanent(overwrite(transport.Delivery{}))
			}, func(next worker.Handler) worker.Handler {
				return worker.HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
					before := string(d.Body)
					err := next.Handle(ctx, d)
					if string(d.Body) != before {
						t.Error("the body changed with the payload")
					}
					return err
				})
			}), worker.Options{Settler: &s})
			if _, err := w.Invoke(t.Context(), payload); err != nil {
				t.Fatal(err)
			}
			for _, d := range s.deliveries {
				if string(d.Body) != "plain" {
					t.Errorf("body %q", d.Body)
				}
			}
		})
	}
}
