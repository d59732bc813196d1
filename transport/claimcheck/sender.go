package claimcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// Sender is a transport.Sender in front of another one: it takes the payload out of envelopes that are too large for it.
// Make one with [NewSender]. It is safe for concurrent use.
type Sender struct {
	next   transport.Sender
	store  Store
	opts   Options
	limits transport.Limits
	slots  chan struct{} // one for each payload in work
	stored memory
}

var (
	_ transport.Sender    = (*Sender)(nil)
	_ transport.Addressed = (*Sender)(nil)
)

// NewSender returns a Sender that sends by way of next, and keeps in store what is too large for it. It makes no request. A
// nil opts means all defaults. Every problem is returned, joined.
func NewSender(next transport.Sender, store Store, opts *Options) (*Sender, error) {
	var problems []error
	var limits transport.Limits
	if next == nil {
		problems = append(problems, errors.New("the Sender is nil: give the one that messages go by"))
	} else {
		limits = next.Limits()
	}
	if store == nil {
		problems = append(problems, errors.New("the Store is nil: give one, of dirstore or s3store"))
	}
	o, err := opts.fill(limits)
	if next != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("claim check: %w", err)
	}
	limits.MessageBytes = o.MaxBytes
	if limits.BatchBytes > 0 {
		limits.BatchBytes = max(limits.BatchBytes, o.MaxBytes)
	}
	return &Sender{next: next, store: store, opts: o, limits: limits, slots: make(chan struct{}, o.Uploads)}, nil
}

// Limits are those of the Sender behind, but for the bytes: a task may have Options.MaxBytes.
func (s *Sender) Limits() transport.Limits { return s.limits }

// Destination is that of the Sender behind, if it tells.
func (s *Sender) Destination() transport.Destination {
	if a, ok := s.next.(transport.Addressed); ok {
		return a.Destination()
	}
	return transport.Destination{}
}

// Send delivers the batch by way of the Sender behind. What is small enough goes there at once, and the rest when its
// payloads are stored, as many at a time as Options.Uploads says, in three quarters of the time that ctx leaves. Class, delay
// and all attributes are kept.
//
// An envelope whose payload cannot be stored is Rejected, because nothing of it was sent; the kind of its error is that of the
// store's, and its Alone says that the others are not concerned. An envelope that was stored and not accepted is not
// stored again when it is sent again within the hour.
func (s *Sender) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	var small, large []int
	for i := range batch {
		if s.tooLarge(&batch[i]) {
			large = append(large, i)
		}
	}
	if len(large) == 0 {
		return s.next.Send(ctx, batch)
	}
	for i := range batch {
		if !slices.Contains(large, i) {
			small = append(small, i)
		}
	}
	results := make([]transport.Result, len(batch))
	var others sync.WaitGroup
	if len(small) > 0 {
		others.Go(func() {
			part := make([]task.Envelope, len(small))
			for n, i := range small {
				part[n] = batch[i]
			}
			s.pass(ctx, part, small, results)
		})
	}
	s.sendLarge(ctx, batch, large, results)
	others.Wait()
	return results, transport.FirstError(results, len(batch))
}

// tooLarge says whether the payload is to be taken out. What the transport refuses for another reason is left to it.
func (s *Sender) tooLarge(e *task.Envelope) bool {
	return e.Size() > s.opts.Threshold && e.Data() != nil && e.Delay() <= s.limits.MaxDelay
}

// sendLarge takes the payloads out and sends what remains. It writes the results of these envelopes, and no others.
func (s *Sender) sendLarge(ctx context.Context, batch []task.Envelope, large []int, results []transport.Result) {
	packed := make([]task.Envelope, len(batch))
	uploading, cancel := forUploads(ctx)
	defer cancel()
	var all sync.WaitGroup
	for _, i := range large {
		all.Go(func() {
			var err error
			if packed[i], err = s.pack(uploading, batch[i]); err != nil {
				results[i] = transport.Result{Outcome: transport.Rejected, Err: err}
			}
		})
	}
	all.Wait()
	ready, at := make([]task.Envelope, 0, len(large)), make([]int, 0, len(large))
	for _, i := range large {
		if results[i].Err == nil {
			ready, at = append(ready, packed[i]), append(at, i)
		}
	}
	if len(ready) == 0 {
		return
	}
	s.pass(ctx, ready, at, results)
	for _, i := range at {
		if results[i].Outcome == transport.Accepted {
			s.stored.forget(batch[i].ID())
		}
	}
}

// forUploads leaves a quarter of the time to the message: an upload that hangs must not hold up the others' messages for ever.
func forUploads(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/4*3)
}

// pass sends a part of a batch and writes its results. A panic of the Sender behind leaves them unknown: it must not end the
// process, which it would in a goroutine of ours.
func (s *Sender) pass(ctx context.Context, part []task.Envelope, at []int, results []transport.Result) {
	var answer []transport.Result
	err := guard(func() (err error) {
		answer, err = s.next.Send(ctx, part)
		return err
	})
	for n, i := range at {
		results[i] = transport.ResultAt(answer, n)
		if errors.Is(results[i].Err, transport.ErrNoResult) && err != nil {
			results[i].Err = fmt.Errorf("%w: %w", transport.ErrNoResult, err)
		}
	}
}

// guard makes an error of a panic.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if cause, ok := p.(error); ok {
				err = fmt.Errorf("panicked: %w", cause)
				return
			}
			err = fmt.Errorf("panicked: %v", p)
		}
	}()
	return f()
}
