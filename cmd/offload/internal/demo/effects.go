package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

// effects looks for what the tasks have left in the world: objects in the store, deliveries at the receiver, messages
// in the dead-letter queues. Nothing here is told by the worker.
type effects struct {
	out      string
	receiver *receiver
	sqs      *sqs.Client
	queues   []string // URLs of the queues of the tasks, a class each
	dead     []string // URLs of their dead-letter queues
}

func newEffects(ctx context.Context, out string, r *receiver, env map[string]string) (*effects, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(env["AWS_REGION"]),
		config.WithBaseEndpoint(env["AWS_ENDPOINT_URL"]),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], "")),
	)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	return &effects{
		out: out, receiver: r, sqs: sqs.NewFromConfig(cfg),
		queues: []string{env["OFFLOAD_QUEUE_URL"], env["OFFLOAD_BULK_QUEUE_URL"]},
		dead:   []string{env["OFFLOAD_DEAD_LETTER_QUEUE_URL"], env["OFFLOAD_BULK_DEAD_LETTER_QUEUE_URL"]},
	}, nil
}

// look brings the tally up to date.
func (e *effects) look(ctx context.Context, t *tally) error {
	for _, id := range e.receiver.delivered() {
		t.done[id] = true
	}
	for _, id := range e.receiver.repeated() {
		t.retried[id] = true
	}
	for _, prefix := range []string{jobs.AnalyticsPrefix, jobs.ThumbnailPrefix, jobs.ExportPrefix} {
		if err := e.objects(prefix, t); err != nil {
			return err
		}
	}
	for _, url := range e.dead {
		if err := e.deadLetters(ctx, url, t); err != nil {
			return err
		}
	}
	return nil
}

func (e *effects) objects(prefix string, t *tally) error {
	entries, err := os.ReadDir(filepath.Join(e.out, prefix))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue // being written
		}
		id, _, _ := strings.Cut(entry.Name(), ".")
		t.done[id] = true
	}
	return nil
}

func (e *effects) deadLetters(ctx context.Context, url string, t *tally) error {
	for {
		got, err := e.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			return fmt.Errorf("dead-letter queue %s: %w", url, err)
		}
		if len(got.Messages) == 0 {
			return nil
		}
		var done []types.DeleteMessageBatchRequestEntry
		for i, m := range got.Messages {
			t.dead[deadTask(m)] = true
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := e.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: done}); err != nil {
			return fmt.Errorf("dead-letter queue %s: %w", url, err)
		}
	}
}

// deadTask is the id of the task that a dead letter is of: as it was fired, or in Lambda's record around the event. What
// is neither is no task that was fired, and gets a name that says so.
func deadTask(m types.Message) (id string) {
	body := []byte(aws.ToString(m.Body))
	var record struct {
		RequestPayload json.RawMessage `json:"requestPayload"`
	}
	if json.Unmarshal(body, &record) == nil && record.RequestPayload != nil {
		body = record.RequestPayload
	}
	envelope, err := task.Parse(body)
	if err != nil {
		return fmt.Sprintf("message %s (%v)", aws.ToString(m.MessageId), err)
	}
	return envelope.ID()
}

// queuesAreEmpty says whether no message is left in the queues of the tasks: none that waits, runs or is delayed.
func (e *effects) queuesAreEmpty(ctx context.Context) (bool, error) {
	counts := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	for _, url := range e.queues {
		got, err := e.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: counts})
		if err != nil {
			return false, fmt.Errorf("queue %s: %w", url, err)
		}
		for _, name := range counts {
			if got.Attributes[string(name)] != "0" {
				return false, nil
			}
		}
	}
	return true, nil
}
