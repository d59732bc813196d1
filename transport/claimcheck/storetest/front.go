package storetest

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/transporttest"
)

// InFront puts a claim check in front of what a suite of senders tests: what arrives is made whole again, from store, so the
// suite holds all of its sentences against the two together.
func InFront(tb testing.TB, d transporttest.Destination, store claimcheck.Store, o claimcheck.Options) transporttest.Destination {
	tb.Helper()
	sender, err := claimcheck.NewSender(d.Sender, store, &o)
	if err != nil {
		tb.Fatal(err)
	}
	resolver, err := claimcheck.NewResolver(store, nil)
	if err != nil {
		tb.Fatal(err)
	}
	d.Sender, d.TooBig = sender, sender.Limits().MessageBytes+1
	arrived := d.Arrived
	d.Arrived = func() []transporttest.Arrival {
		all := arrived()
		for i := range all {
			all[i].Body = whole(tb, resolver, all[i].Body)
		}
		return all
	}
	return d
}

// whole puts the data back into a message, where the encoder wrote it.
func whole(tb testing.TB, r *claimcheck.Resolver, body []byte) []byte {
	tb.Helper()
	e, err := task.Parse(body)
	if err != nil {
		tb.Fatal(err)
	}
	p, elsewhere := e.Payload()
	if !elsewhere {
		return body
	}
	e, release, err := r.Resolve(context.WithoutCancel(tb.Context()), e)
	if err != nil {
		tb.Fatal(err)
	}
	defer release()
	first := `,"dataref":`
	if p.Inline != nil {
		first = `,"offloadencoding":`
	}
	head, _, _ := bytes.Cut(body, []byte(first))
	return slices.Concat(head, []byte(`,"data":`), e.Data(), []byte(`}`))
}
