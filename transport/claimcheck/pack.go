package claimcheck

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// pack makes of an envelope one that fits: with its payload compressed, or stored. An error is an *transport.Error about this
// envelope alone.
func (s *Sender) pack(ctx context.Context, e task.Envelope) (task.Envelope, error) {
	if e.Size() > s.opts.MaxBytes {
		return task.Envelope{}, s.failed(transport.Invalid, e, fmt.Errorf("%d bytes: more than the %d of Options.MaxBytes: %w", e.Size(), s.opts.MaxBytes, task.ErrTooLarge))
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return task.Envelope{}, s.failed(transport.Transient, e, fmt.Errorf("not stored: %w", err))
	}
	id := uploadID{e.ID(), sha256.Sum256(e.Data())}
	if p, ok := s.stored.find(id); ok {
		return e.WithPayload(p)
	}
	body, p := s.encode(e)
	packed, err := e.WithPayload(p)
	switch {
	case err != nil:
		return task.Envelope{}, s.failed(transport.Invalid, e, err)
	case packed.Size() > s.opts.Threshold:
		return task.Envelope{}, s.failed(transport.Invalid, e, fmt.Errorf("%d bytes without its arguments: more than the %d that go as they are: %w", packed.Size(), s.opts.Threshold, task.ErrTooLarge))
	case p.Inline != nil:
		return packed, nil
	}
	if err := guard(func() error { return s.store.Put(ctx, p.Ref, body) }); err != nil {
		return task.Envelope{}, s.failed(transport.KindOf(err), e, err)
	}
	s.stored.add(id, p)
	return packed, nil
}

// encode chooses the form of a payload: compressed and in the message, if that fits; else stored, compressed if that pays.
// Stored bytes are returned too.
func (s *Sender) encode(e task.Envelope) ([]byte, task.Payload) {
	p := task.Payload{Length: len(e.Data())}
	body := e.Data()
	if !s.opts.NoCompression {
		if compressed := deflate(body); compressed != nil {
			p.Encoding, body = task.Gzip, compressed
			if s.fits(e, len(compressed)) {
				p.Inline = compressed
				return nil, p
			}
		}
	}
	sum := sha256.Sum256(body)
	p.Digest = hex.EncodeToString(sum[:])
	p.Ref = Key(e.ID(), p.Digest)
	return body, p
}

// attributes is the most that those of an inline payload add to a message.
const attributes = 128

// fits says whether a message has room for so many compressed bytes, in base64, in the place of its data.
func (s *Sender) fits(e task.Envelope, compressed int) bool {
	return e.Size()-len(e.Data())+attributes+(compressed+2)/3*4 <= s.opts.Threshold
}

// failed tells of a failure that is this envelope's alone.
func (s *Sender) failed(kind transport.Kind, e task.Envelope, err error) error {
	wrapped := &transport.Error{Kind: kind, Target: s.store.Target(), Alone: true}
	var cause *transport.Error
	if errors.As(err, &cause) {
		wrapped.Code, wrapped.Hint = cause.Code, cause.Hint
		err = cause.Err
	}
	wrapped.Err = fmt.Errorf("payload of task %q, id %q: %w", e.Name(), e.ID(), err)
	return wrapped
}
