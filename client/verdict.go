package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/offloadhq/offload/internal/backoff"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// verdict is what follows from one attempt for one entry.
type verdict uint8

const (
	again     verdict = iota // try later
	delivered                // done
	refused                  // this entry will never be taken
	blocked                  // no entry is taken until somebody mends the set-up
)

// judge reads the outcome of one entry. Whatever is not a clear answer is tried again.
func judge(r transport.Result) verdict {
	switch r.Outcome {
	case transport.Accepted:
		return delivered
	case transport.Rejected:
		switch transport.KindOf(r.Err) {
		case transport.Invalid:
			return refused
		case transport.Misconfigured:
			return blocked
		}
	}
	return again
}

// resultOf finds the result of entry i in the answer of a Sender. Where the answer has none, the error of the whole
// call tells why.
func resultOf(results []transport.Result, call error, i int) transport.Result {
	r := transport.ResultAt(results, i)
	if call != nil && errors.Is(r.Err, transport.ErrNoResult) {
		r.Err = fmt.Errorf("%w: %w", transport.ErrNoResult, call)
	}
	return r
}

// findingOf reads what a request with n entries says about the transport, and the error that says it. One accepted
// entry shows that it works; entries that were refused as invalid, or for a reason of their own, show nothing.
func findingOf(n int, results []transport.Result, call error) (f finding, why error) {
	for i := range n {
		r := resultOf(results, call, i)
		if e, ok := errors.AsType[*transport.Error](r.Err); ok && e.Alone {
			continue
		}
		switch judge(r) {
		case delivered:
			return good, nil
		case again:
			if f == silent {
				f, why = failing, r.Err
			}
		case blocked:
			if f != blocking {
				f, why = blocking, r.Err
			}
		}
	}
	return f, why
}

// ceiling is the longest wait of one entry after the given attempt.
var ceiling = task.Exponential(50*time.Millisecond, 4*time.Second)

// waits draws the wait after an attempt, once for each number of attempts: entries that failed together come back
// together, in one request, and not together with those of other requests or hosts. Those that failed scatterAfter times
// come back each at a time of its own: one of them may be why the others fail.
type waits struct{ drawn map[int]time.Duration }

const scatterAfter = 3

func (w *waits) after(attempts, failures int) time.Duration {
	if failures >= scatterAfter {
		return backoff.FullJitter(ceiling(attempts))
	}
	d, ok := w.drawn[attempts]
	if !ok {
		d = backoff.FullJitter(ceiling(attempts))
		if w.drawn == nil {
			w.drawn = map[int]time.Duration{}
		}
		w.drawn[attempts] = d
	}
	return d
}
