package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// supply makes segments ahead of need. Its fields are guarded by Journal.mu.
type supply struct {
	spare  *segment
	making bool
	made   chan struct{} // closed when the attempt has ended
	failed error         // of the last attempt
	when   time.Time     // of that failure
	pause  time.Duration // how long after it no other is made, unless something was removed
}

// failurePause spares a disk that is full, and those who wait for it.
const failurePause = 100 * time.Millisecond

// resting reports whether the last attempt has failed just now. Journal.mu is held.
func (s *supply) resting() bool { return s.failed != nil && time.Since(s.when) < s.pause }

// room waits until the active segment has room for a record. j.mu is held, and let go of to wait.
func (j *Journal) room(ctx context.Context, size int64) error {
	for {
		if j.closing {
			return ErrClosed
		}
		if j.active != nil && j.active.fits(size) {
			return nil
		}
		if j.supply.spare != nil {
			j.install()
			continue
		}
		if j.supply.resting() {
			return j.supply.failed
		}
		j.order()
		made := j.supply.made
		j.mu.Unlock()
		var err error
		select {
		case <-made:
		case <-j.closed:
			err = ErrClosed
		case <-ctx.Done():
			err = ctx.Err()
		}
		j.mu.Lock()
		if err == nil && j.supply.made == made {
			err = j.supply.failed // else there was another attempt since, and perhaps there is room
		}
		if err != nil {
			return err
		}
	}
}

// install makes the spare segment the active one. j.mu is held.
func (j *Journal) install() {
	j.seal()
	j.active, j.supply.spare = j.supply.spare, nil
	j.segments = append(j.segments, j.active)
}

// seal ends the active segment. j.mu is held.
func (j *Journal) seal() {
	if s := j.active; s != nil {
		j.active, s.state = nil, sealed
		j.settle(s)
	}
}

// order has a spare segment made, if there is none. j.mu is held.
func (j *Journal) order() {
	if j.supply.spare != nil || j.supply.making || j.closing || j.supply.resting() {
		return
	}
	j.compactSoon()
	j.supply.making, j.supply.made, j.supply.failed = true, make(chan struct{}), nil
	j.work.Go(func() {
		s, err := j.makeSpare()
		j.mu.Lock()
		defer j.mu.Unlock()
		if err != nil {
			j.supply.failed, j.supply.when = err, time.Now()
		}
		j.supply.spare, j.supply.making = s, false
		close(j.supply.made)
	})
}

// makeSpare makes a segment, if Options.MaxBytes allows one.
func (j *Journal) makeSpare() (*segment, error) {
	size := int64(j.opts.SegmentBytes)
	j.mu.Lock()
	for range 2 { // the janitor may have something to remove, and finds more to remove meanwhile
		if j.usage+size > j.opts.MaxBytes {
			j.awaitJanitor()
		}
	}
	if j.usage+size > j.opts.MaxBytes {
		defer j.mu.Unlock()
		return nil, fmt.Errorf("%w: its segments take %d bytes, Options.MaxBytes is %d", ErrFull, j.usage, j.opts.MaxBytes)
	}
	seq := j.reserve(j.own, size)
	zeroed := j.active != nil && j.opts.Sync == SyncAlways // else it is not worth it, or somebody waits
	j.mu.Unlock()
	s, err := j.makeSegment(j.own, seq, size, nil, zeroed)
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.unreserve(j.own, size)
	}
	return s, err
}

// awaitJanitor waits until what the janitor has to do now is done. j.mu is held, and let go of.
func (j *Journal) awaitJanitor() {
	done := make(chan struct{})
	j.later(func() { close(done) })
	j.mu.Unlock()
	select {
	case <-done:
	case <-j.closed:
	}
	j.mu.Lock()
}

// reserve counts a segment that is about to be made. j.mu is held.
func (j *Journal) reserve(h *holder, size int64) (seq uint64) {
	j.usage += size
	h.segments++
	j.seq++
	return j.seq
}

// unreserve is for one that was not made. j.mu is held.
func (j *Journal) unreserve(h *holder, size int64) {
	j.usage -= size
	h.segments--
}

func (j *Journal) makeSegment(h *holder, seq uint64, size int64, instead []origin, zeroed bool) (*segment, error) {
	s, err := createSegment(j.disk, h, seq, header{salt: rand.Uint64(), size: size, created: time.Now(), instead: instead}, zeroed)
	if err != nil {
		return nil, fullOr(fmt.Errorf("segment %d: %w", seq, err))
	}
	s.instead = instead
	return s, nil
}

// fullOr makes errors of a full disk match ErrFull.
func fullOr(err error) error {
	if noSpace(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
