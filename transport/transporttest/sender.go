package transporttest

import (
	"testing"
	"time"

	"github.com/offloadhq/offload/transport"
)

// SenderHarness tells the suite how to make what it tests.
type SenderHarness struct {
	// Make returns a fresh sender with an empty destination, and registers its own cleaning up with tb. Required.
	Make func(tb testing.TB) Destination
	// Run runs each test of the suite; synctest.Test lets it run on virtual time. Default t.Run's own way.
	Run func(t *testing.T, test func(t *testing.T))
}

// Destination is a sender and the place where it sends to. The functions that break something are optional; tests that
// need a missing one are left out, and the log says so.
type Destination struct {
	Sender transport.Sender
	// Arrived returns what was stored since the last call, with every copy, in any order, also what is still delayed.
	// Required.
	Arrived func() []Arrival
	// TooBig is a number of bytes that no body may have. 0: there is none.
	TooBig int
	// Resolution is what delays are rounded up to. 0: they are exact.
	Resolution time.Duration
	// MaxWait is the longest delay that the suite sends, because Arrived waits it out. 0: the longest of the sender, for
	// harnesses that need no real time for it.
	MaxWait time.Duration

	// LoseAnswer lets the next request be stored and its answer be lost.
	LoseAnswer func()
	// Refuse lets the next request be refused, with nothing stored, for a reason that passes.
	Refuse func()
	// Hold lets requests from now on get no answer until release is called.
	Hold func() (release func())
}

// Arrival is one stored copy of an envelope.
type Arrival struct {
	Body  []byte
	Delay time.Duration // how long it was, or is, held back
}

// Senders runs the suite: see [transport.Sender] for what it asks for.
func Senders(t *testing.T, h SenderHarness) {
	t.Helper()
	for _, c := range senderChecks {
		t.Run(c.name, func(t *testing.T) {
			run(t, h.Run, func(t *testing.T) {
				d := h.Make(t)
				if missing := c.needs(d); missing != "" {
					t.Logf("left out: this %s", missing)
					return
				}
				c.run(t, d)
			})
		})
	}
}

func run(t *testing.T, how func(*testing.T, func(*testing.T)), test func(*testing.T)) {
	t.Helper()
	if how == nil {
		test(t)
		return
	}
	how(t, test)
}

// senderCheck is one test. needs names what d lacks for it, "" if nothing.
type senderCheck struct {
	name  string
	needs func(d Destination) string
	run   func(tb testing.TB, d Destination)
}

func nothing(Destination) string { return "" }

func aDelay(d Destination) string {
	if d.Sender.Limits().MaxDelay == 0 {
		return "sender takes no delay"
	}
	return ""
}

func aByteLimit(d Destination) string {
	if d.Sender.Limits().MessageBytes == 0 {
		return "sender has no limit of bytes"
	}
	return ""
}

func aPromise(d Destination) string {
	if _, ok := d.Sender.(transport.Forgetful); !ok {
		return "sender is not Forgetful"
	}
	return ""
}

func aLostAnswer(d Destination) string {
	if d.LoseAnswer == nil {
		return "harness loses no answers"
	}
	return ""
}

func aRefusal(d Destination) string {
	if d.Refuse == nil {
		return "harness refuses nothing"
	}
	return ""
}

func aHold(d Destination) string {
	if d.Hold == nil {
		return "harness holds nothing"
	}
	return ""
}

var senderChecks = []senderCheck{
	{"LimitsAreSane", nothing, limitsAreSane},
	{"OneArrives", nothing, oneArrives},
	{"NothingIsSentForNothing", nothing, nothingIsSent},
	{"AnyNumberArrives", nothing, anyNumberArrives},
	{"BigBatchesArrive", aByteLimit, bigBatchesArrive},
	{"LargestBodyArrives", aByteLimit, largestBodyArrives},
	{"EveryCharacterArrives", nothing, everyCharacterArrives},
	{"DelayIsKept", aDelay, delayIsKept},
	{"DelayCountsFromTheFiring", aDelay, delayCounts},
	{"DelayBeyondTheLimitIsRejected", nothing, longDelayIsRejected},
	{"OneBadEntryHarmsNoOther", nothing, oneBadEntry},
	{"BatchIsTheCallers", nothing, batchIsTheCallers},
	{"ForgetfulSenderForgets", aPromise, forgets},
	{"ConcurrentSendsArrive", nothing, concurrentSends},
	{"EndedContextSendsNothing", nothing, endedContext},
	{"ContextEndsTheWait", aHold, contextEndsTheWait},
	{"LostAnswerIsUnknown", aLostAnswer, lostAnswer},
	{"RefusedRequestIsRejected", aRefusal, refusedRequest},
}
