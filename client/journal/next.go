package journal

// Next returns up to n records of the backlog, the oldest segments first, and up to so many bytes of them, but one at
// least; none if there is no backlog. The backlog is what was found at Open, what was adopted since, and what was spilled.
// The records are the caller's, who says Done (or Quarantine) of each; none is given out twice in this process. Next reads
// the disk, and waits for no one but another Next. The error is ErrClosed.
func (j *Journal) Next(n, bytes int) ([]Recovered, error) {
	j.mu.Lock()
	err := j.enter()
	j.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer j.users.Done()
	defer j.adoptPostponed()
	j.read <- struct{}{}
	defer func() { <-j.read }()
	var got []Recovered
	for len(got) < n && bytes > 0 {
		j.mu.Lock()
		s := j.oldestUnread()
		if s == nil {
			j.mu.Unlock()
			break
		}
		s.busy++
		s.begun = true
		to, claimed := s.written, s.backlog
		j.mu.Unlock()
		found, left, ended := j.readOut(s, to, claimed, n-len(got), bytes, len(got) == 0)
		j.mu.Lock()
		s.busy--
		s.hands += len(found)
		read := len(found)
		if ended {
			read = max(read, claimed) // what is damaged is not there
		}
		j.addBacklog(s, -min(read, s.backlog))
		j.settle(s)
		j.mu.Unlock()
		got = append(got, found...)
		bytes = left
	}
	return got, nil
}

// oldestUnread is the segment where Next goes on. j.mu is held.
func (j *Journal) oldestUnread() (oldest *segment) {
	for _, s := range j.segments {
		if s.backlog > 0 && (oldest == nil || s.older(oldest) < 0) {
			oldest = s
		}
	}
	return oldest
}

// readOut reads records of a segment, of which it has so many as claimed for Next. left is how many bytes are left, 0 when the
// next record does not fit; ended says that the segment was read to the given end. j.read is held.
func (j *Journal) readOut(s *segment, to int64, claimed, n, bytes int, atLeastOne bool) (found []Recovered, left int, ended bool) {
	if s.scan == nil {
		s.scan = s.scanner(areaStart, to)
		s.scan.damage = func(from, to int64, tail bool) { j.damaged(s, from, to, tail) }
	}
	s.scan.end = to
	if s.adopted {
		s.scan.end = s.limit
	}
	for len(found) < min(n, claimed) {
		v, at, ok := s.scan.next()
		if !ok {
			s.scan.buf = nil
			return found, bytes, true
		}
		if s.adopted && s.before.has(v.ordinal) || !s.adopted && v.flags()&flagSpilled == 0 {
			continue
		}
		size := len(v.bytes) - recordBytes
		if size > bytes && (len(found) > 0 || !atLeastOne) {
			s.scan.at, s.scan.least = at, v.ordinal // next time
			return found, 0, false
		}
		bytes -= size
		found = append(found, Recovered{Ref{s, v.ordinal, uint32(at / unit)}, v.record()})
	}
	if s.adopted && len(found) == claimed { // behind its last record there may be damage
		s.scan.rest()
		return found, max(bytes, 0), true
	}
	return found, max(bytes, 0), false
}

// Backlog is the number of records that Next has still to give out. It is exact for what was spilled; for what was left by
// the dead it is an upper bound where the disk has damaged records. 0 means that there are none.
func (j *Journal) Backlog() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.backlog
}

// addBacklog counts records that are to be given out. j.mu is held; the caller has tellNews called later.
func (j *Journal) addBacklog(s *segment, n int) {
	s.backlog += n
	if j.backlog == 0 && n > 0 {
		j.news = true
	}
	j.backlog += n
}

// Notify has f called, from whatever goroutine and under no lock, when a backlog appears where there was none; and at
// once, before Notify returns, if there is one. It must not block: Append and Spill wait for it. There is one f; nil ends
// the calls.
func (j *Journal) Notify(f func()) {
	j.mu.Lock()
	j.notify = f
	j.news = j.backlog > 0
	j.mu.Unlock()
	j.tellNews()
}

// tellNews calls what Notify was given, if there is a backlog where there was none.
func (j *Journal) tellNews() {
	j.mu.Lock()
	f, news := j.notify, j.news
	j.news = false
	j.mu.Unlock()
	if news && f != nil {
		f()
	}
}
