package sqstransport

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// Client calls Amazon SQS for senders and settlers. Share one: its connection pool serves them all. It is safe for
// concurrent use.
type Client struct {
	queues api.Queues
}

// NewClient makes a client from a loaded configuration. It encodes and signs requests itself, on net/http and the SDK's
// signer: a request costs a fraction of the CPU of the SDK's client, and a program with it does not link package
// service/sqs. Region, endpoint (AWS_ENDPOINT_URL, FIPS and dual-stack among it), credentials, certificates, proxies,
// AppID and the correction of the clock are those of cfg, by the SDK's rules; credentials are cached, and those that the service
// refuses are loaded again. An HTTP client in cfg that is not the SDK's BuildableClient is used as it is; else requests go over
// HTTP/1.1, and no redirect is followed.
//
// The pool keeps 256 connections (the SDK's own keeps 10), idle ones end before the service ends them, and connecting
// takes at most 5 s. Nothing is retried. NewClient makes no request. What cannot work is an error of [New] and [NewSettler]:
// no region, no credentials, and what runs in clients of the SDK only (APIOptions, Interceptors, ServiceOptions, an
// EndpointResolver), for which there is package awssdk.
func NewClient(cfg aws.Config) *Client { return &Client{queues: newLean(cfg)} }

// ClientOver makes a client over another implementation. Package awssdk calls it.
func ClientOver(q api.Queues) *Client { return &Client{queues: q} }

// actions maps operations to the IAM actions that allow them (Service Authorization Reference, "Actions, resources, and
// condition keys for Amazon SQS": batches have no action of their own).
var actions = map[string]string{
	api.SendMessageBatch:             "sqs:SendMessage",
	api.ChangeMessageVisibilityBatch: "sqs:ChangeMessageVisibility",
}

// Actions returns every operation of Amazon SQS that this package calls, and the IAM action that it needs: a [Sender]
// and the dead letters of a [Settler] need sqs:SendMessage on the queue that they go to, retries of a Settler
// sqs:ChangeMessageVisibility on the queue that they came from. The map is the caller's.
func Actions() map[string]string { return maps.Clone(actions) }
