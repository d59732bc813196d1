package journal

import (
	"errors"
	"fmt"
	"slices"
)

// rewriteTries is how many new files are tried.
const rewriteTries = 3

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

// moving is a record that gets another place.
type moving struct {
	placed
	source  *segment
	waited  bool // somebody waits for its Append
	spilled bool // nobody has it
}

// rewrite makes a segment of records, which stands for what it replaces once it is whole. It lies beside that: who adopts
// one adopts the other. j.mu is held, and let go of.
func (j *Journal) rewrite(h *holder, records []moving, instead *[]origin) (to *segment, err error) {
	size := int64(areaStart + markBytes*len(records))
	for _, r := range records {
		size += r.size
	}
	size = (size + areaStart - 1) / areaStart * areaStart
	if n := len(*instead) - maxOrigins + rewriteTries; n > 0 {
		*instead = (*instead)[n:] // so much has failed that the first failures are of no matter
	}
	for range rewriteTries {
		seq := j.reserve(h, size)
		j.mu.Unlock()
		to, err = j.rewriteOnce(h, seq, size, records, instead)
		j.mu.Lock()
		if err == nil {
			return to, nil
		}
		j.unreserve(h, size)
		if errors.Is(err, ErrFull) {
			break
		}
	}
	return nil, err
}

func (j *Journal) rewriteOnce(h *holder, seq uint64, size int64, records []moving, instead *[]origin) (*segment, error) {
	to, err := j.makeSegment(h, seq, size, *instead, false)
	if err != nil {
		return nil, err
	}
	if err = to.fill(records); err == nil {
		return to, nil
	}
	// Its trailer may be on the disk all the same: the next try stands for this one too.
	*instead = append(slices.Clip(*instead), origin{to.key.salt, areaStart})
	_ = to.file.Close()
	if j.disk.remove(to.name) == nil {
		_ = j.disk.syncDir(h.name)
	}
	return nil, fullOr(fmt.Errorf("segment %d: %w", seq, err))
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

// replace puts records that were written to another segment in the place of the old ones. j.mu is held.
func (j *Journal) replace(to *segment, records []moving) {
	to.state, to.written, to.trailed = sealed, to.end, true
	j.segments = append(j.segments, to)
	at := int64(areaStart)
	for i, r := range records {
		s := r.source
		ref := Ref{to, uint32(i), uint32(at / unit)}
		at += r.size
		if !s.done.add(r.ordinal) { // it was done while it was moved
			to.done.add(ref.ordinal)
			to.soil(ref.ordinal)
			continue
		}
		if s.moved == nil {
			s.moved = map[uint32]Ref{}
		}
		s.moved[r.ordinal] = ref
		if r.spilled {
			j.addBacklog(to, 1)
		} else {
			to.hands++
		}
		if r.spilled && !r.waited {
			j.addBacklog(s, -1)
		} else {
			s.hands--
		}
	}
	j.mark(to)
	j.settle(to)
}

// now follows a record to where it is now. j.mu is held.
func (r Ref) now() Ref {
	for {
		to, moved := r.segment.moved[r.ordinal]
		if !moved {
			return r
		}
		r = to
	}
}
