package journal

import (
	"cmp"
	"slices"
)

// A few records that nobody delivers would keep whole segments: a queue class whose transport is down, say, among the
// traffic of one that is well. So when half of MaxBytes is taken, what is left in sparse segments is moved together.
const (
	sparse     = 4  // a segment is sparse if no more than a quarter of it is pending
	manySmall  = 32 // so many small segments are put together whatever is in them
	compactMax = 64 // segments at once
)

// compactSoon has the janitor move records together if that is worth its writes. j.mu is held.
func (j *Journal) compactSoon() {
	if !j.compacting && len(j.compactable()) > 0 {
		j.compacting = true
		j.later(j.compact)
	}
}

// compactable lists segments of one subdirectory whose records should be moved into one, none if that gains too little.
// j.mu is held.
func (j *Journal) compactable() []*segment {
	if j.usage < j.opts.MaxBytes/2 {
		return nil
	}
	for _, h := range j.holders {
		if sources := j.compactableOf(h); len(sources) > 0 {
			return sources
		}
	}
	return nil
}

func (j *Journal) compactableOf(h *holder) (sources []*segment) {
	full := int64(j.opts.SegmentBytes)
	small := 0
	for _, s := range j.segments {
		if s.holder != h || !s.movable() {
			continue
		}
		if s.size < full/2 {
			small++
			sources = append(sources, s)
		} else if s.estimate() <= s.size/sparse {
			sources = append(sources, s)
		}
	}
	slices.SortStableFunc(sources, func(a, b *segment) int { return cmp.Compare(a.estimate(), b.estimate()) })
	n, rest, gain := 0, full/2, int64(0)
	for n < min(len(sources), compactMax) && sources[n].estimate() <= rest {
		rest -= sources[n].estimate()
		gain += sources[n].size - sources[n].estimate()
		n++
	}
	worth := max(2*full, j.opts.MaxBytes/8)
	if h != j.own {
		worth = full / 2 // no more will come: it does not pay to wait
	}
	if gain < worth && (small < manySmall || n < manySmall/2) {
		return nil
	}
	return sources[:n]
}

// movable reports whether the records of a segment may get another place. Journal.mu is held.
func (s *segment) movable() bool {
	half := s.adopted && s.backlog > 0 && s.begun // its damage is being looked at
	return (s.state == sealed || s.state == failed) && s.busy == 0 && !s.kept && !half && s.pending() > 0
}

// estimate is about how many bytes of a segment are pending. Journal.mu is held.
func (s *segment) estimate() int64 {
	return (s.end - areaStart) / int64(max(s.next, 1)) * int64(s.pending())
}

// compact moves what is pending in sparse segments into a new one, and removes them.
func (j *Journal) compact() {
	j.mu.Lock()
	closing := j.closing
	j.mu.Unlock()
	if closing {
		return // Close has j.read, or waits for this
	}
	j.read <- struct{}{}
	defer func() { <-j.read }()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.compacting = false
	sources := j.compactable()
	if len(sources) == 0 {
		return
	}
	done := make([]doneSet, len(sources))
	for i, s := range sources {
		s.busy++
		done[i] = doneSet{bits: slices.Clone(s.done.bits)}
	}
	j.mu.Unlock()
	var records []moving
	for i, s := range sources {
		records = append(records, j.collect(s, &done[i])...)
	}
	instead := j.inherited(sources)
	for _, s := range sources {
		instead = append(instead, origin{s.key.salt, areaStart})
	}
	j.mu.Lock()
	to, err := j.rewrite(sources[0].holder, records, &instead)
	if err == nil {
		j.replace(to, records)
		j.counts.compactions++
	} else {
		j.log.Warn("journal: sparse segments could not be put together", "error", err)
	}
	for _, s := range sources {
		if s.busy--; err == nil {
			j.addBacklog(s, -s.backlog) // what is damaged is not there
		}
		j.settle(s)
	}
}

// inherited lists what segments stand for and is still on the disk. Who replaces them stands for it too.
func (j *Journal) inherited(sources []*segment) (origins []origin) {
	names, err := j.disk.list(sources[0].holder.name)
	there := map[uint64]bool{}
	for _, name := range names {
		_, salt, _ := parseSegmentName(name)
		there[salt] = true
	}
	for _, s := range sources {
		for _, o := range s.instead {
			if there[o.salt] || err != nil {
				origins = append(origins, o)
			}
		}
	}
	return origins
}

// collect copies what is pending in a segment. j.read is held.
func (j *Journal) collect(s *segment, done *doneSet) (records []moving) {
	reader := s.scanner(areaStart, s.written)
	if s.adopted {
		reader.end = s.limit
	}
	if s.scan == nil { // Next has not looked for damage
		reader.damage = func(from, to int64, tail bool) { j.damaged(s, from, to, tail) }
	}
	for v, at, ok := reader.next(); ok; v, at, ok = reader.next() {
		if done.has(v.ordinal) || s.before.has(v.ordinal) {
			continue
		}
		unread := (s.adopted || v.flags()&flagSpilled != 0) && (s.scan == nil || at >= s.scan.at)
		v.bytes = slices.Clone(v.bytes)
		size := (int64(len(v.bytes)) + unit - 1) / unit * unit
		records = append(records, moving{placed{v, at, size}, s, false, unread})
	}
	return records
}
