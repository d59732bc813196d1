package transport

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Codes of a [Reason].
const (
	ReasonPermanent = "permanent"       // the handler said that no retry will help, or the arguments do not decode
	ReasonExhausted = "exhausted"       // the last attempt failed
	ReasonUnknown   = "unknown-name"    // no handler has the task's name, to the end
	ReasonMalformed = "malformed"       // the body is no envelope
	ReasonNewer     = "newer"           // the envelope needs a newer worker, to the end
	ReasonExpired   = "expired"         // it was too late to start
	ReasonMissing   = "payload-missing" // its payload is not in the store (package claimcheck)
)

// Reason is why a delivery became a dead letter.
type Reason struct {
	Code    string // one of the Reason… codes
	Message string // the error
	Stack   string // the stack of a panic, "" otherwise
	TaskID  string // "" if the body could not be read
	Name    string // "" if the body could not be read
	Attempt int    // the attempt that failed last
	Source  string // the queue it came from, "" for a direct invocation
}

// MaxReasonBytes bounds what [Reason.Attributes] returns: names, values and types of all attributes together, as
// Amazon SQS counts them. Senders keep this much room free in every message, so that each task fits the dead-letter
// queue with its reason.
const MaxReasonBytes = 8 << 10

// attributeOverhead is what a queue counts besides name and value: the type "String".
const attributeOverhead = len("String")

// Attributes returns the reason as message attributes: Offload.Reason, .Message, .Stack, .TaskId, .Name, .Attempt and
// .Source. Values hold printable characters that every queue takes (others are escaped as \u{hex}), are never empty, and
// stay within [MaxReasonBytes] in all: long messages and stacks are cut and end in "…".
func (r Reason) Attributes() map[string]string {
	m := map[string]string{}
	room := MaxReasonBytes
	put := func(name, value string, limit int) {
		if value == "" {
			return
		}
		name = "Offload." + name
		value = clip(escape(value), min(limit, room-len(name)-attributeOverhead))
		if value == "" {
			return
		}
		m[name] = value
		room -= len(name) + len(value) + attributeOverhead
	}
	code := r.Code
	if code == "" {
		code = ReasonExhausted
	}
	put("Reason", code, 64)
	put("TaskId", r.TaskID, 64)
	put("Name", r.Name, 256)
	put("Attempt", strconv.Itoa(r.Attempt), 16)
	put("Source", r.Source, 512)
	put("Message", r.Message, 2<<10)
	put("Stack", r.Stack, MaxReasonBytes)
	return m
}

// escape keeps printable text, tabs and line ends, and writes everything else as \u{hex}, a byte that is no UTF-8 as
// \x{hex}.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x{%02x}`, s[i])
		case r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r < 0x7f || r >= 0xa0 && r <= 0xfffd || r >= 0x10000:
			b.WriteString(s[i : i+n])
		default:
			fmt.Fprintf(&b, `\u{%04x}`, r)
		}
		i += n
	}
	return b.String()
}

// clip cuts s to at most n bytes, at the start of a character, and marks the cut.
func clip(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	n -= len(mark)
	if n <= 0 {
		return ""
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}
