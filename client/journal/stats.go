package journal

import (
	"slices"
	"time"
)

// Stats are what a journal holds, and what it has done since Open.
type Stats struct {
	Records  int   // not done: in the caller's hands, and the backlog
	Backlog  int   // of these, what Next has still to give out
	Bytes    int64 // that the segments take on the disk; above Options.MaxBytes only by what was adopted or is being moved
	Segments int
	Orphans  int // subdirectories that were adopted and are not empty yet

	// Oldest is the Time of the oldest record that is not done; zero if there is none.
	Oldest time.Time

	Appended    uint64 // records stored by Append and Spill
	Syncs       uint64 // that went well, each for many records
	Failures    uint64 // segments closed after a failed write or sync
	Quarantined uint64 // records put aside by Quarantine
	Compactions uint64 // times that records were moved out of sparse segments
	Damaged     uint64 // places in the segments of the dead that were no records, put aside
}

// Stats returns the numbers of now. It may read a part of the oldest segment, to find its oldest record.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	s := Stats{
		Backlog: j.backlog, Bytes: j.usage, Segments: len(j.segments), Orphans: len(j.holders) - 1,
		Appended: j.counts.appended, Syncs: j.counts.syncs, Failures: j.counts.failures,
		Quarantined: j.counts.quarantined, Damaged: j.counts.damaged, Compactions: j.counts.compactions,
	}
	for _, x := range j.segments {
		s.Records += x.pending()
	}
	closing := j.closing
	j.mu.Unlock()
	if !closing {
		s.Oldest = j.oldest()
	}
	return s
}

// first is the oldest record of a segment that is not done, as far as it was looked for.
type first struct {
	known   bool
	at      int64
	ordinal uint32
	time    time.Time
}

// oldest looks for the oldest record that is not done, in the oldest segment that has one. What was passed once is not
// read again.
func (j *Journal) oldest() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	var s *segment
	for _, x := range j.segments {
		if x.state != gone && x.pending() > 0 && (s == nil || x.older(s) < 0) {
			s = x
		}
	}
	if s == nil {
		return time.Time{}
	}
	f, to := s.first, s.written
	if f.known && !s.done.has(f.ordinal) {
		return f.time
	}
	done := doneSet{bits: slices.Clone(s.done.bits)}
	s.busy++
	j.mu.Unlock()
	reader := s.scanner(max(areaStart, f.at), to)
	reader.least = f.ordinal
	found := first{time: s.created} // what is pending is not written yet
	for v, at, ok := reader.next(); ok; v, at, ok = reader.next() {
		if !done.has(v.ordinal) && !s.before.has(v.ordinal) {
			found = first{true, at, v.ordinal, v.time()}
			break
		}
	}
	j.mu.Lock()
	if s.busy--; found.known {
		s.first = found
	}
	j.settle(s)
	return found.time
}
