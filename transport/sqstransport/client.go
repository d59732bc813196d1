package sqstransport

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/internal/awserr"
)

// API is what a [Sender] calls; [*sqs.Client] has it.
type API interface {
	SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// SettlerAPI is what a [Settler] calls; [*sqs.Client] has it.
type SettlerAPI interface {
	API
	ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

var _ SettlerAPI = (*sqs.Client)(nil)

// NewClient makes a client for many concurrent senders from a loaded configuration: its pool keeps 256 connections (the
// SDK's own keeps 10), idle ones end before the service ends them, connecting takes at most 5 s, and the SDK itself
// retries nothing. Certificates and proxies of cfg hold; an HTTP client that is not the SDK's BuildableClient is used as
// it is. Further options are applied last.
func NewClient(cfg aws.Config, opts ...func(*sqs.Options)) *sqs.Client {
	cfg = cfg.Copy()
	cfg.HTTPClient = awserr.Pooled(cfg.HTTPClient)
	return sqs.NewFromConfig(cfg, append([]func(*sqs.Options){once}, opts...)...)
}

// once takes the retries away: they would multiply with those of the client, and a token bucket that all calls share
// would stop them in an outage. It also takes away the SDK's check of digests, which fails a whole batch for one entry,
// and cannot read an answer whose entries have no id; the Sender checks them itself.
func once(o *sqs.Options) {
	o.Retryer = aws.NopRetryer{}
	o.RetryMaxAttempts = 0
	o.DisableMessageChecksumValidation = true
}

// watched is the options function of one call: whatever client the caller gave, it makes one attempt and is watched.
func watched(call *awserr.Call) func(*sqs.Options) {
	return func(o *sqs.Options) {
		once(o)
		o.HTTPClient = call.Watch(o.HTTPClient, o.Credentials)
	}
}

// configured is what can be known of an API that is an SDK client.
type configured struct{ endpoint, region string }

func inspect(api API) configured {
	var c configured
	if client, ok := api.(interface{ Options() sqs.Options }); ok {
		o := client.Options()
		c.region = o.Region
		c.endpoint = aws.ToString(o.BaseEndpoint)
	}
	return c
}
