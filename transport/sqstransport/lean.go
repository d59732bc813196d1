package sqstransport

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/internal/awscall"
	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// lean speaks AWS JSON 1.0 with Amazon SQS.
type lean struct {
	client  *awscall.Client
	problem error
}

var _ api.Queues = (*lean)(nil)

func newLean(cfg aws.Config) *lean {
	client, err := awscall.New(cfg, awscall.Service{Name: "sqs", ID: "SQS"})
	return &lean{client: client, problem: err}
}

// Facts implements api.Queues.
func (l *lean) Facts() api.Facts {
	if l.problem != nil {
		return api.Facts{Problem: l.problem}
	}
	e := l.client.Endpoint()
	facts := api.Facts{Region: e.Region}
	if e.Custom {
		facts.Endpoint = e.URL.String()
	}
	return facts
}

// The operations, as the protocol names them.
const (
	sendMessageBatch             = "AmazonSQS." + api.SendMessageBatch
	changeMessageVisibilityBatch = "AmazonSQS." + api.ChangeMessageVisibilityBatch
)

// SendMessageBatch implements api.Queues.
func (l *lean) SendMessageBatch(ctx context.Context, queueURL string, messages []api.Message, watch *awserr.Call) (api.Answer, error) {
	return l.call(ctx, sendMessageBatch, func(b []byte) []byte { return appendMessages(b, queueURL, messages) }, watch)
}

// ChangeMessageVisibilityBatch implements api.Queues.
func (l *lean) ChangeMessageVisibilityBatch(ctx context.Context, queueURL string, changes []api.Visibility, watch *awserr.Call) (api.Answer, error) {
	return l.call(ctx, changeMessageVisibilityBatch, func(b []byte) []byte { return appendChanges(b, queueURL, changes) }, watch)
}

func (l *lean) call(ctx context.Context, target string, encode func([]byte) []byte, watch *awserr.Call) (answer api.Answer, err error) {
	err = l.client.Call(ctx, target, encode, func(b []byte) error {
		answer, err = readAnswer(b)
		return err
	}, watch)
	return answer, err
}
