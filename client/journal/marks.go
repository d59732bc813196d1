package journal

import "slices"

// spanMarks is how many marks are written at once at the most: those of a page.
const spanMarks = blockBytes / markBytes

// span is a range of ordinals, both included, not across a multiple of spanMarks.
type span struct{ first, last uint32 }

// soil notes that the mark of a record is to be written. Journal.mu is held.
func (s *segment) soil(ordinal uint32) {
	for i := range s.dirty {
		d := &s.dirty[i]
		if d.first/spanMarks == ordinal/spanMarks {
			d.first, d.last = min(d.first, ordinal), max(d.last, ordinal)
			return
		}
	}
	s.dirty = append(s.dirty, span{ordinal, ordinal})
}

// writeMarks writes the marks that are to be written, in one write a span, whoever noted them: of calls at the same time
// the first does it all. Between the new marks it writes what was there before: marks and zeros. Nothing is held.
func (j *Journal) writeMarks(s *segment) error {
	s.marking.Lock()
	defer s.marking.Unlock()
	for {
		j.mu.Lock()
		if len(s.dirty) == 0 {
			j.mu.Unlock()
			return nil
		}
		d := s.dirty[len(s.dirty)-1]
		s.dirty = s.dirty[:len(s.dirty)-1]
		s.marks = s.marks[:0]
		for i := int64(d.last); i >= int64(d.first); i-- {
			mark := uint64(0)
			if o := uint32(i); s.done.has(o) || s.before.has(o) {
				mark = s.key.mark(o)
			}
			s.marks = le.AppendUint64(s.marks, mark)
		}
		j.mu.Unlock()
		if _, err := s.file.WriteAt(s.marks, markOffset(s.size, d.last)); err != nil {
			j.mu.Lock()
			s.dirty = append(s.dirty, d)
			j.mu.Unlock()
			return err
		}
	}
}

// doneSet has a bit for each record that is done.
type doneSet struct {
	bits  []uint64
	count int
}

func (d *doneSet) has(ordinal uint32) bool {
	i := int(ordinal / 64)
	return i < len(d.bits) && d.bits[i]>>(ordinal%64)&1 == 1
}

// add reports whether the record was not there yet.
func (d *doneSet) add(ordinal uint32) bool {
	if d.has(ordinal) {
		return false
	}
	if n := int(ordinal/64) + 1; n > len(d.bits) {
		d.bits = slices.Grow(d.bits, n-len(d.bits))[:n]
	}
	d.bits[ordinal/64] |= 1 << (ordinal % 64)
	d.count++
	return true
}
