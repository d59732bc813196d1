package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// patience is how long the suite waits for what should be immediate.
const patience = 20 * time.Second

// send calls Send and checks what holds for every answer: one result per envelope, an error exactly when one was not
// accepted, and the outcomes and errors of each result in agreement.
func send(tb testing.TB, ctx context.Context, d Destination, batch []task.Envelope) []transport.Result { //nolint:revive // tb first, as in tests
	tb.Helper()
	results, err := d.Sender.Send(ctx, batch)
	if len(results) != len(batch) {
		tb.Fatalf("Send gave %s for %s", plural(len(results), "result", "results"), plural(len(batch), "envelope", "envelopes"))
	}
	for i, r := range results {
		switch {
		case r.Outcome == transport.Accepted && r.Err != nil:
			tb.Errorf("result %d is accepted and has the error %v", i, r.Err)
		case r.Outcome != transport.Accepted && r.Err == nil:
			tb.Errorf("result %d is %v and has no error", i, r.Outcome)
		case r.Outcome > transport.Rejected:
			tb.Errorf("result %d has the outcome %v", i, r.Outcome)
		}
		var e *transport.Error
		if r.Err != nil && (!errors.As(r.Err, &e) || e.Target == "") {
			tb.Errorf("result %d: the error %q is no *transport.Error with a target", i, r.Err)
		}
	}
	if first := transport.FirstError(results, len(batch)); (first == nil) != (err == nil) {
		tb.Errorf("Send returned the error %v, the first error of its results is %v", err, first)
	}
	return results
}

// accepted sends and asks that everything is accepted.
func accepted(tb testing.TB, d Destination, batch []task.Envelope) {
	tb.Helper()
	for i, r := range send(tb, tb.Context(), d, batch) {
		if r.Outcome != transport.Accepted {
			tb.Errorf("result %d of %d: %v, %v", i, len(batch), r.Outcome, r.Err)
		}
	}
}

// arrived asks that exactly these envelopes arrived.
func arrived(tb testing.TB, d Destination, batch []task.Envelope) {
	tb.Helper()
	var got [][]byte
	for _, a := range d.Arrived() {
		got = append(got, a.Body)
	}
	if s := difference(got, bodies(batch)); s != "" {
		tb.Errorf("of %s: %s", plural(len(batch), "envelope", "envelopes"), s)
	}
}

func limitsAreSane(tb testing.TB, d Destination) {
	l := d.Sender.Limits()
	if l.Items < 0 || l.BatchBytes < 0 || l.MessageBytes < 0 || l.MaxDelay < 0 {
		tb.Errorf("a limit is negative: %+v", l)
	}
	if l.BatchBytes > 0 && (l.MessageBytes == 0 || l.MessageBytes > l.BatchBytes) {
		tb.Errorf("a body may be larger than a request: %+v", l)
	}
	if again := d.Sender.Limits(); again != l {
		tb.Errorf("the limits changed: %+v, then %+v", l, again)
	}
}

func oneArrives(tb testing.TB, d Destination) {
	batch := envelopes(tb, 1)
	accepted(tb, d, batch)
	arrived(tb, d, batch)
}

func nothingIsSent(tb testing.TB, d Destination) {
	for _, batch := range [][]task.Envelope{nil, {}} {
		send(tb, tb.Context(), d, batch)
	}
	arrived(tb, d, nil)
}

func anyNumberArrives(tb testing.TB, d Destination) {
	items := max(d.Sender.Limits().Items, 1)
	for _, n := range []int{2, items, items + 1, 3*items + 1} {
		batch := envelopes(tb, n)
		accepted(tb, d, batch)
		arrived(tb, d, batch)
	}
}

func bigBatchesArrive(tb testing.TB, d Destination) {
	l := d.Sender.Limits()
	third := l.MessageBytes / 3
	var batch []task.Envelope
	for _, n := range []int{l.MessageBytes, third, third, third, third, l.MessageBytes, third} {
		batch = append(batch, sized(tb, n))
	}
	accepted(tb, d, batch)
	arrived(tb, d, batch)
}

func largestBodyArrives(tb testing.TB, d Destination) {
	largest := d.Sender.Limits().MessageBytes
	for _, n := range []int{largest - 1, largest} {
		batch := []task.Envelope{sized(tb, n)}
		accepted(tb, d, batch)
		arrived(tb, d, batch)
	}
}

func everyCharacterArrives(tb testing.TB, d Destination) {
	var batch []task.Envelope
	want := map[string]string{}
	for _, text := range texts() {
		e := envelope(tb, text)
		batch = append(batch, e)
		want[e.ID()] = string([]rune(text)) // what is no UTF-8 reads as U+FFFD
	}
	accepted(tb, d, batch)
	all := d.Arrived()
	if len(all) != len(batch) {
		tb.Errorf("%d of %d texts arrived", len(all), len(batch))
	}
	for _, a := range all {
		e, err := task.Parse(a.Body)
		if err != nil {
			tb.Errorf("what arrived does not parse: %v", err)
			continue
		}
		if i := slices.IndexFunc(batch, func(sent task.Envelope) bool { return sent.ID() == e.ID() }); i < 0 || string(batch[i].Body()) != string(a.Body) {
			tb.Errorf("the body of task %s changed on its way", e.ID())
		}
		if got, err := definition.Decode(e); err != nil || got != want[e.ID()] {
			tb.Errorf("the text of task %s changed on its way (%v)", e.ID(), err)
		}
	}
}

func delayIsKept(tb testing.TB, d Destination) {
	longest := d.Sender.Limits().MaxDelay
	if d.MaxWait > 0 {
		longest = min(longest, d.MaxWait)
	}
	var batch []task.Envelope
	for _, delay := range []time.Duration{0, min(1500*time.Millisecond, longest), longest} {
		batch = append(batch, envelope(tb, "later", task.Delay(delay)))
	}
	arrivedDelayed(tb, d, batch)
}

// delayCounts sends what was fired a while ago, as an attempt after others does.
func delayCounts(tb testing.TB, d Destination) {
	longest := d.Sender.Limits().MaxDelay
	if d.MaxWait > 0 {
		longest = min(longest, d.MaxWait)
	}
	var batch []task.Envelope
	for _, ago := range []time.Duration{longest / 2, longest, 2 * longest} {
		batch = append(batch, fired(tb, time.Now().Add(-ago), "later", task.Delay(longest)))
	}
	arrivedDelayed(tb, d, batch)
}

// arrivedDelayed sends and asks that each envelope is held back for what was left of its delay meanwhile.
func arrivedDelayed(tb testing.TB, d Destination, batch []task.Envelope) {
	tb.Helper()
	began := time.Now()
	accepted(tb, d, batch)
	ended := time.Now()
	all := d.Arrived()
	if len(all) != len(batch) {
		tb.Errorf("%d of %d arrived", len(all), len(batch))
	}
	for _, a := range all {
		i := slices.IndexFunc(batch, func(e task.Envelope) bool { return string(e.Body()) == string(a.Body) })
		if i < 0 {
			tb.Errorf("what arrived was not sent: %s", excerpt(a.Body))
			continue
		}
		if left := batch[i].DelayLeft(began); a.Delay < batch[i].DelayLeft(ended) || a.Delay > left+d.Resolution {
			tb.Errorf("a delay of %v, of which %v are left, became %v", batch[i].Delay(), left, a.Delay)
		}
	}
}

func longDelayIsRejected(tb testing.TB, d Destination) {
	e := envelope(tb, "much later", task.Delay(d.Sender.Limits().MaxDelay+time.Second))
	rejectedAsInvalid(tb, 0, send(tb, tb.Context(), d, []task.Envelope{e})[0])
	arrived(tb, d, nil)
}

func rejectedAsInvalid(tb testing.TB, i int, r transport.Result) {
	tb.Helper()
	if r.Outcome != transport.Rejected || transport.KindOf(r.Err) != transport.Invalid {
		tb.Errorf("result %d is %v and %v (%v), not rejected and invalid", i, r.Outcome, transport.KindOf(r.Err), r.Err)
	}
}

// oneBadEntry puts an envelope that cannot be stored at every place of a batch.
func oneBadEntry(tb testing.TB, d Destination) {
	bad := []task.Envelope{{}, envelope(tb, "much later", task.Delay(d.Sender.Limits().MaxDelay+time.Second))}
	if d.TooBig > 0 {
		bad = append(bad, sized(tb, d.TooBig))
	}
	for _, e := range bad {
		for at := range 4 {
			good := envelopes(tb, 3)
			results := send(tb, tb.Context(), d, slices.Insert(slices.Clone(good), at, e))
			for i, r := range results {
				if i == at {
					rejectedAsInvalid(tb, i, r)
				} else if r.Outcome != transport.Accepted {
					tb.Errorf("a bad envelope at %d: result %d is %v, %v", at, i, r.Outcome, r.Err)
				}
			}
			arrived(tb, d, good)
		}
	}
}

// batchIsTheCallers overwrites the slice after Send has returned.
func batchIsTheCallers(tb testing.TB, d Destination) {
	batch := envelopes(tb, 3)
	sent := slices.Clone(batch)
	accepted(tb, d, batch)
	if !slices.EqualFunc(batch, sent, func(a, b task.Envelope) bool { return a.ID() == b.ID() && a.Delay() == b.Delay() }) {
		tb.Error("Send changed the caller's batch")
	}
	clear(batch)
	arrived(tb, d, sent)
}

// forgets overwrites the bodies too.
func forgets(tb testing.TB, d Destination) {
	batch := envelopes(tb, max(d.Sender.Limits().Items, 1)+1)
	var sent []task.Envelope
	for _, e := range batch {
		e, err := task.Parse(bytes.Clone(e.Body()))
		if err != nil {
			tb.Fatal(err)
		}
		sent = append(sent, e)
	}
	accepted(tb, d, batch)
	for _, e := range batch {
		clear(e.Body())
	}
	clear(batch)
	arrived(tb, d, sent)
}

func concurrentSends(tb testing.TB, d Destination) {
	const senders, rounds = 16, 4
	batches := make([][]task.Envelope, senders*rounds)
	for i := range batches {
		batches[i] = envelopes(tb, 1+i%5)
	}
	problems := make([]error, senders)
	var all sync.WaitGroup
	for n := range senders {
		all.Go(func() {
			for _, batch := range batches[n*rounds : (n+1)*rounds] {
				results, err := d.Sender.Send(tb.Context(), batch)
				if err != nil || transport.FirstError(results, len(batch)) != nil {
					problems[n] = fmt.Errorf("results %v, error %w", results, err)
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(problems...); err != nil {
		tb.Errorf("of %d senders at once: %v", senders, err)
	}
	arrived(tb, d, slices.Concat(batches...))
}

// endedContext asks that a Send which comes too late tells the truth.
func endedContext(tb testing.TB, d Destination) {
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	batch := envelopes(tb, 3)
	notAccepted(tb, send(tb, ctx, d, batch), context.Canceled)
	arrived(tb, d, nil)
}

func notAccepted(tb testing.TB, results []transport.Result, want error) {
	tb.Helper()
	for i, r := range results {
		if r.Outcome == transport.Accepted {
			tb.Errorf("result %d is accepted", i)
		} else if !errors.Is(r.Err, want) {
			tb.Errorf("result %d: the error %v is not %v", i, r.Err, want)
		}
	}
}

// contextEndsTheWait cancels a Send that waits for its answer. Nobody knows what became of the envelopes, so nothing may
// be said that is not sure.
func contextEndsTheWait(tb testing.TB, d Destination) {
	release := d.Hold()
	ctx, cancel := context.WithTimeout(tb.Context(), 100*time.Millisecond)
	defer cancel()
	batch := envelopes(tb, 2)
	done := make(chan []transport.Result, 1)
	go func() {
		results, _ := d.Sender.Send(ctx, batch)
		done <- results
	}()
	select {
	case results := <-done:
		if len(results) != len(batch) {
			tb.Errorf("Send gave %d results", len(results))
		}
		notAccepted(tb, results, context.DeadlineExceeded)
		release()
		for i, r := range results {
			if r.Outcome == transport.Rejected {
				tb.Errorf("result %d is rejected, although the request was under way", i)
			}
		}
	case <-time.After(patience):
		release()
		<-done
		tb.Errorf("Send went on for %v after its context had ended", patience)
	}
}

func lostAnswer(tb testing.TB, d Destination) {
	batch := envelopes(tb, min(3, max(1, d.Sender.Limits().Items)))
	d.LoseAnswer()
	for i, r := range send(tb, tb.Context(), d, batch) {
		if r.Outcome != transport.Unknown || transport.KindOf(r.Err) != transport.Transient {
			tb.Errorf("result %d is %v and %v, not unknown and transient", i, r.Outcome, transport.KindOf(r.Err))
		}
	}
	arrived(tb, d, batch)
	accepted(tb, d, batch)
	arrived(tb, d, batch)
}

func refusedRequest(tb testing.TB, d Destination) {
	batch := envelopes(tb, min(3, max(1, d.Sender.Limits().Items)))
	d.Refuse()
	for i, r := range send(tb, tb.Context(), d, batch) {
		if kind := transport.KindOf(r.Err); r.Outcome != transport.Rejected || kind == transport.Invalid {
			tb.Errorf("result %d is %v and %v, not rejected for a time", i, r.Outcome, kind)
		}
	}
	arrived(tb, d, nil)
	accepted(tb, d, batch)
	arrived(tb, d, batch)
}
