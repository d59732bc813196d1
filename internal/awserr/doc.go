// Package awserr judges what one call to an AWS service said, or failed to say.
//
// The drivers of Amazon SQS and AWS Lambda share it: the three outcomes, the table of error codes that any service may
// answer with, what the network tells, and the HTTP client whose pool fits many senders. Codes of one service live in
// its driver. Nothing here retries.
package awserr
