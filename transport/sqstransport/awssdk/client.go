// Package awssdk lets senders and settlers of package sqstransport call Amazon SQS through the AWS SDK's own client.
//
// The client that [sqstransport.NewClient] makes costs less and links less. This one is for those who need what only an
// SDK client has: middleware and interceptors, its logging and tracing, an endpoint resolver of one's own. Both pass the same tests.
package awssdk

import (
	"context"
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// API is what is called; [*sqs.Client] has it.
type API interface {
	SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

var _ API = (*sqs.Client)(nil)

// NewClient makes an SDK client for many concurrent senders from a loaded configuration: its pool keeps 256 connections
// (the SDK's own keeps 10), idle ones end before the service ends them, and connecting takes at most 5 s. Certificates
// and proxies of cfg hold; an HTTP client that is not the SDK's BuildableClient is used as it is. Credentials are cached, and
// those that the service refuses are loaded again. Further options are applied last.
func NewClient(cfg aws.Config, opts ...func(*sqs.Options)) *sqstransport.Client {
	cfg = cfg.Copy()
	cfg.HTTPClient = awserr.Pooled(cfg.HTTPClient)
	cfg.Credentials = awserr.Cached(cfg.Credentials)
	return Wrap(sqs.NewFromConfig(cfg, append([]func(*sqs.Options){once}, opts...)...))
}

// Wrap uses a client that exists. For the calls of senders and settlers its retries and its check of digests are off:
// they judge every entry by themselves.
func Wrap(client API) *sqstransport.Client { return sqstransport.ClientOver(&queues{client: client}) }

// once takes the retries away: they would multiply with those of the client, and a token bucket that all calls share
// would stop them in an outage. It also takes away the SDK's check of digests, which fails a whole batch for one entry,
// and cannot read an answer whose entries have no id; the Sender checks them itself.
func once(o *sqs.Options) {
	o.Retryer = aws.NopRetryer{}
	o.RetryMaxAttempts = 0
	o.DisableMessageChecksumValidation = true
}

// watched is the options function of one call: whatever client the caller gave, it makes one attempt and is watched.
func (q *queues) watched(call *awserr.Call) func(*sqs.Options) {
	return func(o *sqs.Options) {
		once(o)
		o.HTTPClient, o.Credentials = call.Watch(o.HTTPClient), q.keys.Lend(o.Credentials, call)
	}
}

type queues struct {
	client API
	keys   awserr.Keys
}

var errNoAnswer = errors.New("the client gave neither an answer nor an error")

// Facts implements api.Queues.
func (q *queues) Facts() api.Facts {
	if q.client == nil {
		return api.Facts{Problem: errors.New("the client is nil: pass awssdk.NewClient(cfg)")}
	}
	if client, ok := q.client.(interface{ Options() sqs.Options }); ok {
		o := client.Options()
		return api.Facts{Region: o.Region, Endpoint: aws.ToString(o.BaseEndpoint)}
	}
	return api.Facts{}
}

// SendMessageBatch implements api.Queues.
func (q *queues) SendMessageBatch(ctx context.Context, queueURL string, messages []api.Message, call *awserr.Call) (api.Answer, error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &queueURL, Entries: make([]types.SendMessageBatchRequestEntry, len(messages))}
	for i, m := range messages {
		in.Entries[i] = types.SendMessageBatchRequestEntry{
			Id:                aws.String(strconv.Itoa(i)),
			MessageBody:       aws.String(string(m.Body)),
			DelaySeconds:      m.Delay,
			MessageAttributes: attributes(m.Attributes),
		}
		if m.Trace != "" {
			in.Entries[i].MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
				api.TraceAttribute: {DataType: aws.String("String"), StringValue: aws.String(m.Trace)},
			}
		}
	}
	out, err := q.client.SendMessageBatch(ctx, in, q.watched(call))
	if err == nil && out == nil {
		err = errNoAnswer
	}
	if err != nil {
		return api.Answer{}, err
	}
	a := api.Answer{Failed: failures(out.Failed)}
	for _, s := range out.Successful {
		a.Successful = append(a.Successful, api.Success{ID: aws.ToString(s.Id), MessageID: aws.ToString(s.MessageId), Digest: api.NewDigest(aws.ToString(s.MD5OfMessageBody))})
	}
	return a, nil
}

// ChangeMessageVisibilityBatch implements api.Queues.
func (q *queues) ChangeMessageVisibilityBatch(ctx context.Context, queueURL string, changes []api.Visibility, call *awserr.Call) (api.Answer, error) {
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &queueURL, Entries: make([]types.ChangeMessageVisibilityBatchRequestEntry, len(changes))}
	for i, v := range changes {
		in.Entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id:                aws.String(strconv.Itoa(i)),
			ReceiptHandle:     aws.String(v.Receipt),
			VisibilityTimeout: v.Timeout,
		}
	}
	out, err := q.client.ChangeMessageVisibilityBatch(ctx, in, q.watched(call))
	if err == nil && out == nil {
		err = errNoAnswer
	}
	if err != nil {
		return api.Answer{}, err
	}
	a := api.Answer{Failed: failures(out.Failed)}
	for _, s := range out.Successful {
		a.Successful = append(a.Successful, api.Success{ID: aws.ToString(s.Id)})
	}
	return a, nil
}

func attributes(all []api.Attribute) map[string]types.MessageAttributeValue {
	if len(all) == 0 {
		return nil
	}
	m := make(map[string]types.MessageAttributeValue, len(all))
	for _, a := range all {
		m[a.Name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(a.Value)}
	}
	return m
}

func failures(failed []types.BatchResultErrorEntry) (all []api.Failure) {
	for _, f := range failed {
		all = append(all, api.Failure{ID: aws.ToString(f.Id), Code: aws.ToString(f.Code), Message: aws.ToString(f.Message), SenderFault: f.SenderFault})
	}
	return all
}
