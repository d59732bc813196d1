// Package storetest is the conformance suite every claimcheck.Store passes.
//
// A store's test calls [Stores] with a harness: how to make an empty store, and, if it can, how to break it. The suite holds
// the sentences of claimcheck.Store against the store. It is itself tested with stores that are broken in one way each.
package storetest

import (
	"context"
	"testing"

	"github.com/offloadhq/offload/transport/claimcheck"
)

// Target is a store, empty at first.
type Target struct {
	Store claimcheck.Store
	// Again returns another store of the same place, as another process has it. Nil: Store itself stands for it.
	Again func() claimcheck.Store
	// Break makes the place unreachable from now on. Nil: tests that need it are left out.
	Break func()
	// Count returns how many payloads the place holds. Nil: they are counted by what can be got.
	Count func() int
}

// Stores runs the suite. make is called for each check, and registers its own cleaning up with tb.
func Stores(t *testing.T, make func(tb testing.TB) Target) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			target := filled(make(t))
			if c.breaks && target.Break == nil {
				t.Log("left out: this store cannot be broken")
				return
			}
			if err := c.run(t.Context(), target); err != nil {
				t.Error(err)
			}
		})
	}
}

func filled(t Target) Target {
	if t.Again == nil {
		t.Again = func() claimcheck.Store { return t.Store }
	}
	return t
}

// check is one test: it returns what is wrong.
type check struct {
	name   string
	run    func(ctx context.Context, t Target) error
	breaks bool // needs Target.Break
}

var checks = []check{
	{"WhatIsPutIsGot", whatIsPutIsGot, false},
	{"NothingThereIsNotFound", nothingThere, false},
	{"PutAgainChangesNothing", putAgain, false},
	{"KeysAreApart", keysAreApart, false},
	{"BodyIsTheCallers", bodyIsTheCallers, false},
	{"PutsAndGetsAtOnce", putsAndGets, false},
	{"G4_OtherKeysAreRefused", otherKeys, false},
	{"EndedContextStoresNothing", endedContext, false},
	{"EndOfContextEndsTheReading", endOfReading, false},
	{"TargetIsNamed", targetIsNamed, false},
	{"BrokenStoreIsNotEmpty", brokenStore, true},
}
