package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const segmentSuffix = ".seg"

// segment is a file of records. Its fields below mu of the Journal are guarded by that.
type segment struct {
	holder  *holder
	name    string // within the disk
	seq     uint64
	key     key
	size    int64
	created time.Time
	file    file
	adopted bool // written by another Journal: everything in it that is not done is backlog

	limit   int64    // of an adopted segment: nothing beyond it can be a record
	before  doneSet  // of an adopted segment: what was done when it was adopted
	instead []origin // what it stands for
	whole   bool     // of an adopted segment: it has a trailer
	torn    bool     // of an adopted segment: there are bytes that are no record

	// Guarded by Journal.mu.
	state   state
	next    uint32         // the ordinal of the next record
	end     int64          // where it begins
	written int64          // up to here the file has what was appended: it may be read
	hands   int            // records that the caller has: appended or given out, and not done
	backlog int            // records that Next has to give out; for an adopted segment an estimate until it was read
	done    doneSet        // what Done was told, and what an Append was refused for
	busy    int            // calls that need the file
	moved   map[uint32]Ref // where records are now, by ordinal
	tries   []origin       // segments that were to stand for a part of this one, and failed too
	first   first          // of Stats
	dirty   []span         // of the marks: done and not written
	trailed bool           // its trailer is written, or about to be
	begun   bool           // Next has begun to read it
	kept    bool           // not to be removed: what is damaged in it could not be put aside

	marking sync.Mutex // held while marks are written; taken before Journal.mu
	marks   []byte     // room for them; guarded by marking

	// Guarded by Journal.read.
	scan  *scanner // where Next is; nil before it has begun
	aside *aside   // what is damaged
}

type state uint8

const (
	active state = iota // records are appended
	sealed              // full
	failed              // a write or a sync went wrong: nothing is ever written to its area again
	gone                // removed, or about to be
)

// segmentName has the salt too, so that a damaged header does not cost the whole file.
func segmentName(seq, salt uint64) string {
	return fmt.Sprintf("%016x-%016x%s", seq, salt, segmentSuffix)
}

func parseSegmentName(name string) (seq, salt uint64, ok bool) {
	stem, isSegment := strings.CutSuffix(name, segmentSuffix)
	first, second, two := strings.Cut(stem, "-")
	if !isSegment || !two || len(first) != 16 || len(second) != 16 {
		return 0, 0, false
	}
	seq, err := strconv.ParseUint(first, 16, 64)
	salt, err2 := strconv.ParseUint(second, 16, 64)
	return seq, salt, err == nil && err2 == nil
}

// createSegment makes a segment that is durable with its name. With zeroed it is written once: a file system like ext4 then
// need not note at each sync which of the blocks are in use, and that sync takes about a third less. After an error nothing
// is left, unless the disk refuses that too.
func createSegment(d disk, h *holder, seq uint64, front header, zeroed bool) (_ *segment, err error) {
	s := &segment{
		holder: h, name: path.Join(h.name, segmentName(seq, front.salt)), seq: seq, key: newKey(front.salt), size: front.size,
		created: front.created, end: areaStart, written: areaStart,
	}
	if s.file, err = d.open(s.name, os.O_CREATE|os.O_EXCL|os.O_RDWR); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = s.file.Close()
			_ = d.remove(s.name)
		}
	}()
	if err := s.file.preallocate(s.size); err != nil {
		return nil, err
	}
	if zeroed {
		if err := writeZeros(s.file, s.size); err != nil {
			return nil, err
		}
	}
	if _, err := s.file.WriteAt(front.encode(), 0); err != nil {
		return nil, err
	}
	if err := s.file.sync(); err != nil {
		return nil, err
	}
	return s, d.syncDir(h.name)
}

// openSegments opens the segments of a subdirectory that another Journal has written, oldest first.
func openSegments(d disk, h *holder, flag int) (segments []*segment, err error) {
	defer func() {
		if err != nil {
			for _, s := range segments {
				_ = s.file.Close() // nothing was written
			}
		}
	}()
	names, err := d.list(h.name)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, base := range names {
		if _, _, ok := parseSegmentName(base); !ok {
			continue
		}
		s, err := openSegment(d, h, base, flag)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since: we look without the lock
		}
		if err != nil {
			return segments, err
		}
		segments = append(segments, s)
	}
	limits := map[uint64]int64{} // by salt
	for _, s := range segments {
		_, s.whole = s.readTrailer()
		for _, o := range s.instead {
			if from, ok := limits[o.salt]; s.whole && (!ok || o.from < from) {
				limits[o.salt] = o.from
			}
		}
	}
	for _, s := range segments {
		limit := s.size
		if from, ok := limits[s.key.salt]; ok {
			limit = min(limit, from)
		}
		if len(s.instead) > 0 && !s.whole {
			limit = 0 // what it stands for counts still
		}
		s.survey(limit)
	}
	return segments, nil
}

// openSegment opens one, and does not know yet what is in it.
func openSegment(d disk, h *holder, base string, flag int) (_ *segment, err error) {
	seq, salt, _ := parseSegmentName(base)
	s := &segment{holder: h, name: path.Join(h.name, base), seq: seq, key: newKey(salt), adopted: true, state: sealed}
	if s.file, err = d.open(s.name, flag); err != nil {
		return nil, err
	}
	s.size, err = s.file.size()
	if err == nil && s.size > MaxSegmentBytes {
		err = fmt.Errorf("segment %q: has %d bytes, more than any may have", s.name, s.size)
	}
	if err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	front := make([]byte, trailerStart)
	readBlocks(s.file, front, 0)
	// A file that was cut short still knows its size by the header: marks are counted from the end.
	if h, ok := parseHeader(front); ok {
		s.key, s.size, s.created, s.instead = newKey(h.salt), h.size, h.created, h.instead
	}
	return s, nil
}

func (s *segment) readTrailer() (trailer, bool) {
	b := make([]byte, trailerBytes)
	readBlocks(s.file, b, trailerStart)
	return parseTrailer(b, s.key, s.size)
}

// survey finds out how much an adopted segment holds before a limit. With a trailer it need not read the records.
func (s *segment) survey(limit int64) {
	s.end, s.limit = areaStart, areaStart
	if limit <= areaStart {
		return
	}
	if t, ok := s.readTrailer(); ok && t.end <= limit {
		s.next, s.end, s.limit = t.records, t.end, t.end
	} else {
		counting := s.scanner(areaStart, limit)
		counting.damage = func(from, to int64, tail bool) {
			if !tail || s.hasBytes(from, min(to, s.size-markBytes*int64(s.next))) {
				s.torn = true
			}
		}
		for v, _, ok := counting.next(); ok; v, _, ok = counting.next() {
			s.next, s.end = v.ordinal+1, counting.at
		}
		s.limit = max(s.end, min(limit, s.size-markBytes*int64(s.next)))
	}
	s.written = s.end
	s.before = readMarks(s.file, s.key, s.size, s.next)
	s.backlog = int(s.next) - s.before.count
}

func (s *segment) scanner(from, to int64) *scanner {
	return &scanner{from: s.file, key: s.key, at: from, end: to}
}

// fits reports whether a record of that size has room, and its mark too.
func (s *segment) fits(size int64) bool { return s.end+size <= markOffset(s.size, s.next) }

// pending is the number of records that are not done.
func (s *segment) pending() int { return s.hands + s.backlog }

func (s *segment) older(other *segment) int {
	return cmp.Or(s.created.Compare(other.created), cmp.Compare(s.holder.name, other.holder.name), cmp.Compare(s.seq, other.seq))
}

// writeTrailer makes the next start cheaper, and is not needed.
func (s *segment) writeTrailer() error {
	_, err := s.file.WriteAt(trailer{records: s.next, end: s.end}.encode(s.key), trailerStart)
	return err
}
