package journal

import (
	"errors"
	"fmt"
)

// rescueTries is how many new files are tried for records in doubt.
const rescueTries = 3

// rescue closes a segment for ever after a failed write or sync: on Linux a second fdatasync after a failed one reports
// success and has written nothing. What was not known to be on the disk, current and what is gathered and unsynced, goes
// into a segment of its own, and only then is anyone told nil. If that fails too, those who wait get the error, and what
// SyncInterval has promised to others is tried again at the next interval: then it returns the error too. The lead and j.mu
// are held; j.mu is not while the disk works.
func (j *Journal) rescue(s *segment, current *batch, cause error) error {
	if j.active == s {
		j.active = nil
	}
	s.state = failed
	j.counts.failures++
	promised := take(&j.unsynced, s)
	waiting := take(&j.queue, s)
	if current != nil {
		waiting = append([]*batch{current}, waiting...)
	}
	j.mu.Unlock()
	j.log.Error("journal: a segment failed and is closed; what is in doubt goes into another", "segment", s.name, "error", cause)
	j.read <- struct{}{} // Next does not read what is moved
	j.mu.Lock()
	err := j.move(s, promised, waiting)
	if err != nil {
		j.unsynced = append(promised, j.unsynced...) // unsyncedBytes counts them still
		j.refuse(s, waiting, fullOr(fmt.Errorf("segment %d: %w", s.seq, err)))
	}
	<-j.read
	j.mark(s)
	j.settle(s)
	if len(promised) == 0 {
		return nil // all who have to know were told
	}
	return err
}

// take removes the batches of a segment from a list.
func take(list *[]*batch, s *segment) (taken []*batch) {
	var left []*batch
	for _, b := range *list {
		if b.segment == s {
			taken = append(taken, b)
		} else {
			left = append(left, b)
		}
	}
	*list = left
	return taken
}

// refuse ends batches with an error. j.mu is held.
func (j *Journal) refuse(s *segment, batches []*batch, err error) {
	for _, b := range batches {
		for r := range b.records() {
			if s.done.add(r.ordinal) {
				s.hands--
				s.soil(r.ordinal)
			}
		}
		s.busy--
		b.outcome.end(err)
		j.recycle(b)
	}
}

// mark writes marks while j.mu, which is held, is let go of. A failure is no harm but that records come back.
func (j *Journal) mark(s *segment) {
	s.busy++
	j.mu.Unlock()
	if err := j.writeMarks(s); err != nil {
		j.log.Warn("journal: records that were refused or moved may come back after a restart", "segment", s.name, "error", err)
	}
	j.mu.Lock()
	s.busy--
}

// placed is a record of a batch.
type placed struct {
	view
	at   int64
	size int64
}

// records walks over a batch.
func (b *batch) records() func(func(placed) bool) {
	return func(yield func(placed) bool) {
		for at := int64(0); at < int64(len(b.bytes)); {
			length, _ := look(b.bytes[at:], b.segment.key, b.at+at)
			size := (length + unit - 1) / unit * unit
			v := view{bytes: b.bytes[at : at+length], ordinal: le.Uint32(b.bytes[at+8:])}
			if !yield(placed{v, b.at + at, size}) {
				return
			}
			at += size
		}
	}
}

// moving is a record in doubt.
type moving struct {
	placed
	waited  bool // somebody waits for it
	spilled bool // nobody has it
}

// doubtful lists the records of batches that are not done, and where the first of them begins. j.read and j.mu are held.
func doubtful(s *segment, promised, waiting []*batch) (records []moving, from int64) {
	from = s.end
	for i, b := range append(promised[:len(promised):len(promised)], waiting...) {
		from = min(from, b.at)
		waited := i >= len(promised)
		for r := range b.records() {
			if !s.done.has(r.ordinal) {
				unread := waited || s.scan == nil || r.at >= s.scan.at
				records = append(records, moving{r, waited, r.flags()&flagSpilled != 0 && unread})
			}
		}
	}
	return records, from
}

// move writes the records of batches that are not done into a new segment, syncs it, and puts it in their place. On an
// error nothing has changed. The lead, j.read and j.mu are held; j.mu is not while the disk works.
func (j *Journal) move(s *segment, promised, waiting []*batch) error {
	records, from := doubtful(s, promised, waiting)
	if len(records) > 0 {
		to, err := j.rewrite(records, origin{s.key.salt, from})
		if err != nil {
			return err
		}
		j.replace(s, to, records)
	}
	s.written = min(s.written, from)
	for _, b := range promised {
		s.busy--
		j.unsyncedBytes -= len(b.bytes)
		j.recycle(b)
	}
	for _, b := range waiting {
		s.busy--
		b.outcome.end(nil)
		j.recycle(b)
	}
	return nil
}

// rewrite makes a segment of records. j.mu is held, and let go of.
func (j *Journal) rewrite(records []moving, instead origin) (to *segment, err error) {
	size := int64(areaStart + markBytes*len(records))
	for _, r := range records {
		size += r.size
	}
	size = (size + areaStart - 1) / areaStart * areaStart
	for range rescueTries {
		seq := j.reserve(size)
		j.mu.Unlock()
		if to, err = j.makeSegment(seq, size, instead); err == nil {
			if err = fullOr(to.fill(records)); err != nil {
				_ = to.file.Close()
				_ = j.disk.remove(to.name)
			}
		}
		j.mu.Lock()
		if err == nil {
			return to, nil
		}
		j.usage -= size
		j.own.segments--
		if errors.Is(err, ErrFull) {
			break
		}
	}
	return nil, err
}

// fill writes records to a segment that nobody else knows. It counts from its trailer on, which is written when they are
// on the disk: then they count here and no longer where they were.
func (s *segment) fill(records []moving) error {
	var area []byte
	for _, r := range records {
		flags := uint32(0)
		if r.spilled {
			flags = flagSpilled
		}
		area = appendMoved(area, s.key, r.bytes, s.next, s.end, flags)
		s.next++
		s.end += r.size
	}
	if _, err := s.file.WriteAt(area, areaStart); err != nil {
		return err
	}
	if err := s.file.sync(); err != nil {
		return err
	}
	if err := s.writeTrailer(); err != nil {
		return err
	}
	return s.file.sync()
}

// replace puts the records of one segment, which were written to another, in the place of the old ones. j.mu is held.
func (j *Journal) replace(s, to *segment, records []moving) {
	to.state, to.written, to.trailed = sealed, to.end, true
	j.segments = append(j.segments, to)
	if s.moved == nil {
		s.moved = map[uint32]Ref{}
	}
	at := int64(areaStart)
	for i, r := range records {
		ref := Ref{to, uint32(i), uint32(at / unit)}
		at += r.size
		if !s.done.add(r.ordinal) { // it was done while it was moved
			to.done.add(ref.ordinal)
			to.soil(ref.ordinal)
			continue
		}
		s.moved[r.ordinal] = ref
		s.soil(r.ordinal)
		if r.spilled && !r.waited {
			j.addBacklog(s, -1)
		} else {
			s.hands--
		}
		if r.spilled {
			j.addBacklog(to, 1)
		} else {
			to.hands++
		}
	}
	j.mark(to)
	j.settle(to)
}

// moved follows a record to where it is now. j.mu is held.
func (r Ref) now() Ref {
	for {
		to, moved := r.segment.moved[r.ordinal]
		if !moved {
			return r
		}
		r = to
	}
}
