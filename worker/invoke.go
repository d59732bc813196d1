package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/offloadhq/offload/transport"
)

// Invoke runs one invocation: payload is either the event of an SQS event source mapping or one task, as an
// asynchronous invocation or a schedule carries it. It has the form of lambda.Handler of aws-lambda-go, so that
// lambda.Start takes a Worker. Invoke does not keep payload.
//
// The answer to an SQS batch lists the message ids that were not acknowledged,
// {"batchItemFailures":[{"itemIdentifier":"…"}]}: the mapping must have ReportBatchItemFailures, else Lambda ignores the
// list and deletes everything (Lambda developer guide, "Handling errors for an SQS event source"). An error means that
// nothing was acknowledged: the payload is no event, or this package has failed.
//
// The answer to a direct invocation is {}. A task that fails is sent on to Options.Queue, which then counts its further
// attempts, with the first backoff (at most the queue's longest delay) before them; a permanent failure, the last
// attempt and a malformed event go to the Settler's dead-letter queue. Where that cannot be done, because it fails or the
// option is nil, Invoke returns an error: Lambda's own retries and its OnFailure destination apply, and nothing is lost.
func (w *Worker) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil { // a fault of this package: an empty answer would delete the batch
			err = newPanicError(p)
			answer = nil
			w.options.Logger.ErrorContext(ctx, "worker failed: nothing of the invocation is acknowledged", "error", err, "stack", stackOf(err))
			err = fmt.Errorf("worker: %w", err)
		}
	}()
	event, err := readEvent(payload)
	if err != nil {
		return nil, err
	}
	if event.direct {
		return w.invokeDirect(ctx, payload)
	}
	return failures(w.process(ctx, event.deliveries)), nil
}

func (w *Worker) invokeDirect(ctx context.Context, payload []byte) ([]byte, error) {
	d := transport.Delivery{Body: bytes.Clone(payload), Receives: 1}
	o := w.process(ctx, []transport.Delivery{d})[0]
	if o.Acked() {
		return []byte("{}"), nil
	}
	return nil, fmt.Errorf("task %q: id %q: %w", o.Name, o.ID, errors.Join(o.Err, o.SettleErr))
}

// failures is the answer to a batch: each message id once.
func failures(outcomes []Outcome) []byte {
	b := []byte(`{"batchItemFailures":[`)
	listed := map[string]bool{}
	for _, o := range outcomes {
		if o.Acked() || listed[o.MessageID] {
			continue
		}
		if len(listed) > 0 {
			b = append(b, ',')
		}
		listed[o.MessageID] = true
		id, _ := json.Marshal(o.MessageID) // a string always encodes
		b = append(append(append(b, `{"itemIdentifier":`...), id...), '}')
	}
	return append(b, `]}`...)
}
