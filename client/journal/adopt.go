package journal

import (
	"errors"
	"os"
	"slices"
)

// maxOrphans is how many orphans with a backlog are held at once, with two files open each at least.
const maxOrphans = 64

// laden reports that orphans are to wait: those of a whole fleet, in an outage say, must not take all the room that Append
// has here, nor the file descriptors, nor the time of Open, while a neighbour may take some. j.mu is held.
func (j *Journal) laden() bool {
	return j.backlog > 0 && (j.usage >= j.opts.MaxBytes/2 || len(j.holders) > maxOrphans)
}

// adoptPostponed takes over the orphans that had to wait, if there is no backlog any more.
func (j *Journal) adoptPostponed() {
	j.mu.Lock()
	due := j.postponed && j.backlog == 0
	j.mu.Unlock()
	if due {
		j.adopt()
	}
}

// adopt takes over the orphans of the directory, the oldest first.
func (j *Journal) adopt() {
	names, err := j.disk.list(".")
	if err != nil {
		j.log.Warn("journal: the directory cannot be read; orphans wait", "error", err)
		return
	}
	slices.Sort(names) // by their age
	for _, name := range names {
		j.mu.Lock()
		_, held := j.holders[name]
		stop := j.closing
		j.postponed = j.laden()
		stop = stop || j.postponed
		j.mu.Unlock()
		if stop {
			return
		}
		if held || !adoptable(name) {
			continue
		}
		if err := j.adoptOne(name); err != nil {
			j.log.Warn("journal: an orphan cannot be adopted yet", "name", name, "error", err)
		}
	}
}

func (j *Journal) adoptOne(name string) error {
	lock, err := j.disk.lock(name, nil)
	if errors.Is(err, errLocked) {
		return nil // its holder lives
	}
	if err != nil {
		return err
	}
	h := &holder{name: name, lock: lock}
	taken, err := j.take(h)
	if err != nil {
		return errors.Join(err, lock.release(false))
	}
	if taken == 0 {
		j.letGo(h)
	}
	return nil
}

// take makes what is in a subdirectory, whose lock is held, a part of this journal. It returns how many segments it found.
func (j *Journal) take(h *holder) (taken int, err error) {
	segments, err := openSegments(j.disk, h, os.O_RDWR)
	if err != nil || len(segments) == 0 {
		return 0, err
	}
	for _, s := range segments {
		if s.backlog == 0 && s.torn { // Next will not read it
			reader := s.scanner(areaStart, s.limit)
			reader.damage = func(from, to int64, tail bool) { j.damaged(s, from, to, tail) }
			reader.rest()
		}
	}
	j.mu.Lock()
	j.holders[h.name] = h
	records := 0
	for _, s := range segments {
		h.segments++
		j.usage += s.size
		if h == j.own {
			j.seq = max(j.seq, s.seq) // names there go on from this one
		}
		j.segments = append(j.segments, s)
		records += s.backlog
		n := s.backlog
		s.backlog = 0
		j.addBacklog(s, n)
		j.settle(s)
	}
	j.mu.Unlock()
	if records > 0 {
		j.log.Info("journal: an orphan was adopted", "name", h.name, "segments", len(segments), "records", records)
	}
	j.tellNews()
	return len(segments), nil
}
