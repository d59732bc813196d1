package localstack_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The receive after the last one that is allowed moves the message to the dead-letter queue: the same message, with its
// attributes and its source (Amazon SQS Developer Guide, "Using dead-letter queues").
func TestC11_RedriveKeepsTheMessage(t *testing.T) {
	onEach(t, func(t *testing.T, x target) {
		api := sqsOf(x)
		dead := newQueue(t, api, map[string]string{"MessageRetentionPeriod": "1209600"})
		policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2})
		if err != nil {
			t.Fatal(err)
		}
		work := newQueue(t, api, map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": string(policy), "MessageRetentionPeriod": "345600"})
		id := work.send("täst", map[string]string{"kind": "é"})
		var first types.Message
		received := 0
		var moved []types.Message
		eventually(t, "the dead letter", func() bool {
			for _, m := range work.receive(time.Second) {
				if received++; received == 1 {
					first = m
				}
			}
			moved = append(moved, dead.receive(0)...)
			return len(moved) > 0
		})
		if received != 2 {
			t.Errorf("received %d times, want the maxReceiveCount of 2", received)
		}
		m := moved[0]
		if *m.MessageId != id || *m.Body != "täst" || texts(m)["kind"] != "é" {
			t.Errorf("the dead letter is %s %q with %v", *m.MessageId, *m.Body, texts(m))
		}
		sent := millis(first, types.MessageSystemAttributeNameSentTimestamp)
		x.judge(t, "redrive/sent-timestamp", sent > 0 && millis(m, types.MessageSystemAttributeNameSentTimestamp) == sent,
			"the time of sending was %d and became %d: a dead letter expires by its first", sent, millis(m, types.MessageSystemAttributeNameSentTimestamp))
		x.judge(t, "redrive/source", m.Attributes["DeadLetterQueueSourceArn"] == work.arn, "DeadLetterQueueSourceArn is %q", m.Attributes["DeadLetterQueueSourceArn"])
		x.judge(t, "redrive/receive-count", m.Attributes["ApproximateReceiveCount"] == "3", "ApproximateReceiveCount is %s: it counts on from the source", m.Attributes["ApproximateReceiveCount"])
		if a := dead.attributes(); a["MessageRetentionPeriod"] != "1209600" {
			t.Errorf("retention of the dead letters is %s", a["MessageRetentionPeriod"])
		}
	})
}
