package worker_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

func event10(b *testing.B) []byte {
	var ds []transport.Delivery
	for i := range 10 {
		ds = append(ds, deliver(b, definition.With(args{N: i, Text: strings.Repeat("x", 300)}))...)
	}
	return sqsEvent(b, ds...)
}

// BenchmarkInvoke10 is one invocation with ten messages, up to the handler.
func BenchmarkInvoke10(b *testing.B) {
	payload := event10(b)
	w := newWorker(b, newMux(definition, nothing), worker.Options{})
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Invoke(context.Background(), payload); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvoke10_SQSEvent is the baseline: the same, with the event read into events.SQSEvent by encoding/json.
func BenchmarkInvoke10_SQSEvent(b *testing.B) {
	payload := event10(b)
	w := newWorker(b, newMux(definition, nothing), worker.Options{})
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		var event events.SQSEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			b.Fatal(err)
		}
		ds := make([]transport.Delivery, len(event.Records))
		for i, m := range event.Records {
			ds[i] = transport.Delivery{
				Source: m.EventSourceARN, MessageID: m.MessageId, Receipt: m.ReceiptHandle, Body: []byte(m.Body),
				Receives: 1, Attributes: m.Attributes,
			}
		}
		var answer events.SQSEventResponse
		for i, acked := range worker.Acked(w.Process(context.Background(), ds)) {
			if !acked {
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: ds[i].MessageID})
			}
		}
		if _, err := json.Marshal(answer); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProcess1 is the executor alone, for one record.
func BenchmarkProcess1(b *testing.B) {
	w := newWorker(b, newMux(definition, nothing), worker.Options{})
	ds := deliver(b, definition.With(args{}))
	b.ReportAllocs()
	for b.Loop() {
		w.Process(context.Background(), ds)
	}
}
