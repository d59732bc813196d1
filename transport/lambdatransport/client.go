package lambdatransport

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/offloadhq/offload/internal/awserr"
)

// API is what a [Sender] calls; [*lambda.Client] has it.
type API interface {
	Invoke(ctx context.Context, in *lambda.InvokeInput, opts ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

var _ API = (*lambda.Client)(nil)

// NewClient makes a client for many concurrent senders from a loaded configuration: its pool keeps 256 connections (the
// SDK's own keeps 10), idle ones end before the service ends them, connecting takes at most 5 s, and the SDK itself
// retries nothing. Certificates and proxies of cfg hold; an HTTP client that is not the SDK's BuildableClient is used as
// it is. Credentials are cached, and those that the service refuses are loaded again. Further options are applied last.
func NewClient(cfg aws.Config, opts ...func(*lambda.Options)) *lambda.Client {
	cfg = cfg.Copy()
	cfg.HTTPClient = awserr.Pooled(cfg.HTTPClient)
	cfg.Credentials = awserr.Cached(cfg.Credentials)
	return lambda.NewFromConfig(cfg, append([]func(*lambda.Options){once}, opts...)...)
}

// once takes the retries away: they would multiply with those of the client, and a token bucket that all calls share
// would stop them in an outage.
func once(o *lambda.Options) {
	o.Retryer = aws.NopRetryer{}
	o.RetryMaxAttempts = 0
}

// watched is the options function of one call: whatever client the caller gave, it makes one attempt and is watched.
func watched(call *awserr.Call, keys *awserr.Keys) func(*lambda.Options) {
	return func(o *lambda.Options) {
		once(o)
		o.HTTPClient, o.Credentials = call.Watch(o.HTTPClient), keys.Lend(o.Credentials, call)
	}
}

// endpointOf is the endpoint that an SDK client was given, "" if it uses that of its region.
func endpointOf(api API) string { return aws.ToString(optionsOf(api).BaseEndpoint) }

// regionOf is the region of an SDK client.
func regionOf(api API) string { return optionsOf(api).Region }

func optionsOf(api API) lambda.Options {
	if client, ok := api.(interface{ Options() lambda.Options }); ok {
		return client.Options()
	}
	return lambda.Options{}
}
