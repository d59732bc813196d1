package sqstransport

import (
	"crypto/md5" //nolint:gosec // the digest of the SQS protocol, no secret hangs on it
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/transport"
)

var (
	errDigest        = errors.New("the digest of the answer is not that of the body")
	errContradiction = errors.New("the answer names the entry both successful and failed")
)

// read takes the answer to a request apart: one result per entry, whatever the answer holds. Ids that were not sent and
// repeated ids are ignored; an entry that is nowhere, or in both lists, is Unknown.
func read(target string, out *sqs.SendMessageBatchOutput, entries []entry) []transport.Result {
	results := make([]transport.Result, len(entries))
	unknown := func(err error) transport.Result {
		return transport.Result{Err: &transport.Error{Target: target, Err: err}}
	}
	for i := range results {
		results[i] = unknown(transport.ErrNoResult)
	}
	if out == nil {
		return results
	}
	seen := make([]bool, len(entries))
	for _, success := range out.Successful {
		i, ok := index(success.Id, len(entries))
		if !ok || seen[i] {
			continue
		}
		seen[i] = true
		if aws.ToString(success.MD5OfMessageBody) != digest(entries[i].body) {
			results[i] = unknown(errDigest)
			continue
		}
		results[i] = transport.Result{Outcome: transport.Accepted, MessageID: aws.ToString(success.MessageId)}
	}
	for _, failure := range out.Failed {
		i, ok := index(failure.Id, len(entries))
		if !ok {
			continue
		}
		if seen[i] {
			if results[i].Outcome == transport.Accepted {
				results[i] = unknown(errContradiction)
			}
			continue
		}
		seen[i] = true
		results[i] = transport.Result{Outcome: transport.Rejected, Err: entryError(target, failure)}
	}
	return results
}

func entryError(target string, failure types.BatchResultErrorEntry) *transport.Error {
	code := aws.ToString(failure.Code)
	rule := entryRule(code, failure.SenderFault)
	message := aws.ToString(failure.Message)
	if message == "" {
		message = "the service gave no message"
	}
	return &transport.Error{Kind: rule.Kind, Code: code, Target: target, Hint: rule.Hint, Err: errors.New(message)}
}

// index reads an entry's id, which is its place in the request.
func index(id *string, n int) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	if err != nil || i < 0 || i >= n || strconv.Itoa(i) != *id {
		return 0, false
	}
	return i, true
}

func digest(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// missing is the error of an entry that an answer does not name.
func missing(target string) error {
	return &transport.Error{Target: target, Err: fmt.Errorf("the answer does not name the entry: %w", transport.ErrNoResult)}
}
