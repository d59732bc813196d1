package transport_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/offloadhq/offload/transport"
)

func TestB8_MissingResultIsUnknown(t *testing.T) {
	bad := errors.New("bad")
	results := []transport.Result{
		{Outcome: transport.Accepted, MessageID: "m"},
		{Outcome: transport.Rejected, Err: bad},
		{Outcome: transport.Rejected},
		{},
	}
	for i, want := range []transport.Result{
		{Outcome: transport.Accepted, MessageID: "m"},
		{Outcome: transport.Rejected, Err: bad},
		{Outcome: transport.Rejected, Err: transport.ErrNoResult},
		{Outcome: transport.Unknown, Err: transport.ErrNoResult},
		{Outcome: transport.Unknown, Err: transport.ErrNoResult}, // beyond the end
	} {
		if got := transport.ResultAt(results, i); got != want {
			t.Errorf("result %d is %+v, want %+v", i, got, want)
		}
	}
	if got := transport.ResultAt(nil, 0); got.Outcome != transport.Unknown || got.Err == nil {
		t.Errorf("of no results: %+v", got)
	}
}

func TestFirstErrorIsNilExactlyWhenAllAreAccepted(t *testing.T) {
	ok := transport.Result{Outcome: transport.Accepted}
	one, two := errors.New("one"), errors.New("two")
	for _, c := range []struct {
		results []transport.Result
		n       int
		want    error
	}{
		{nil, 0, nil},
		{nil, 1, transport.ErrNoResult},
		{[]transport.Result{ok, ok}, 2, nil},
		{[]transport.Result{ok, ok}, 3, transport.ErrNoResult},
		{[]transport.Result{ok, {Err: one}, {Err: two}}, 3, one},
		{[]transport.Result{{Outcome: transport.Rejected}}, 1, transport.ErrNoResult},
	} {
		if got := transport.FirstError(c.results, c.n); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("of %+v and %d: %v, want %v", c.results, c.n, got, c.want)
		}
	}
}

func TestErrorTellsWhereWhatAndWhatToDo(t *testing.T) {
	e := &transport.Error{Kind: transport.Misconfigured, Code: "NoSuchQueue", Target: `queue "x"`, Hint: "make it", Err: io.EOF}
	if got, want := e.Error(), `queue "x": NoSuchQueue: EOF (make it)`; got != want {
		t.Errorf("reads %q, want %q", got, want)
	}
	if got, want := (&transport.Error{Target: `queue "x"`, Err: io.EOF}).Error(), `queue "x": EOF`; got != want {
		t.Errorf("reads %q, want %q", got, want)
	}
	if !errors.Is(e, io.EOF) {
		t.Error("the cause is not in its chain")
	}
}

func TestKindOf(t *testing.T) {
	inner := &transport.Error{Kind: transport.Invalid, Err: io.EOF}
	for _, c := range []struct {
		err  error
		want transport.Kind
	}{
		{nil, transport.Transient},
		{io.EOF, transport.Transient},
		{inner, transport.Invalid},
		{fmt.Errorf("wrapped: %w", inner), transport.Invalid},
		{&transport.Error{Kind: transport.Throttled, Err: inner}, transport.Throttled},
		{errors.Join(io.EOF, inner), transport.Invalid},
	} {
		if got := transport.KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[fmt.Stringer]string{
		transport.Transient: "transient", transport.Throttled: "throttled", transport.Misconfigured: "misconfigured",
		transport.Invalid: "invalid", transport.Kind(9): "Kind(9)",
		transport.Unknown: "unknown", transport.Accepted: "accepted", transport.Rejected: "rejected", transport.Outcome(9): "Outcome(9)",
	} {
		if got.String() != want {
			t.Errorf("%d reads %q, want %q", got, got, want)
		}
	}
}
