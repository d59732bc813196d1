package emulator

import (
	"context"
	"fmt"
	"time"

	"github.com/offloadhq/offload/emulator/mapping"
	"github.com/offloadhq/offload/emulator/sqs"
)

func (e *Emulator) startQueues() error {
	service, err := sqs.New(&sqs.Options{Region: region, AccountID: account, Logger: e.options.Logger})
	if err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	e.sqs = service
	for _, q := range e.template.Queues {
		if _, err := service.CreateQueue(q.Name, q.Attributes, q.Tags); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", e.template.File, q.Line, q.LogicalID, err)
		}
	}
	return nil
}

// source is a queue as a mapping sees it.
type source struct {
	sqs *sqs.Service
	arn string
}

func (s source) Receive(ctx context.Context, most int, wait time.Duration) ([]mapping.Message, error) {
	got, err := s.sqs.Receive(ctx, s.arn, sqs.ReceiveInput{Max: most, Wait: wait})
	if err != nil {
		return nil, err
	}
	messages := make([]mapping.Message, len(got))
	for i := range got {
		messages[i] = message(&got[i])
	}
	return messages, nil
}

func (s source) Delete(ctx context.Context, receipts []string) error {
	return s.sqs.Delete(ctx, s.arn, receipts...)
}

func (s source) VisibilityTimeout() time.Duration {
	info, err := s.sqs.Attributes(context.Background(), s.arn)
	if err != nil {
		return 0
	}
	return info.VisibilityTimeout
}

// message gives a message to a mapping.
func message(m *sqs.Message) mapping.Message {
	out := mapping.Message{
		MessageID: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, MD5OfBody: m.BodyMD5, Attributes: m.SystemAttributes(),
	}
	if len(m.Attributes) > 0 {
		out.MessageAttributes = make(map[string]mapping.Attribute, len(m.Attributes))
		for name, a := range m.Attributes {
			out.MessageAttributes[name] = mapping.Attribute(a)
		}
	}
	return out
}
