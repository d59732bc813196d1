package sqstransport

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

const (
	hintQueue = "check the queue URL, its region and its account, and that the queue exists"
	hintFIFO  = "check the kind of the queue: this needs a standard queue"
)

// codes are the error codes of Amazon SQS itself; those that all services share are in awserr.
var codes = awserr.Table{
	"QueueDoesNotExist":    {Kind: transport.Misconfigured, Hint: hintQueue},
	"NonExistentQueue":     {Kind: transport.Misconfigured, Hint: hintQueue},
	"QueueDeletedRecently": {Kind: transport.Misconfigured, Hint: hintQueue + "; a name is free again 60 s after its deletion"},
	"InvalidAddress":       {Kind: transport.Misconfigured, Hint: hintQueue},
	"ResourceNotFound":     {Kind: transport.Misconfigured, Hint: hintQueue},
	"UnsupportedOperation": {Kind: transport.Misconfigured, Hint: hintFIFO},
	"MissingParameter":     {Kind: transport.Misconfigured, Hint: hintFIFO},

	"OverLimit":           {Kind: transport.Throttled, Hint: "the queue has its maximum of messages in flight"},
	"MessageNotInflight":  {Kind: transport.Invalid, Hint: "the message is not in flight any more: another receive will have it"},
	"InvalidMessageMoved": {Kind: transport.Invalid},

	"InvalidMessageContents":       {Kind: transport.Invalid, Hint: "the body holds a character that Amazon SQS does not take"},
	"InvalidParameterValue":        {Kind: transport.Invalid, Hint: "check the size limit of the queue, and the delay"},
	"InvalidAttributeName":         {Kind: transport.Invalid},
	"InvalidAttributeValue":        {Kind: transport.Invalid},
	"MessageTooLong":               {Kind: transport.Invalid, Hint: "check the size limit of the queue"},
	"BatchRequestTooLong":          {Kind: transport.Invalid, Hint: "check the size limit of the queue"},
	"TooManyEntriesInBatchRequest": {Kind: transport.Invalid},
	"EmptyBatchRequest":            {Kind: transport.Invalid},
	"BatchEntryIdsNotDistinct":     {Kind: transport.Invalid},
	"InvalidBatchEntryId":          {Kind: transport.Invalid},
	"ReceiptHandleIsInvalid":       {Kind: transport.Invalid, Hint: "the message was received again or deleted since"},
	"InvalidIdFormat":              {Kind: transport.Invalid, Hint: "the receipt handle is not valid"},
}

// entryRule says what the code of one failed entry means. The service says whose fault it is; where it is not the
// sender's, the entry may succeed next time, unless the code says better.
func entryRule(code string, senderFault bool) awserr.Rule {
	rule, known := codes.Rule(code)
	switch {
	case known && (senderFault || rule.Kind != transport.Invalid):
		return rule
	case senderFault:
		return awserr.Rule{Kind: transport.Invalid}
	}
	return awserr.Rule{Kind: transport.Transient}
}

// withRegions adds to the hint what the queue URL and the client say about the region, if they differ.
func withRegions(e *transport.Error, queueURL string, facts api.Facts) *transport.Error {
	region := regionOf(queueURL)
	if e.Kind != transport.Misconfigured || facts.Endpoint != "" || region == "" || facts.Region == "" || region == facts.Region {
		return e
	}
	e.Hint = strings.TrimPrefix(e.Hint+"; ", "; ") + fmt.Sprintf("the queue is in %s, but the client is set to %s", region, facts.Region)
	return e
}

// regionOf reads the region of an AWS queue URL, "" if it names none: sqs.REGION.amazonaws.com, and the older
// REGION.queue.amazonaws.com and queue.amazonaws.com. ("Amazon SQS endpoints and quotas", AWS General Reference.)
func regionOf(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return ""
	}
	host, domain, found := strings.Cut(u.Hostname(), ".amazonaws.com")
	if !found || domain != "" && domain != ".cn" {
		return ""
	}
	if host == "queue" {
		return "us-east-1"
	}
	if region, ok := strings.CutSuffix(host, ".queue"); ok {
		return region
	}
	for _, prefix := range []string{"sqs.", "sqs-fips."} {
		if region, ok := strings.CutPrefix(host, prefix); ok {
			return region
		}
	}
	return ""
}
