package sqstransport

import (
	"crypto/fips140"
	"crypto/md5" //nolint:gosec // the digest of the SQS protocol, no secret hangs on it
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

var (
	errDigest        = errors.New("the digest of the answer is not that of the body")
	errContradiction = errors.New("the answer names the entry both successful and failed")
)

// read takes the answer to a request apart: one result for each message, whatever the answer holds. Ids that were not sent
// and repeated ids are ignored; a message that is nowhere, or in both lists, is Unknown.
func read(target string, answer api.Answer, messages []api.Message, put func(i int, r transport.Result)) {
	unknown := func(i int, err error) { put(i, transport.Result{Err: &transport.Error{Target: target, Err: err}}) }
	var accepted, seen [maxEntries]bool
	for _, success := range answer.Successful {
		i, ok := index(success.ID, len(messages))
		if !ok || seen[i] {
			continue
		}
		seen[i] = true
		if !isDigest(success.Digest, messages[i].Body) {
			unknown(i, errDigest)
			continue
		}
		accepted[i] = true
		put(i, transport.Result{Outcome: transport.Accepted, MessageID: success.MessageID})
	}
	for _, failure := range answer.Failed {
		i, ok := index(failure.ID, len(messages))
		switch {
		case !ok:
		case !seen[i]:
			seen[i] = true
			put(i, transport.Result{Outcome: transport.Rejected, Err: entryError(target, failure)})
		case accepted[i]:
			accepted[i] = false
			unknown(i, errContradiction)
		}
	}
	for i := range messages {
		if !seen[i] {
			unknown(i, transport.ErrNoResult)
		}
	}
}

func entryError(target string, failure api.Failure) *transport.Error {
	rule := entryRule(failure.Code, failure.SenderFault)
	message := failure.Message
	if message == "" {
		message = "the service gave no message"
	}
	return &transport.Error{Kind: rule.Kind, Code: failure.Code, Target: target, Hint: rule.Hint, Err: errors.New(message)}
}

// index reads an entry's id, which is its place in the request.
func index(id string, n int) (int, bool) {
	i, err := strconv.Atoi(id)
	if err != nil || i < 0 || i >= n || strconv.Itoa(i) != id {
		return 0, false
	}
	return i, true
}

// isDigest reports that text is the MD5 of body in hexadecimal. A program that allows approved algorithms only would
// panic here, when the queue has the task already ("FIPS 140-3 Compliance", GODEBUG=fips140=only): this is a checksum.
func isDigest(text api.Digest, body []byte) bool {
	var sum [md5.Size]byte
	fips140.WithoutEnforcement(func() { sum = md5.Sum(body) }) //nolint:gosec // see the import
	var want api.Digest
	hex.Encode(want[:], sum[:])
	return text == want
}

// missing is the error of an entry that an answer does not name.
func missing(target string) error {
	return &transport.Error{Target: target, Err: fmt.Errorf("the answer does not name the entry: %w", transport.ErrNoResult)}
}
