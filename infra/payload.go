package infra

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// PayloadsPrefix is where the rules look for payloads in their bucket: s3store.DefaultPrefix.
const PayloadsPrefix = "payloads/"

const pageExpiry = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html"

var payloadRules = []Rule{
	{
		ID: "G1-expiry", Severity: Warning,
		Title: "the bucket of payloads removes them by age",
		Why:   "Nobody else does: a payload whose message was never sent, or has long been worked on, is paid for, and kept, for ever.",
		Fix:   "give the bucket a lifecycle rule with ExpirationInDays for payloads/, or for all of it",
		Page:  pageExpiry, check: checkExpiry,
	},
	{
		ID: "G2-lifetime", Severity: Error,
		Title: "payloads outlive the messages that name them: in a queue, among the dead letters, and both again after a replay",
		Why:   "A task that waits, or a dead letter that is replayed, finds its payload gone, and can never run.",
		Fix:   "raise ExpirationInDays to twice the retention of the queue and of its dead-letter queue together: 36 days for 4 and 14",
		Page:  pageExpiry, check: checkLifetime,
	},
}

// checkPayloads makes the check of a rule about the bucket of payloads, if there is one.
func checkPayloads(check func(*run, *Bucket)) func(*run) {
	return func(r *run) {
		if !r.known("Outputs", "Buckets") {
			return
		}
		if b := r.payloadsBucket(); b != nil && r.known("Buckets."+b.ID+".Expirations") {
			check(r, b)
		}
	}
}

var checkExpiry = checkPayloads(func(r *run, b *Bucket) {
	removes := func(e Expiration) bool { return !e.Some && strings.HasPrefix(PayloadsPrefix, e.Prefix) }
	if !slices.ContainsFunc(b.Expirations, removes) {
		r.found(b, "Expirations", "nothing removes payloads by their age")
	}
})

var checkLifetime = checkPayloads(func(r *run, b *Bucket) {
	if !r.known(append(r.destinationPaths(), paths("Queues", r.Queues, "Retention")...)...) {
		return
	}
	least := r.payloadDays()
	for _, e := range b.Expirations {
		concerns := strings.HasPrefix(PayloadsPrefix, e.Prefix) || strings.HasPrefix(e.Prefix, PayloadsPrefix)
		if concerns && e.Days < least {
			r.found(b, "Expirations", "payloads are removed after %d days, and a message may name one for %d", e.Days, least)
			return
		}
	}
})

// payloadDays gives how long a message may name a payload, in whole days: in its queue, among its dead letters, and as long again after
// a replay.
func (s *Stack) payloadDays() int {
	var most time.Duration
	for i := range s.Queues {
		q := &s.Queues[i]
		if s.IsDeadLetterQueue(q) {
			continue
		}
		once := q.Retention
		if letters := s.Queue(q.DeadLetterARN); letters != nil {
			once += letters.Retention
		}
		most = max(most, 2*once)
	}
	return int((most + day - 1) / day)
}

// SortExpirations puts expirations into the order of the model.
func SortExpirations(list []Expiration) {
	slices.SortFunc(list, func(a, b Expiration) int { return cmp.Or(cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.Days, b.Days)) })
}
