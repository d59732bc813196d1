package journal

import (
	"fmt"
)

// rescue closes a segment for ever after a failed write or sync: on Linux a second fdatasync after a failed one reports
// success and has written nothing. What was not known to be on the disk, current and what is gathered and unsynced, goes
// into a segment of its own, and only then is anyone told nil. If that fails too, those who wait get the error, and what
// SyncInterval has promised to others is tried again at the next interval: then it returns the error too. The lead and j.mu
// are held; j.mu is not while the disk works.
func (j *Journal) rescue(s *segment, current *batch, cause error) error {
	if j.active == s {
		j.active = nil
	}
	if s.state != failed {
		s.state = failed
		j.counts.failures++
	}
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

// refuse ends batches with an error, when the disk knows as well as it can that their records do not count. j.mu is held,
// and let go of.
func (j *Journal) refuse(s *segment, batches []*batch, err error) {
	for _, b := range batches {
		for r := range b.records() {
			if s.done.add(r.ordinal) {
				s.hands--
				s.soil(r.ordinal)
			}
		}
	}
	j.mark(s)
	for _, b := range batches {
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

// doubtful lists the records of batches that are not done, and where the first of them begins. j.read and j.mu are held.
func doubtful(s *segment, promised, waiting []*batch) (records []moving, from int64) {
	from = s.end
	for i, b := range append(promised[:len(promised):len(promised)], waiting...) {
		from = min(from, b.at)
		waited := i >= len(promised)
		for r := range b.records() {
			if !s.done.has(r.ordinal) {
				unread := waited || s.scan == nil || r.at >= s.scan.at
				records = append(records, moving{r, s, waited, r.flags()&flagSpilled != 0 && unread})
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
		instead := append([]origin{{s.key.salt, from}}, s.tries...)
		to, err := j.rewrite(s.holder, records, &instead)
		if err != nil {
			s.tries = instead[1:]
			return err
		}
		j.replace(to, records)
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
