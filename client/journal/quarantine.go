package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// quarantineDir is where lines for people lie; they are in no subdirectory of a holder, since those come to an end.
const (
	quarantineDir    = "quarantine"
	quarantineSuffix = ".jsonl"
	damageSuffix     = ".damage.jsonl"
)

// line is one in the files of the quarantine: a record that ended undeliverable, or bytes that are no record.
type line struct {
	Reason     string     `json:"reason"`
	When       time.Time  `json:"when"`
	Class      string     `json:"class,omitempty"`
	Time       *time.Time `json:"time,omitempty"`
	NotBefore  *time.Time `json:"notBefore,omitempty"`
	Body       string     `json:"body,omitempty"`       // if it is UTF-8
	BodyBase64 []byte     `json:"bodyBase64,omitempty"` // else
	MetaBase64 []byte     `json:"metaBase64,omitempty"`

	Segment string `json:"segment,omitempty"`
	Offset  int64  `json:"offset,omitempty"`
	Bytes   int64  `json:"bytes,omitempty"`
	Data    []byte `json:"dataBase64,omitempty"`
}

// aside is a file of lines that is being written.
type aside struct {
	file file
	end  int64
}

// openAside opens a file of the quarantine to write to its end, or from the beginning if fresh is set.
func (j *Journal) openAside(name string, fresh bool) (*aside, error) {
	if err := j.disk.mkdir(quarantineDir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := j.disk.syncDir("."); err != nil { // always: who made it may have failed here
		return nil, err
	}
	flag := os.O_CREATE | os.O_RDWR
	if fresh {
		flag |= os.O_TRUNC
	}
	f, err := j.disk.open(path.Join(quarantineDir, name), flag)
	if err != nil {
		return nil, err
	}
	end, err := f.size()
	if err == nil {
		err = j.disk.syncDir(quarantineDir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &aside{file: f, end: end}, nil
}

// write adds a line durably.
func (a *aside) write(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err = a.file.WriteAt(text, a.end); err == nil {
		err = a.file.sync()
	}
	if err != nil {
		_, _ = a.file.WriteAt(bytes.Repeat([]byte{' '}, len(text)), a.end) // no half line for the next reader, if it can be helped
		return err
	}
	a.end += int64(len(text))
	return nil
}

// Quarantine ends a record that cannot be delivered, and whose loss somebody should know of. It is kept for a person, as a
// line of JSON in the subdirectory "quarantine", synced, and never given out again. On an error it is as pending as before.
// A zero Ref, and one that is done, change nothing.
func (j *Journal) Quarantine(ref Ref, reason string) error {
	j.mu.Lock()
	if err := j.enter(); err != nil {
		j.mu.Unlock()
		return err
	}
	defer j.users.Done()
	if ref.IsZero() {
		j.mu.Unlock()
		return nil
	}
	ref = ref.now()
	s := ref.segment
	if s.state == gone || s.done.has(ref.ordinal) {
		j.mu.Unlock()
		return nil
	}
	s.busy++
	j.mu.Unlock()
	err := j.putAside(ref, reason)
	j.mu.Lock()
	s.busy--
	if err == nil {
		j.counts.quarantined++
	}
	j.settle(s)
	j.mu.Unlock()
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return j.Done(ref)
}

func (j *Journal) putAside(ref Ref, reason string) error {
	v, err := ref.segment.readRecord(ref)
	if err != nil {
		return err
	}
	r := v.record()
	l := line{Reason: reason, When: time.Now().UTC(), Class: r.Class, MetaBase64: r.Meta, Time: utc(r.Time), NotBefore: utc(r.NotBefore)}
	if utf8.Valid(r.Body) {
		l.Body = string(r.Body)
	} else {
		l.BodyBase64 = r.Body
	}
	j.asideMu.Lock()
	defer j.asideMu.Unlock()
	if j.aside == nil {
		if j.aside, err = j.openAside(j.own.name+quarantineSuffix, false); err != nil {
			return fullOr(err)
		}
	}
	return fullOr(j.aside.write(l))
}

func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// readRecord reads a record again.
func (s *segment) readRecord(ref Ref) (view, error) {
	at := int64(ref.place) * unit
	one := s.scanner(at, s.size)
	head := make([]byte, recordBytes)
	readBlocks(s.file, head, at)
	length, ok := look(head, s.key, at)
	if ok && at+length <= s.size {
		one.end = at + length
		if v, found, ok := one.next(); ok && found == at && v.ordinal == ref.ordinal {
			return v, nil
		}
	}
	return view{}, fmt.Errorf("segment %d: the record at %d is damaged", s.seq, at)
}

// chunks reads a part of a segment, which has nothing if a damaged file says that it ends before it begins. Bytes that cannot
// be read are zeros.
func (s *segment) chunks(from, to int64) iter.Seq2[int64, []byte] {
	return func(yield func(int64, []byte) bool) {
		const most = 64 << 10
		buf := make([]byte, max(0, min(most, to-from)))
		for at := from; at < to; at += most {
			chunk := buf[:min(most, to-at)]
			readBlocks(s.file, chunk, at)
			if !yield(at, chunk) {
				return
			}
		}
	}
}

// hasBytes reports whether anything but zeros is there.
func (s *segment) hasBytes(from, to int64) bool {
	for _, chunk := range s.chunks(from, to) {
		if slices.ContainsFunc(chunk, func(b byte) bool { return b != 0 }) {
			return true
		}
	}
	return false
}

// damaged puts bytes aside that are no record. What cannot be put aside keeps its segment from being removed. j.read is
// held.
func (j *Journal) damaged(s *segment, from, to int64, tail bool) {
	reason := "damaged: intact records follow"
	if tail {
		reason = "torn: what a write left that never ended, or damage to the last records"
	}
	any := false
	for at, chunk := range s.chunks(from, to) {
		end := len(chunk)
		for end > 0 && chunk[end-1] == 0 {
			end--
		}
		if end == 0 {
			continue
		}
		any = true
		if err := j.keepDamage(s, line{Reason: reason, When: time.Now().UTC(), Segment: s.name, Offset: at, Bytes: int64(len(chunk)), Data: chunk[:end]}); err != nil {
			j.log.Error("journal: damage could not be put aside; its segment is kept", "segment", s.name, "error", err)
			j.mu.Lock()
			s.kept = true
			j.mu.Unlock()
			break
		}
	}
	if !any && tail {
		return
	}
	j.log.Warn("journal: bytes that are no record were put aside", "segment", s.name, "offset", from, "bytes", to-from, "torn", tail)
	j.mu.Lock()
	j.counts.damaged++
	j.mu.Unlock()
}

// keepDamage writes a line into the file of a segment, which begins anew with each reader of it.
func (j *Journal) keepDamage(s *segment, l line) error {
	if s.aside == nil {
		var err error
		name := s.holder.name + "-" + strings.TrimSuffix(path.Base(s.name), segmentSuffix) + damageSuffix
		if s.aside, err = j.openAside(name, true); err != nil {
			return err
		}
	}
	return s.aside.write(l)
}
