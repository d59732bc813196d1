package claimcheck

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// readTimeout bounds the reading of a payload, with a second more for each whole 128 KiB: a connection that died in silence
// costs a retry, and not the time of the task.
const (
	readTimeout = 10 * time.Second
	thinLine    = 128 << 10
)

// Resolver reads the payloads of tasks that have arrived. Make one with [NewResolver]; a worker calls it. It is safe for
// concurrent use, and all workers of a process should share one, because it bounds the memory of payloads.
type Resolver struct {
	store  Store
	opts   ResolverOptions
	budget *budget
}

// NewResolver returns a Resolver that reads from store. A nil store is allowed: payloads that were compressed into the
// message are read, and those that were stored are [ErrNoStore]. A nil opts means all defaults. Every problem is returned,
// joined.
func NewResolver(store Store, opts *ResolverOptions) (*Resolver, error) {
	o, err := opts.fill()
	if err != nil {
		return nil, fmt.Errorf("claim check: %w", err)
	}
	return &Resolver{store: store, opts: o, budget: newBudget(o.MaxMemory)}, nil
}

// Resolve returns e with its data, as Envelope.WithData gives it, and a function that must be called when the data is not
// needed any more: until then it counts toward MaxMemory. An envelope that has its data is returned as it is.
//
// It blocks while other payloads take up the memory, and then while the store answers, for at most 10 s and a second for
// each 128 KiB; ctx ends both. It makes one attempt.
//
// Errors that match task.IsPermanent are those that no retry mends: [ErrPointer], with nothing read; [ErrTooLarge];
// [ErrCorrupt]. [ErrNotFound] is left to the caller to judge: the store may be a copy that is behind. Others pass.
func (r *Resolver) Resolve(ctx context.Context, e task.Envelope) (task.Envelope, func(), error) {
	p, elsewhere := e.Payload()
	if !elsewhere {
		return e, func() {}, nil
	}
	data, release, err := r.data(ctx, e.ID(), p)
	if err != nil {
		return e, func() {}, fmt.Errorf("payload of task %q, id %q: %w", e.Name(), e.ID(), err)
	}
	return e.WithData(data), release, nil
}

func (r *Resolver) data(ctx context.Context, id string, p task.Payload) ([]byte, func(), error) {
	if err := checkPointer(id, p, r.opts.MaxBytes); err != nil {
		return nil, nil, task.Permanent(err)
	}
	if p.Inline == nil && r.store == nil {
		return nil, nil, ErrNoStore
	}
	weight := p.Length
	if p.Encoding != "" {
		weight *= 2 // the compressed form is hardly larger, and mostly much smaller
	}
	release, err := r.budget.take(ctx, weight)
	if err != nil {
		return nil, nil, err
	}
	kept := false
	defer func() {
		if !kept { // also when the store panics
			release()
		}
	}()
	data, err := r.load(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	kept = true
	return data, release, nil
}

// load makes the data of a payload that may be followed, in memory that was given.
func (r *Resolver) load(ctx context.Context, p task.Payload) ([]byte, error) {
	encoded := p.Inline
	if encoded == nil {
		var err error
		if encoded, err = r.read(ctx, p); err != nil {
			return nil, err
		}
	}
	data, err := decode(encoded, p)
	return data, task.Permanent(err)
}

// read gets the stored bytes, if they are no more than the message says, and are those whose digest it says.
func (r *Resolver) read(ctx context.Context, p task.Payload) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout+time.Duration(p.Length/thinLine)*time.Second)
	defer cancel()
	body, size, err := r.store.Get(ctx, p.Ref)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if size > mostStored(p) || p.Encoding == "" && size < int64(p.Length) {
		return nil, task.Permanent(fmt.Errorf("%w: %d bytes are stored, and the message says %d", ErrCorrupt, size, p.Length))
	}
	stored := make([]byte, size)
	if _, err := io.ReadFull(body, stored); err != nil {
		return nil, &transport.Error{Target: r.store.Target(), Err: fmt.Errorf("read of %d bytes: %w", size, errors.Join(err, ctx.Err()))}
	}
	if sum := sha256.Sum256(stored); hex.EncodeToString(sum[:]) != p.Digest {
		return nil, task.Permanent(fmt.Errorf("%w: the digest of what is stored is %x", ErrCorrupt, sum))
	}
	return stored, nil
}

// mostStored is how many bytes may be stored of a payload: gzip of what does not compress is a little longer.
func mostStored(p task.Payload) int64 {
	n := int64(p.Length)
	if p.Encoding != "" {
		n += n/1024 + 1024
	}
	return n
}

// decode undoes the encoding, and sees that data of the declared length comes out that is JSON.
func decode(encoded []byte, p task.Payload) ([]byte, error) {
	data := encoded
	if p.Encoding == task.Gzip {
		var err error
		if data, err = inflate(encoded, p.Length); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	if len(data) != p.Length {
		return nil, fmt.Errorf("%w: %d bytes, and the message says %d", ErrCorrupt, len(data), p.Length)
	}
	if !json.Valid(data) {
		return nil, fmt.Errorf("%w: is no JSON", ErrCorrupt)
	}
	return data, nil
}
