// Package sqstransport carries envelopes over Amazon SQS, and settles what a queue delivered.
//
// [Sender] packs envelopes into SendMessageBatch requests and judges every entry by itself; [Settler] changes the
// visibility of failed deliveries and stores dead letters. Both make one attempt: retries are the client's and the
// worker's. [NewClient] makes an SDK client whose connection pool is made for that.
//
// The numbers and rules come from the Amazon SQS API Reference (SendMessageBatch, ChangeMessageVisibilityBatch) and
// from "Amazon SQS message quotas" in its Developer Guide.
package sqstransport
