package sqs_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/offloadhq/offload/emulator/sqs"
)

// FuzzRequest throws bodies at every action: no panic, no answer of 5xx, only
// JSON comes out, and what was stored are texts that SQS takes.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ action, body string }{
		{"SendMessage", `{"QueueUrl":"http://h/000000000000/q","MessageBody":"x","DelaySeconds":1,"MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AP8="}}}`},
		{"SendMessage", `{"QueueUrl":"q","MessageBody":"\ud83d\ude00 \ud83d \\ \uffff"}`},
		{"SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"x"},{"Id":"b","MessageBody":"y","MessageGroupId":"g"}]}`},
		{"ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":10,"WaitTimeSeconds":20,"MessageAttributeNames":["All"],"AttributeNames":["All"]}`},
		{"DeleteMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","ReceiptHandle":"AQEBAAAAAQAAAAAAAAABEOo81uGRcGdflbhH"}]}`},
		{"ChangeMessageVisibility", `{"QueueUrl":"q","ReceiptHandle":"AQEB","VisibilityTimeout":43200}`},
		{"CreateQueue", `{"QueueName":"q","Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:q\",\"maxReceiveCount\":\"3\"}"},"tags":{"a":"b"}}`},
		{"SetQueueAttributes", `{"QueueUrl":"q","Attributes":{"RedriveAllowPolicy":"{\"redrivePermission\":\"denyAll\"}"}}`},
		{"GetQueueAttributes", `{"QueueUrl":"/000000000000/q","AttributeNames":["All"]}`},
		{"ListQueues", `{"MaxResults":1,"NextToken":"cQ"}`},
		{"ListQueueTags", `{"QueueUrl":"%zz://"}`},
	} {
		f.Add(seed.action, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, action string, body []byte) {
		s, err := sqs.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		arn := create(t, s, "q", nil)
		ctx, cancel := context.WithCancel(t.Context())
		if action == "ReceiveMessage" {
			cancel() // it may wait
		}
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(string(body)))
		r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		if ctx.Err() == nil && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("the answer is no JSON: %q", w.Body)
		}
		if action == "DeleteQueue" {
			return
		}
		for _, m := range receive(t, s, arn, sqs.ReceiveInput{Max: 10}) {
			for _, r := range m.Body {
				if !legalRune(r) {
					t.Fatalf("stored %q", m.Body)
				}
			}
			if !utf8.ValidString(m.Body) || m.Body == "" {
				t.Fatalf("stored %q", m.Body)
			}
		}
	})
}
