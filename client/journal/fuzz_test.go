package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// FuzzSegment reads a file as a segment that somebody has left: header, trailer, area and marks.
// Whatever it holds, the reader ends, takes no memory that the file does not justify, and gives out nothing but records
// whose bytes are in the file under their sum.
func FuzzSegment(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s.salt, s.header, s.trailer, s.area, s.marks)
	}
	f.Fuzz(func(t *testing.T, salt uint64, header, trailer, area, marks []byte) {
		content := assemble(header, trailer, area, marks)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		readAsSegment(t, salt, content)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(8*len(content)+1<<20) {
			t.Errorf("%d bytes allocated for a file of %d", took, len(content))
		}
	})
}

// assemble makes a file of its parts.
func assemble(header, trailer, area, marks []byte) []byte {
	content := make([]byte, areaStart, areaStart+len(area)+len(marks))
	copy(content, header)
	copy(content[trailerStart:], trailer)
	return append(append(content, area...), marks...)
}

func readAsSegment(t *testing.T, salt uint64, content []byte) {
	d := newSimDisk()
	h := &holder{name: "h"}
	d.dirs[h.name] = true
	d.files["h/"+segmentName(1, salt)] = &simFile{now: content}
	segments, err := openSegments(d, h, os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	s := segments[0]
	reader := s.scanner(areaStart, s.limit)
	reader.damage = func(from, to int64, _ bool) {
		if from >= to || from < areaStart || to > s.limit {
			t.Errorf("damage from %d to %d, the limit is %d", from, to, s.limit)
		}
	}
	records, last := 0, int64(0)
	for v, at, ok := reader.next(); ok; v, at, ok = reader.next() {
		r := v.record()
		again := appendRecord(nil, s.key, &r, v.ordinal, at, v.flags())
		if at < last || !bytes.Equal(v.bytes, content[at:at+int64(len(v.bytes))]) || le.Uint32(v.bytes[28:]) == 0 && !bytes.Equal(again[:len(v.bytes)], v.bytes) {
			t.Errorf("the record at %d is not in the file", at)
		}
		last = at + r.size()
		records++
	}
	if s.backlog < 0 || records > len(content)/leastRecord {
		t.Errorf("%d records in %d bytes, backlog of %d", records, len(content), s.backlog)
	}
}

// seed is a segment in the form that FuzzSegment takes.
type seed struct {
	salt                         uint64
	header, trailer, area, marks []byte
}

// seeds are segments as they come to be, and the same with every kind of damage: the beginnings of the corpus. What fuzzing
// has found is in testdata/fuzz.
func seeds() (all []seed) {
	at := time.Unix(1_800_000_000, 0)
	for n := range 5 {
		for _, size := range []int{0, 1, 15, 16, 17, 200} {
			s := seed{salt: uint64(1000*n + size)}
			k, end := newKey(s.salt), int64(areaStart)
			var marks []byte
			for i := range n {
				r := Record{Body: bytes.Repeat([]byte{'x'}, size), Class: []string{"", "bulk"}[i%2], Time: at}
				if i%3 == 2 {
					r.Meta, r.NotBefore = []byte{0, 255}, at.Add(time.Hour)
				}
				s.area = appendRecord(s.area, k, &r, uint32(i), end, uint32(i%2))
				end += r.size()
				mark := k.mark(uint32(i))
				if i%2 == 1 {
					mark = 0
				}
				marks = append(le.AppendUint64(nil, mark), marks...)
			}
			s.marks = append(make([]byte, 64), marks...)
			length := int64(areaStart + len(s.area) + len(s.marks))
			s.header = header{salt: s.salt, size: length, created: at, instead: make([]origin, n/2)}.encode()
			all = append(all, s)
			whole := s
			whole.trailer = trailer{uint32(n), end}.encode(k)
			all = append(all, whole)
			all = append(all, damagedSeeds(whole)...)
		}
	}
	return all
}

func damagedSeeds(s seed) (all []seed) {
	broken := s
	broken.header = bytes.Clone(s.header)
	broken.header[20] ^= 1
	all = append(all, broken)
	broken = s
	broken.trailer = bytes.Clone(s.trailer)
	broken.trailer[9] ^= 1
	all = append(all, broken)
	nameless := s
	nameless.salt++
	all = append(all, nameless)
	if len(s.area) > 0 {
		for _, at := range []int{0, 4, 8, 12, 16, len(s.area) - 1} {
			broken := s
			broken.area = bytes.Clone(s.area)
			broken.area[at] ^= 0x80
			all = append(all, broken)
		}
		short := s
		short.area, short.marks = s.area[:len(s.area)/2], nil
		all = append(all, short)
	}
	return all
}

// TestFuzzCorpus keeps the seeds of version 1 as files, so that they stay when the format moves on.
func TestFuzzCorpus(t *testing.T) {
	dir := filepath.Join("testdata", "fuzz", "FuzzSegment")
	all := seeds()
	if len(all) < 200 {
		t.Errorf("%d seeds, want 200", len(all))
	}
	for i, s := range all {
		want := fmt.Sprintf("go test fuzz v1\nuint64(%d)\n[]byte(%s)\n[]byte(%s)\n[]byte(%s)\n[]byte(%s)\n", s.salt,
			strconv.Quote(string(s.header)), strconv.Quote(string(s.trailer)), strconv.Quote(string(s.area)), strconv.Quote(string(s.marks)))
		name := filepath.Join(dir, fmt.Sprintf("v1-%03d", i))
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(name); err != nil || string(have) != want {
			t.Errorf("%s is not what version 1 writes: %v", name, err)
		}
	}
}
