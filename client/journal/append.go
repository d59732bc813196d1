package journal

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"
)

// batch is what is written to a segment at once. Each segment has one in the queue at most.
type batch struct {
	segment *segment
	at      int64 // where it begins
	bytes   []byte
	spilled int  // records that go to the backlog
	full    bool // unsynced, and no other is added to it
	outcome *outcome
}

// outcome is what all who wait for a batch get.
type outcome struct {
	done chan struct{} // nil until somebody waits; guarded by Journal.mu
	over bool          // set before the lead is given back, and before done is closed; so is err
	err  error
}

// Append stores a record that the caller keeps too, and delivers: Next does not give it out in this process. It returns nil
// when the record is stored as Options.Sync says, and blocks for that only: for a write with SyncInterval, for a sync that
// all share with SyncAlways, and now and then until a new file is ready.
//
// The error matches ErrFull, ErrClosed or ErrTooLarge, or is that of the disk: then the record is not stored. Or it is the
// error of ctx: then, if the Ref is not zero, the record may be stored and found after a restart; [Journal.Done] says that
// it is no longer wanted. Append does not keep Body and Meta after its return.
func (j *Journal) Append(ctx context.Context, r Record) (Ref, error) { return j.append(ctx, &r, 0) }

// Spill stores a record that the caller does not keep: as Append, but the record joins the backlog, and Next gives it out.
// If the error is that of ctx, that may happen all the same.
func (j *Journal) Spill(ctx context.Context, r Record) error {
	_, err := j.append(ctx, &r, flagSpilled)
	return err
}

func (j *Journal) append(ctx context.Context, r *Record, flags uint32) (Ref, error) {
	if len(r.Class) > math.MaxUint16 || len(r.Meta) > math.MaxUint16 || r.size() > capacity(int64(j.opts.SegmentBytes)) {
		return Ref{}, fmt.Errorf("%w: body of %d bytes, class of %d, meta of %d", ErrTooLarge, len(r.Body), len(r.Class), len(r.Meta))
	}
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	j.mu.Lock()
	if err := j.enter(); err != nil {
		j.mu.Unlock()
		return Ref{}, err
	}
	defer j.users.Done()
	if err := j.room(ctx, r.size()); err != nil {
		j.mu.Unlock()
		return Ref{}, err
	}
	ref, out := j.gather(r, flags)
	select {
	case j.lead <- struct{}{}:
		j.mu.Unlock()
		j.writeGathered()
		return out.told(ref)
	default:
	}
	if out.done == nil {
		out.done = make(chan struct{})
	}
	j.mu.Unlock()
	select {
	case <-out.done:
	case j.lead <- struct{}{}: // the writer has ended: the next one is who comes first
		if out.over {
			<-j.lead
		} else {
			j.writeGathered()
		}
	case <-ctx.Done():
		return ref, ctx.Err()
	}
	return out.told(ref)
}

// told is the end of an Append whose batch is over.
func (o *outcome) told(ref Ref) (Ref, error) {
	if o.err != nil {
		return Ref{}, o.err
	}
	return ref, nil
}

func (o *outcome) end(err error) {
	o.err, o.over = err, true
	if o.done != nil {
		close(o.done)
	}
}

// gather encodes a record into the batch of the active segment, which has room. j.mu is held.
func (j *Journal) gather(r *Record, flags uint32) (Ref, *outcome) {
	s := j.active
	var b *batch
	if n := len(j.queue); n > 0 && j.queue[n-1].segment == s {
		b = j.queue[n-1]
	} else {
		b = j.emptyBatch()
		b.segment, b.at, b.outcome = s, s.end, &outcome{}
		j.queue = append(j.queue, b)
		s.busy++
	}
	b.bytes = appendRecord(b.bytes, s.key, r, s.next, s.end, flags)
	if flags&flagSpilled != 0 {
		b.spilled++
	}
	ref := Ref{s, s.next, uint32(s.end / unit)}
	s.next++
	s.end += r.size()
	s.hands++
	j.counts.appended++
	if s.end > s.size/2 {
		j.order() // so that the next segment is ready when this one is full
	}
	return ref, b.outcome
}

const (
	keptBatches     = 4
	keptBufferBytes = 1 << 20
)

// emptyBatch has an empty buffer. j.mu is held.
func (j *Journal) emptyBatch() *batch {
	if n := len(j.free); n > 0 {
		b := j.free[n-1]
		j.free = j.free[:n-1]
		return b
	}
	return &batch{bytes: make([]byte, 0, blockBytes)}
}

// recycle takes a batch back. j.mu is held.
func (j *Journal) recycle(b *batch) {
	if len(j.free) < keptBatches && cap(b.bytes) <= 2*keptBufferBytes {
		*b = batch{bytes: b.bytes[:0]}
		j.free = append(j.free, b)
	}
}

// keep keeps a batch that is written until it is synced. j.mu is held, and let go of if there are too many.
func (j *Journal) keep(b *batch) {
	j.unsyncedBytes += len(b.bytes)
	n := len(j.unsynced)
	if n > 0 && !j.unsynced[n-1].full && j.unsynced[n-1].segment == b.segment && len(j.unsynced[n-1].bytes)+len(b.bytes) <= keptBufferBytes {
		last := j.unsynced[n-1] // they are neighbours in the file too
		last.bytes = append(last.bytes, b.bytes...)
		j.recycle(b)
	} else {
		b.segment.busy++
		j.unsynced = append(j.unsynced, b)
	}
	if j.unsyncedBytes > maxUnsynced {
		j.mu.Unlock()
		_ = j.syncWritten(true) // the next interval tells
		j.mu.Lock()
	}
}

// writeGathered writes what is gathered and gives the lead back.
func (j *Journal) writeGathered() {
	j.mu.Lock()
	j.commit()
	j.mu.Unlock()
	<-j.lead
	j.tellNews()
}

// commit writes what is gathered, and with SyncAlways syncs it. The lead and j.mu are held; j.mu is not while the disk works.
func (j *Journal) commit() {
	if j.opts.Sync == SyncAlways {
		j.gatherMore()
	}
	for range len(j.queue) { // what comes now has a writer of its own: nobody writes for ever
		b := j.queue[0]
		j.queue = j.queue[:copy(j.queue, j.queue[1:])]
		j.mu.Unlock()
		_, err := b.segment.file.WriteAt(b.bytes, b.at)
		if err == nil && j.opts.Sync == SyncAlways {
			err = b.segment.file.sync()
		}
		j.mu.Lock()
		switch {
		case err != nil:
			_ = j.rescue(b.segment, b, err) // each batch tells its own
		case j.opts.Sync == SyncAlways:
			j.counts.syncs++
			j.stored(b)
			j.recycle(b)
		default:
			j.stored(b)
			j.keep(b)
		}
	}
}

// gatherMore lets those who were just told append again, before the next sync instead of behind it: otherwise callers fall
// into groups of which each waits for the syncs of the others. Where nobody else is ready to run this costs nothing. j.mu
// is held, and let go of.
func (j *Journal) gatherMore() {
	for range 4 {
		before := j.counts.appended
		j.mu.Unlock()
		runtime.Gosched()
		j.mu.Lock()
		if j.counts.appended == before {
			return
		}
	}
}

// stored takes a batch for stored, and wakes who waits for it. j.mu is held.
func (j *Journal) stored(b *batch) {
	s := b.segment
	s.busy--
	s.written = b.at + int64(len(b.bytes))
	s.hands -= b.spilled
	j.addBacklog(s, b.spilled)
	b.outcome.end(nil)
	j.settle(s)
}
