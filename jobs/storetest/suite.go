package storetest

import (
	"context"
	"testing"

	"github.com/offloadhq/offload/jobs"
)

// Target is a store, empty at first, and the view of its readers.
type Target struct {
	Store jobs.Store
	// Objects returns what a reader sees now: each object by its key. Required. It may be called while a Put runs.
	Objects func() (map[string]string, error)
	// Big is a number of bytes that the store does not write in one piece. Default 300,000.
	Big int
}

// Stores runs the suite. make is called for each check, and registers its own cleaning up with tb.
func Stores(t *testing.T, make func(tb testing.TB) Target) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if err := c.run(t.Context(), filled(make(t))); err != nil {
				t.Error(err)
			}
		})
	}
}

func filled(target Target) Target {
	if target.Big == 0 {
		target.Big = 300_000
	}
	return target
}

// check is one test: it returns what is wrong.
type check struct {
	name string
	run  func(ctx context.Context, t Target) error
}

var checks = []check{
	{"PutReplaces", putReplaces},
	{"SourceIsReadOnceToItsEnd", readsOnce},
	{"FailureOfTheSourceLeavesTheOldObject", failureOfTheSource},
	{"PanicOfTheSourceLeavesTheOldObject", panicOfTheSource},
	{"EndedContextLeavesTheOldObject", endedContext},
	{"NothingIsSeenBeforeTheEnd", nothingBeforeTheEnd},
	{"PutsAtOnceDoNotMix", putsAtOnce},
	{"BadKeyIsPermanent", badKeys},
}
