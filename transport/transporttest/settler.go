package transporttest

import (
	"testing"
	"time"

	"github.com/offloadhq/offload/transport"
)

// SettlerHarness tells the suite how to make what it tests.
type SettlerHarness struct {
	// Make returns a fresh settler with an empty queue, and registers its own cleaning up with tb. Required.
	Make func(tb testing.TB) Source
	// Run runs each test of the suite; synctest.Test lets it run on virtual time. Default t.Run's own way.
	Run func(t *testing.T, test func(t *testing.T))
}

// Source is a settler and the queue whose deliveries it settles. The queue's visibility timeout is a minute or more.
type Source struct {
	Settler transport.Settler
	// Deliver sends the bodies and receives them: one delivery for each, in order. Required.
	Deliver func(bodies ...[]byte) []transport.Delivery
	// Receive waits up to wait for a delivery and returns what is visible then, nil if there is nothing. Required.
	Receive func(wait time.Duration) []transport.Delivery
	// DeadLetters returns the dead letters stored since the last call, in any order. Required.
	DeadLetters func() []DeadLetter
	// Resolution is what waits are rounded up to. 0: they are exact.
	Resolution time.Duration
	// BreakDeadLetters lets the place of the dead letters refuse everything from now on. Optional: without it the test
	// is left out, and the log says so.
	BreakDeadLetters func()
}

// DeadLetter is one stored dead letter. The attributes are those of [transport.Reason.Attributes]; a settler that
// stores the Reason itself returns its attributes here.
type DeadLetter struct {
	Body       []byte
	Attributes map[string]string
}

// Settlers runs the suite: see [transport.Settler] for what it asks for. One test waits for about two seconds, of
// whatever time Run makes.
func Settlers(t *testing.T, h SettlerHarness) {
	t.Helper()
	for _, c := range settlerChecks {
		t.Run(c.name, func(t *testing.T) {
			run(t, h.Run, func(t *testing.T) {
				s := h.Make(t)
				if c.breaks && s.BreakDeadLetters == nil {
					t.Log("left out: this harness breaks nothing")
					return
				}
				c.run(t, s)
			})
		})
	}
}

type settlerCheck struct {
	name   string
	breaks bool
	run    func(tb testing.TB, s Source)
}

var settlerChecks = []settlerCheck{
	{"NothingToSettle", false, nothingToSettle},
	{"RetryComesBackAfterItsWait", false, retryWaits},
	{"RetryOfMany", false, retryMany},
	{"RetryOfOneThatIsGoneHarmsNoOther", false, retryGone},
	{"RetryOfADirectInvocationIsAnError", false, retryDirect},
	{"RetryOfAnUnknownSourceIsAnError", false, retryForeign},
	{"RetryWithAnEndedContextIsAnError", false, retryEnded},
	{"DeadLetterIsStoredWithItsReason", false, deadLetterStored},
	{"DeadLetterOfEveryCharacter", false, deadLetterCharacters},
	{"DeadLettersOfAnySize", false, deadLettersOfAnySize},
	{"DeadLetterOfADirectInvocation", false, deadLetterDirect},
	{"DeadLetterAcknowledgesNothing", false, deadLetterAcknowledgesNothing},
	{"DeadLetterOfAnUnknownSourceIsAnError", false, deadLetterForeign},
	{"DeadLetterWithAnEndedContextIsAnError", false, deadLetterEnded},
	{"DeadLetterThatIsNotStoredIsAnError", true, deadLetterBroken},
}
