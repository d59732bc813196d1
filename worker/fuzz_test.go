package worker_test

import (
	"context"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/offloadhq/offload/worker"
)

// reference reads an event with encoding/json, keys matched exactly. It reports false for what it cannot judge.
func reference(payload []byte) (records []map[string]string, ok bool) {
	var top map[string]json.RawMessage
	if !utf8.Valid(payload) || json.Unmarshal(payload, &top) != nil || top["specversion"] != nil {
		return nil, false
	}
	var raw []map[string]json.RawMessage
	if json.Unmarshal(top["Records"], &raw) != nil || raw == nil {
		return nil, false
	}
	for _, r := range raw {
		fields := map[string]string{}
		for _, key := range []string{"messageId", "receiptHandle", "body", "eventSourceARN", "eventSource"} {
			var s *string
			if value, there := r[key]; there && (json.Unmarshal(value, &s) != nil || s == nil) {
				return nil, false
			} else if there {
				fields[key] = *s
			}
		}
		records = append(records, fields)
	}
	return records, true
}

// FuzzInvoke gives the worker any payload. It must not panic; an answer lists ids of the event only, and without a
// Settler all of them that did not run; and what encoding/json reads it must read alike.
func FuzzInvoke(f *testing.F) {
	for _, name := range []string{"sqs.json", "sqs_fifo.json", "direct.json"} {
		f.Add(golden(f, name))
	}
	f.Add(sqsEvent(f, deliver(f, definition.With(args{N: 1, Text: "\x00\u2028\ufffe😀\\"}))...))
	for _, s := range []string{
		`{}`, `{"Records":[]}`, `{"Records":[null]}`, `{"Records":[{}]}`, `{"specversion":1}`, `{"Records":[{"messageId":"\ud83d\ude00\ud83d","body":"\u00e9\/","eventSource":"aws:sqs","eventSourceARN":"a"}]}`,
		"{\"Records\":[{\"messageId\":\"\xff\",\"body\":\"\",\"eventSource\":\"aws:sqs\",\"eventSourceARN\":\"a\",\"attributes\":{\"ApproximateReceiveCount\":\"x\"}}]}",
		`{"Records":[{"messageId":"m","body":"\`, `{"Records":[],"x":{"y":[[[1e5,-0.5,true]]]}}`, `{"\u0052ecords":[]}`, `{"Records":[{"attributes":null}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var s settler
		w := newWorker(t, newMux(definition, func(context.Context, args) error { return errHandler }), worker.Options{Settler: &s})
		answer, err := w.Invoke(t.Context(), payload)
		want, ok := reference(payload)
		if err != nil {
			if answer != nil {
				t.Fatalf("answer %s beside error %v", answer, err)
			}
			return
		}
		if string(answer) == "{}" {
			return
		}
		var got struct {
			BatchItemFailures []struct{ ItemIdentifier string }
		}
		if err := json.Unmarshal(answer, &got); err != nil || got.BatchItemFailures == nil {
			t.Fatalf("answer %s: %v", answer, err)
		}
		if !ok {
			return // more lenient than encoding/json in what it steps over
		}
		ids := map[string]bool{}
		bodies := map[string]int{}
		for _, r := range want {
			ids[r["messageId"]] = true
			bodies[r["messageId"]+"\x00"+r["body"]+"\x00"+r["receiptHandle"]]++
		}
		for _, failed := range got.BatchItemFailures {
			if !ids[failed.ItemIdentifier] {
				t.Fatalf("answer %s lists %q, which is not in the event", answer, failed.ItemIdentifier)
			}
		}
		for _, d := range s.deliveries {
			key := d.MessageID + "\x00" + string(d.Body) + "\x00" + d.Receipt
			if bodies[key]--; bodies[key] < 0 {
				t.Fatalf("read the delivery %q, which is not in the event %v", key, want)
			}
		}
	})
}

// TestEventOfEveryCharacter takes each Unicode scalar value through an event, raw and as encoding/json escapes it.
func TestEventOfEveryCharacter(t *testing.T) {
	for first := rune(0); first <= utf8.MaxRune; first += 0x8000 {
		var text []rune
		for r := first; r < first+0x8000 && r <= utf8.MaxRune; r++ {
			if utf8.ValidRune(r) {
				text = append(text, r)
			}
		}
		if len(text) == 0 {
			continue
		}
		d := deliver(t, definition.With(args{}))[0]
		d.Body = []byte(string(text))
		var s settler
		w := newWorker(t, newMux(definition, nothing), worker.Options{Settler: &s})
		if _, err := w.Invoke(t.Context(), sqsEvent(t, d)); err != nil {
			t.Fatal(err)
		}
		if len(s.deliveries) != 1 {
			t.Fatalf("characters from %U: %d dead letters, want the body as one", first, len(s.deliveries))
		}
		if got := string(s.deliveries[0].Body); got != string(text) {
			t.Errorf("characters from %U: not the same", first)
		}
	}
}
