// Package sqstransport carries envelopes over Amazon SQS, and settles what a queue delivered.
//
// [Sender] packs envelopes into SendMessageBatch requests and judges every entry by itself; [Settler] changes the
// visibility of failed deliveries and stores dead letters. Both make one attempt: retries are the client's and the
// worker's.
//
// [NewClient] makes what both call Amazon SQS with. It encodes requests itself (AWS JSON 1.0), and takes signatures,
// credentials, regions, endpoints and the connection pool from the core of the AWS SDK: package service/sqs is not
// linked. Package awssdk, below this one, has a client over service/sqs for those who need what only that can do.
// In a Lambda function [LambdaConfig] saves linking the SDK's config package too.
//
// The numbers and rules come from the Amazon SQS API Reference (SendMessageBatch, ChangeMessageVisibilityBatch) and
// from "Amazon SQS message quotas" in its Developer Guide.
package sqstransport
