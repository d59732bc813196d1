package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/transport"
)

// foreign is the source of no queue that a harness makes.
const foreign = "arn:aws:sqs:eu-west-1:999999999999:transporttest-no-such-queue"

// settled asks that there is no error, and that a slice of errors aligns with the n deliveries.
func settled(tb testing.TB, errs []error, n int) {
	tb.Helper()
	if errs != nil && len(errs) != n {
		tb.Fatalf("%s for %s", plural(len(errs), "error", "errors"), plural(n, "delivery", "deliveries"))
	}
	for i, err := range errs {
		if err != nil {
			tb.Errorf("delivery %d: %v", i, err)
		}
	}
}

// failedAt asks for an error at exactly the given places.
func failedAt(tb testing.TB, errs []error, n int, at ...int) {
	tb.Helper()
	if len(errs) != n {
		tb.Fatalf("%s for %s", plural(len(errs), "error", "errors"), plural(n, "delivery", "deliveries"))
	}
	for i, err := range errs {
		if want := slices.Contains(at, i); want != (err != nil) {
			tb.Errorf("delivery %d: the error is %v, want one: %t", i, err, want)
		}
	}
}

func numbered(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, `{"number":%d}`, i)
	}
	return out
}

func bodiesOf(ds []transport.Delivery) [][]byte {
	out := make([][]byte, len(ds))
	for i, d := range ds {
		out[i] = d.Body
	}
	return out
}

func nothingToSettle(tb testing.TB, s Source) {
	settled(tb, s.Settler.Retry(tb.Context(), nil, nil), 0)
	settled(tb, s.Settler.DeadLetter(tb.Context(), nil, nil), 0)
}

// retryWaits gives two deliveries back, one at once, and one after a while that is no whole second; the third stays.
func retryWaits(tb testing.TB, s Source) {
	const wait = 1200 * time.Millisecond
	ds := s.Deliver(numbered(3)...)
	given := time.Now()
	settled(tb, s.Settler.Retry(tb.Context(), []transport.Delivery{ds[1], ds[0]}, []time.Duration{wait, 0}), 2)
	first := s.Receive(patience)
	if len(first) != 1 || !bytes.Equal(first[0].Body, ds[0].Body) || first[0].Receives != 2 {
		tb.Fatalf("at once came %+v, not the delivery with the wait 0 for the second time", first)
	}
	second := s.Receive(patience)
	took := time.Since(given)
	if len(second) != 1 || !bytes.Equal(second[0].Body, ds[1].Body) || second[0].Receives != 2 {
		tb.Fatalf("later came %+v, not the delivery with the wait %v for the second time", second, wait)
	}
	if took < wait || took > wait+s.Resolution+time.Second {
		tb.Errorf("a wait of %v took %v", wait, took)
	}
	if third := s.Receive(0); len(third) != 0 {
		tb.Errorf("a delivery came back that nobody gave back: %+v", third)
	}
}

// comeBack asks that exactly these bodies are visible.
func comeBack(tb testing.TB, s Source, want [][]byte) {
	tb.Helper()
	var got [][]byte
	for len(got) < len(want) {
		ds := s.Receive(patience)
		if len(ds) == 0 {
			break
		}
		got = append(got, bodiesOf(ds)...)
	}
	got = append(got, bodiesOf(s.Receive(0))...)
	if d := difference(got, want); d != "" {
		tb.Errorf("of %s: %s", plural(len(want), "delivery", "deliveries"), d)
	}
}

func retryMany(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(23)...)
	settled(tb, s.Settler.Retry(tb.Context(), ds, make([]time.Duration, len(ds))), len(ds))
	comeBack(tb, s, bodiesOf(ds))
}

// retryGone has a delivery in the middle whose receipt is that of nothing, and one with a wait of the longest kind.
func retryGone(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(4)...)
	ds[1].Receipt = "transporttest-no-such-receipt"
	errs := s.Settler.Retry(tb.Context(), ds, []time.Duration{0, 0, transport.MaxHold, 0})
	failedAt(tb, errs, 4, 1)
	comeBack(tb, s, [][]byte{ds[0].Body, ds[3].Body})
}

func retryDirect(tb testing.TB, s Source) {
	ds := append(s.Deliver(numbered(1)...), transport.Delivery{Body: []byte(`{}`), Receives: 1})
	failedAt(tb, s.Settler.Retry(tb.Context(), ds, make([]time.Duration, 2)), 2, 1)
	comeBack(tb, s, [][]byte{ds[0].Body})
}

func retryForeign(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(2)...)
	ds[0].Source = foreign
	failedAt(tb, s.Settler.Retry(tb.Context(), ds, make([]time.Duration, 2)), 2, 0)
	comeBack(tb, s, [][]byte{ds[1].Body})
}

func retryEnded(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(2)...)
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	errs := s.Settler.Retry(ctx, ds, make([]time.Duration, 2))
	failedAt(tb, errs, 2, 0, 1)
	canceled(tb, errs)
	comeBack(tb, s, nil)
}

func canceled(tb testing.TB, errs []error) {
	tb.Helper()
	for i, err := range errs {
		if !errors.Is(err, context.Canceled) {
			tb.Errorf("delivery %d: the error %v is not that of the context", i, err)
		}
	}
}

func reason(i int) transport.Reason {
	return transport.Reason{
		Code: transport.ReasonExhausted, Message: fmt.Sprintf("refused %d: \x00 \u0007 \ufffe größer ✓ \xff", i),
		Stack: strings.Repeat("goroutine 1 [running]:\n\tmain.go:1\n", 600), TaskID: "id-1", Name: "transporttest.echo",
		Attempt: i + 1, Source: "a-queue",
	}
}

func reasons(n int) []transport.Reason {
	out := make([]transport.Reason, n)
	for i := range out {
		out[i] = reason(i)
	}
	return out
}

// buried asks for exactly these dead letters, each with the attributes of its reason.
func buried(tb testing.TB, s Source, ds []transport.Delivery, why []transport.Reason) {
	tb.Helper()
	stored := s.DeadLetters()
	var got [][]byte
	for _, l := range stored {
		got = append(got, l.Body)
		i := slices.IndexFunc(ds, func(d transport.Delivery) bool { return bytes.Equal(d.Body, l.Body) })
		if i < 0 {
			continue
		}
		if want := why[i].Attributes(); !maps.Equal(l.Attributes, want) {
			tb.Errorf("dead letter %d has other attributes than its reason: %v, want %v", i, keys(l.Attributes), keys(want))
		}
	}
	if d := difference(got, bodiesOf(ds)); d != "" {
		tb.Errorf("of %s: %s", plural(len(ds), "dead letter", "dead letters"), d)
	}
}

func keys(m map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s (%d bytes)", k, len(m[k])))
	}
	return out
}

func deadLetterStored(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(3)...)
	settled(tb, s.Settler.DeadLetter(tb.Context(), ds, reasons(3)), 3)
	buried(tb, s, ds, reasons(3))
}

func deadLetterCharacters(tb testing.TB, s Source) {
	var bodies [][]byte
	for _, text := range texts() {
		bodies = append(bodies, envelope(tb, text).Body())
	}
	ds := s.Deliver(bodies...)
	settled(tb, s.Settler.DeadLetter(tb.Context(), ds, reasons(len(ds))), len(ds))
	buried(tb, s, ds, reasons(len(ds)))
}

// deadLettersOfAnySize needs more than one request by count, and by bytes; among them the largest body that a Sender
// lets through.
func deadLettersOfAnySize(tb testing.TB, s Source) {
	const largest = 1<<20 - transport.MaxReasonBytes
	bodies := numbered(11)
	for i, n := range []int{largest, 300 << 10, 400 << 10, 500 << 10, largest - 1, 100 << 10} {
		bodies = append(bodies, append(bytes.Repeat([]byte{'a' + byte(i)}, n-1), '.'))
	}
	ds := s.Deliver(bodies...)
	settled(tb, s.Settler.DeadLetter(tb.Context(), ds, reasons(len(ds))), len(ds))
	buried(tb, s, ds, reasons(len(ds)))
}

func deadLetterDirect(tb testing.TB, s Source) {
	ds := []transport.Delivery{{MessageID: "request-1", Body: []byte(`{"direct":true}`), Receives: 1}}
	settled(tb, s.Settler.DeadLetter(tb.Context(), ds, reasons(1)), 1)
	buried(tb, s, ds, reasons(1))
}

// deadLetterAcknowledgesNothing: the caller acknowledges, when it knows that the dead letter is stored.
func deadLetterAcknowledgesNothing(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(2)...)
	settled(tb, s.Settler.DeadLetter(tb.Context(), ds, reasons(2)), 2)
	settled(tb, s.Settler.Retry(tb.Context(), ds, make([]time.Duration, 2)), 2)
	comeBack(tb, s, bodiesOf(ds))
}

func deadLetterForeign(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(2)...)
	ds[0].Source = foreign
	failedAt(tb, s.Settler.DeadLetter(tb.Context(), ds, reasons(2)), 2, 0)
	buried(tb, s, ds[1:], reasons(2)[1:])
}

func deadLetterEnded(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(2)...)
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	errs := s.Settler.DeadLetter(ctx, ds, reasons(2))
	failedAt(tb, errs, 2, 0, 1)
	canceled(tb, errs)
	buried(tb, s, nil, nil)
}

func deadLetterBroken(tb testing.TB, s Source) {
	ds := s.Deliver(numbered(2)...)
	s.BreakDeadLetters()
	failedAt(tb, s.Settler.DeadLetter(tb.Context(), ds, reasons(2)), 2, 0, 1)
	buried(tb, s, nil, nil)
	settled(tb, s.Settler.Retry(tb.Context(), ds, make([]time.Duration, 2)), 2)
	comeBack(tb, s, bodiesOf(ds))
}
