package claimcheck

import (
	"errors"
	"fmt"

	"github.com/offloadhq/offload/task"
)

// Errors of a [Resolver] that no retry will mend: a task with one of them is a dead letter at once. They are marked with
// task.Permanent.
var (
	// ErrPointer says that a message names something that is not the payload of its own task.
	ErrPointer = errors.New("message does not name the payload of its task")
	// ErrTooLarge says that a payload is, or would become, larger than the worker takes.
	ErrTooLarge = errors.New("payload is too large")
	// ErrCorrupt says that a payload is not what its message says: its length, its digest or its encoding is another.
	ErrCorrupt = errors.New("payload is corrupt")
)

// ErrNoStore says that a worker was given no store and has met a payload that is stored. The task is tried again: another
// worker may have one.
var ErrNoStore = errors.New("the worker has no store of payloads: set worker.Options.Payloads")

// checkPointer says why p, which a message brought, is not to be followed; nil if it names the payload of the task and of
// nothing else, in no more than most bytes.
func checkPointer(taskID string, p task.Payload, most int) error {
	if p.Encoding != "" && p.Encoding != task.Gzip {
		return fmt.Errorf("%w: encoding %.40q is not known", ErrPointer, p.Encoding)
	}
	if p.Inline == nil {
		if !isDigest(p.Digest) {
			return fmt.Errorf("%w: %.80q is no digest", ErrPointer, p.Digest)
		}
		if want := Key(taskID, p.Digest); p.Ref != want {
			return fmt.Errorf("%w: it names %.160q, not %q", ErrPointer, p.Ref, want)
		}
	}
	if p.Length < 0 || p.Length > most {
		return fmt.Errorf("%w: %d bytes, of at most %d", ErrTooLarge, p.Length, most)
	}
	return nil
}
