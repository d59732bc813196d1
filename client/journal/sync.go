package journal

import (
	"errors"
	"slices"
)

// maxUnsynced is how many bytes SyncInterval leaves unsynced, and keeps in memory until then, before a writer has to wait
// for a sync.
const maxUnsynced = 8 << 20

// tick is the work of an interval.
func (j *Journal) tick() {
	if err := j.syncWritten(false); err != nil {
		j.log.Error("journal: what was written cannot be synced; the next interval tries again", "error", err)
	}
}

// syncWritten syncs what SyncInterval has left unsynced until now; led says whether the lead is held. Writers go on
// meanwhile.
func (j *Journal) syncWritten(led bool) error {
	var handled []*segment
	var problems []error
	for {
		j.mu.Lock()
		s := j.unsyncedSegment(handled)
		if s == nil {
			j.mu.Unlock()
			return errors.Join(problems...)
		}
		handled = append(handled, s)
		upTo, broken := s.written, s.state == failed
		s.busy++
		j.mu.Unlock()
		err := errBroken
		if !broken {
			err = s.file.sync()
		}
		j.mu.Lock()
		s.busy--
		if err == nil {
			j.counts.syncs++
			j.synced(s, upTo)
			j.mu.Unlock()
			continue
		}
		j.mu.Unlock()
		if err := j.rescueUnsynced(s, led, err); err != nil {
			problems = append(problems, err) // the others go on
		}
	}
}

// unsyncedSegment is the first one with unsynced batches that is not handled yet. What is written from now on stands apart
// from those. j.mu is held.
func (j *Journal) unsyncedSegment(handled []*segment) *segment {
	for _, b := range j.unsynced {
		if !slices.Contains(handled, b.segment) {
			j.unsynced[len(j.unsynced)-1].full = true
			return b.segment
		}
	}
	return nil
}

var errBroken = errors.New("it failed before")

// synced lets go of the batches that are on the disk now. j.mu is held.
func (j *Journal) synced(s *segment, upTo int64) {
	left := j.unsynced[:0]
	for _, b := range j.unsynced {
		if b.segment != s || b.at+int64(len(b.bytes)) > upTo {
			left = append(left, b)
			continue
		}
		j.unsyncedBytes -= len(b.bytes)
		s.busy--
		j.recycle(b)
	}
	clear(j.unsynced[len(left):])
	j.unsynced = left
	j.settle(s)
}

// rescueUnsynced moves what a segment could not sync. The error says that it is unsynced still.
func (j *Journal) rescueUnsynced(s *segment, led bool, cause error) error {
	if !led {
		j.lead <- struct{}{}
		defer func() { <-j.lead }()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if slices.ContainsFunc(j.unsynced, func(b *batch) bool { return b.segment == s }) { // else a writer was faster
		return j.rescue(s, nil, cause)
	}
	return nil
}
