package sqs

import (
	"crypto/md5"
	"encoding/hex"
	"time"
	"unicode/utf8"
)

// The limits of one message.
// Source: Amazon SQS API Reference, SendMessage; Developer Guide, message quotas.
const (
	maxDelay       = 900 * time.Second
	maxMessageSize = 1 << 20
	maxGroupLength = 128
)

// Outgoing is a message to send.
type Outgoing struct {
	// Body is 1 byte to 1 MiB of text, of the characters #x9, #xA, #xD, #x20 to
	// #xD7FF, #xE000 to #xFFFD and #x10000 to #x10FFFF.
	Body string
	// Delay hides the message at first, for 0 to 15 minutes. Nil is the delay
	// of the queue; zero is none.
	Delay *time.Duration
	// Attributes are at most 10; their names, types and values count as size.
	Attributes map[string]MessageAttribute
	// TraceHeader is the X-Ray header, or "". It does not count as size.
	TraceHeader string
	// GroupID is the message group (fair queues), or "". It changes nothing in
	// the order of a standard queue here; receivers see it.
	GroupID string
}

// parcel is a message that was checked and measured: all of its content that
// does not depend on the queue. The work is done before the owner is asked.
type parcel struct {
	body       string
	bodyMD5    string
	attributes map[string]MessageAttribute
	trace      string
	group      string
	delay      *time.Duration
	size       int
}

// checkShape finds the faults for which SQS refuses a whole batch.
func (o Outgoing) checkShape() error {
	if o.Body == "" {
		return missing("MessageBody")
	}
	return checkAttributes(o.Attributes)
}

// pack checks a message of the right shape and measures it. For an error here
// the message fails alone in a batch.
func (o Outgoing) pack() (parcel, error) {
	if o.Delay != nil && (*o.Delay < 0 || *o.Delay > maxDelay) {
		return parcel{}, newError(codeInvalidParameterValue,
			"Value %s for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", seconds(*o.Delay))
	}
	if err := checkGroup(o.GroupID); err != nil {
		return parcel{}, err
	}
	if !legal(o.Body) {
		return parcel{}, newError(codeInvalidMessageContents,
			"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	return parcel{
		body: o.Body, bodyMD5: hexMD5(o.Body), attributes: o.Attributes,
		trace: o.TraceHeader, group: o.GroupID, delay: o.Delay, size: o.size(),
	}, nil
}

// traced gives a message without an X-Ray header of its own that of its request
// (AWS X-Ray Developer Guide, "Amazon SQS and AWS X-Ray": either may carry it).
func (p parcel) traced(request string) parcel {
	if p.trace == "" && legal(request) {
		p.trace = request
	}
	return p
}

// size is what counts against the size limits: body, and names, types and
// values of attributes.
func (o Outgoing) size() int {
	n := len(o.Body)
	for name, a := range o.Attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// legal reports whether SQS takes the text: valid UTF-8 of allowed characters.
func legal(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
			return false
		}
		i += size
	}
	return true
}

func checkGroup(id string) error {
	if len(id) > maxGroupLength {
		return groupError(id)
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return groupError(id)
		}
	}
	return nil
}

func groupError(id string) error {
	return newError(codeInvalidParameterValue,
		"Value %s for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.", id)
}

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
