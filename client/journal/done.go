package journal

import (
	"errors"
	"fmt"
	"slices"
)

// Done says that records are delivered: they are never given out again, and their room is reclaimed when nothing else in
// their segment is pending. The marks are written before it returns, so that they survive the process, and not synced:
// after a loss of power a record may come back. The error is that of such a write, or ErrClosed; then those records may
// come back after a restart. A zero Ref, and one that is done, change nothing.
func (j *Journal) Done(refs ...Ref) error {
	j.mu.Lock()
	if err := j.enter(); err != nil {
		j.mu.Unlock()
		return err
	}
	defer j.users.Done()
	var few [4]*segment
	touched := few[:0]
	for _, ref := range refs {
		if ref.IsZero() {
			continue
		}
		ref = ref.now()
		s := ref.segment
		if s.state == gone || !s.done.add(ref.ordinal) {
			continue
		}
		s.hands--
		s.soil(ref.ordinal)
		if !slices.Contains(touched, s) {
			touched = append(touched, s)
			s.busy++
		}
	}
	j.mu.Unlock()
	var problems []error
	for _, s := range touched {
		if err := j.writeMarks(s); err != nil {
			problems = append(problems, fmt.Errorf("segment %d: marks: %w", s.seq, err))
		}
	}
	j.mu.Lock()
	for _, s := range touched {
		s.busy--
		j.settle(s)
	}
	j.mu.Unlock()
	return errors.Join(problems...)
}

// settle removes a segment that nobody needs any more. j.mu is held.
func (j *Journal) settle(s *segment) {
	if s.busy > 0 || s.kept || (s.state != sealed && s.state != failed) {
		return
	}
	if s.pending() == 0 {
		s.state = gone
		j.later(func() { j.unlink(s) })
	} else if s.state == sealed && !s.adopted && !s.trailed {
		s.trailed = true
		s.busy++
		j.later(func() { j.trail(s) })
	}
}

// later has work done by the janitor. j.mu is held.
func (j *Journal) later(f func()) {
	j.jobs = append(j.jobs, f)
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// runJobs does what the janitor has to do: what takes the file system longer than a caller should wait.
func (j *Journal) runJobs() {
	for {
		j.mu.Lock()
		jobs := j.jobs
		j.jobs = nil
		j.mu.Unlock()
		if len(jobs) == 0 {
			return
		}
		for _, f := range jobs {
			f()
		}
	}
}

func (j *Journal) trail(s *segment) {
	if err := s.writeTrailer(); err != nil {
		j.log.Debug("journal: a segment has no trailer; the next start will read it whole", "segment", s.name, "error", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.busy--
	j.settle(s)
}

// unlink removes a segment that is gone, and its subdirectory if that was an orphan's last.
func (j *Journal) unlink(s *segment) {
	_ = s.file.Close()
	err := j.disk.remove(s.name)
	if err == nil {
		err = j.disk.syncDir(s.holder.name)
	}
	if err != nil {
		j.log.Warn("journal: a segment stays behind; its records come back after a restart", "segment", s.name, "error", err)
	}
	j.mu.Lock()
	j.forget(s)
	j.supply.failed = nil // there is room again
	h := s.holder
	last := h.segments == 0 && h != j.own
	if last {
		delete(j.holders, h.name)
	}
	j.mu.Unlock()
	if last {
		j.letGo(h)
	}
}

// forget takes a segment out of the books. j.mu is held.
func (j *Journal) forget(s *segment) {
	for i, other := range j.segments {
		if other == s {
			j.segments = append(j.segments[:i], j.segments[i+1:]...)
			break
		}
	}
	j.usage -= s.size
	s.holder.segments--
	s.before, s.done, s.scan = doneSet{}, doneSet{}, nil
}
