package journal

import "io"

// scanner reads the records of a segment one by one, in constant memory, and steps over what is none.
type scanner struct {
	from  io.ReaderAt
	key   key
	at    int64  // where the next record is looked for
	end   int64  // no record reaches beyond it
	least uint32 // the next record has this ordinal or a later one

	// damage is called for bytes between from and to that are no record although one follows, and, with tail set, for
	// those between the last record and the end. Nil: nobody wants to know.
	damage func(from, to int64, tail bool)
	// unreadable counts the blocks of the disk that could not be read; they count as zeros.
	unreadable int

	buf   []byte // what was read
	start int64  // where buf begins in the segment
}

const (
	readBytes  = 256 << 10
	blockBytes = 4096
)

// next returns the next record, at the offset where it begins; its bytes are good until the call after. ok is false at
// the end.
func (s *scanner) next() (v view, at int64, ok bool) {
	from := s.at // where something that is no record begins
	for s.at+recordBytes <= s.end {
		length, ok := look(s.bytes(s.at, recordBytes), s.key, s.at)
		if !ok || s.at+length > s.end {
			s.at += unit
			continue
		}
		b := s.bytes(s.at, length)
		if ordinal := le.Uint32(b[8:]); ordinal < s.least || !verify(b, s.key) {
			s.at += unit
			continue
		}
		if at = s.at; at > from && s.damage != nil {
			s.damage(from, at, false)
		}
		v = view{bytes: b, ordinal: le.Uint32(b[8:])}
		s.at, s.least = s.at+(length+unit-1)/unit*unit, v.ordinal+1
		return v, at, true
	}
	if s.at = s.end; from < s.end && s.damage != nil {
		s.damage(from, s.end, true)
	}
	return view{}, s.end, false
}

// rest reads to the end for what is damaged.
func (s *scanner) rest() {
	for _, _, ok := s.next(); ok; _, _, ok = s.next() {
		continue
	}
	s.buf = nil
}

// bytes returns n bytes of the segment, which lie before the end.
func (s *scanner) bytes(at, n int64) []byte {
	if at < s.start || at+n > s.start+int64(len(s.buf)) {
		s.fill(at, n)
	}
	return s.buf[at-s.start:][:n]
}

// fill reads n bytes at least. What was read before and is still wanted is kept.
func (s *scanner) fill(at, n int64) {
	want := max(n, min(readBytes, s.end-at))
	have := 0
	if skip := at - s.start; skip >= 0 && skip < int64(len(s.buf)) {
		have = copy(s.buf, s.buf[skip:])
	}
	if int64(cap(s.buf)) < want {
		grown := make([]byte, want)
		copy(grown, s.buf[:have])
		s.buf = grown
	}
	s.buf, s.start = s.buf[:want], at
	s.unreadable += readBlocks(s.from, s.buf[have:], at+int64(have))
}

// readBlocks fills b. If the disk refuses, it is asked for each block alone; those that cannot be read are zeros.
func readBlocks(from io.ReaderAt, b []byte, at int64) (unreadable int) {
	if n, err := from.ReadAt(b, at); err == nil || n == len(b) {
		return 0
	}
	for done := 0; done < len(b); {
		size := min(len(b)-done, int(blockBytes-(at+int64(done))%blockBytes))
		block := b[done : done+size]
		if n, err := from.ReadAt(block, at+int64(done)); err != nil && n < size {
			clear(block[n:])
			if err != io.EOF { // a file that is shorter than it says ends in zeros
				unreadable++
			}
		}
		done += size
	}
	return unreadable
}

// readMarks reads the marks of the first n records.
func readMarks(from io.ReaderAt, k key, size int64, n uint32) (d doneSet) {
	const perRead = readBytes / markBytes
	buf := make([]byte, min(int64(n), perRead)*markBytes)
	for first := uint32(0); first < n; first += perRead {
		last := min(first+perRead, n) - 1
		at := markOffset(size, last)
		b := buf[:markBytes*int(last-first+1)]
		readBlocks(from, b, at)
		for ordinal := first; ordinal <= last; ordinal++ {
			if le.Uint64(b[markBytes*int(last-ordinal):]) == k.mark(ordinal) {
				d.add(ordinal)
			}
		}
	}
	return d
}
