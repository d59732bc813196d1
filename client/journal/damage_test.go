package journal

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// specimen is a segment with its records, some of them done, as a kill leaves it.
type specimen struct {
	oracle  *oracle
	name    string
	content []byte
	places  []extent // of the records, in order
}

// extent is where a record lies, without padding.
type extent struct {
	id       string
	from, to int64
}

func newSpecimen(t testing.TB, rng *rand.Rand, records int) *specimen {
	t.Helper()
	d, o := newSimDisk(), newOracle()
	j := mustOpen(t, d, Options{})
	for i := range records {
		r := o.draw(rng, 300)
		ref, err := j.Append(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		o.told(r, nil)
		if i%4 == 1 {
			o.finished(map[Ref]string{ref: id(r)}, nil)
			if err := j.Done(ref); err != nil {
				t.Fatal(err)
			}
		}
	}
	killed := d.kill()
	_ = j.Close()
	names := killed.segmentsOf() // the first; perhaps another was being made
	s := &specimen{oracle: o, name: names[0], content: killed.files[names[0]].now}
	front, _ := parseHeader(s.content)
	reader := &scanner{from: bytes.NewReader(s.content), key: newKey(front.salt), at: areaStart, end: int64(len(s.content))}
	for v, at, ok := reader.next(); ok; v, at, ok = reader.next() {
		s.places = append(s.places, extent{id(v.record()), at, at + int64(len(v.bytes))})
	}
	if len(s.places) != records {
		t.Fatalf("%d records, want %d", len(s.places), records)
	}
	return s
}

// read opens a journal that finds the segment with another content. missing are records that may be missing, or be there.
func (s *specimen) read(content []byte, missing map[string]bool) (problems []string, damaged uint64, put int64) {
	o := newOracle()
	o.attempted, o.acked, o.done = s.oracle.attempted, s.oracle.acked, s.oracle.done
	d := newSimDisk()
	d.dirs[path.Dir(s.name)] = true
	d.files[s.name] = &simFile{now: content, room: int64(len(content))}
	j, err := openOn(d, Options{})
	if err != nil {
		return []string{err.Error()}, 0, 0
	}
	if err := o.drain(j); err != nil {
		o.problem("%v", err)
	}
	damaged = j.Stats().Damaged
	if err := j.Close(); err != nil {
		o.problem("%v", err)
	}
	for _, name := range o.lost(d) {
		if !missing[name] {
			o.problem("intact record %s was lost", name)
		}
	}
	if names := left(d); len(names) > 0 {
		o.problem("left: %v", names)
	}
	for name, f := range d.files {
		if strings.HasSuffix(name, damageSuffix) {
			put += int64(len(f.now))
		}
	}
	for _, place := range s.places {
		if missing[place.id] && !o.given[place.id] && put == 0 && bytes.ContainsFunc(content[min(place.from, int64(len(content))):min(place.to, int64(len(content)))], func(r rune) bool { return r != 0 }) {
			o.problem("damaged record %s left nothing in the quarantine", place.id)
		}
	}
	return o.problems, damaged, put
}

// TestT8_A11_TornAtEveryOffset cuts a segment short at each offset of its last two records, as a file system may that
// lost its size, and as zeros behind the cut.
func TestT8_A11_TornAtEveryOffset(t *testing.T) {
	s := newSpecimen(t, rand.New(rand.NewPCG(1, 1)), 12)
	last := s.places[len(s.places)-2:]
	from, to := last[0].from, last[1].to
	each(t, int(to-from), func(i int) string {
		cut := from + int64(i)
		missing := map[string]bool{last[1].id: true}
		if cut < last[0].to {
			missing[last[0].id] = true
		}
		// Marks are at the end: what is cut off is done for nobody.
		for name := range s.oracle.done {
			missing[name] = true
		}
		zeroed := slices.Clone(s.content)
		clear(zeroed[cut:])
		for what, content := range map[string][]byte{"short": s.content[:cut:cut], "zeroed": zeroed} {
			if problems, _, _ := s.read(content, missing); len(problems) > 0 {
				return fmt.Sprintf("%s at %d: %s", what, cut, strings.Join(problems, "; "))
			}
		}
		return ""
	})
}

// TestT8_A11_BitFlips turns bits anywhere in a segment, and now and then a whole sector: whatever is not hit is recovered,
// what is hit comes back as it was or not at all, and then its bytes are in the quarantine.
func TestT8_A11_BitFlips(t *testing.T) {
	seed := rand.Uint64()
	s := newSpecimen(t, rand.New(rand.NewPCG(seed, 1)), 25)
	end := s.places[len(s.places)-1].to
	each(t, scaled(2_000, 2_000, 100_000), func(i int) string {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		content := slices.Clone(s.content)
		at, n := int64(rng.IntN(len(content))), int64(1)
		if rng.IntN(4) > 0 {
			at = rng.Int64N(end) // where it matters
		}
		if rng.IntN(50) == 0 {
			at, n = at/sectorBytes*sectorBytes, sectorBytes
			for k := range content[at : at+n] {
				content[at+int64(k)] = byte(rng.Uint32())
			}
		} else {
			content[at] ^= 1 << rng.IntN(8)
		}
		missing := map[string]bool{}
		for _, p := range s.places {
			if p.from < at+n && at < p.to {
				missing[p.id] = true
			}
		}
		problems, damaged, _ := s.read(content, missing)
		if len(missing) > 0 && damaged == 0 {
			problems = append(problems, "no damage was counted")
		}
		if len(problems) > 0 {
			return fmt.Sprintf("seed %d, %d bytes at %d: %s", seed, n, at, strings.Join(problems, "; "))
		}
		return ""
	})
}

// TestA11_HeaderDamaged loses nothing: the name has the salt too.
func TestA11_HeaderDamaged(t *testing.T) {
	s := newSpecimen(t, rand.New(rand.NewPCG(2, 1)), 5)
	content := slices.Clone(s.content)
	clear(content[:trailerStart])
	if problems, damaged, _ := s.read(content, nil); len(problems) > 0 || damaged > 0 {
		t.Error(problems, damaged)
	}
}

// TestA11_FailedSyncIsNeverTrusted refuses one sync: the records go into another file before anyone is told nil, and
// nothing is ever written to the area of the old one, nor is it synced again.
func TestA11_FailedSyncIsNeverTrusted(t *testing.T) {
	for _, kind := range []string{"write", "sync"} {
		t.Run(kind, func(t *testing.T) {
			d := newSimDisk()
			var bad string
			d.op = func(op operation) error {
				area := op.kind == "sync" || op.kind == "write" && op.at >= areaStart && op.at < MinSegmentBytes-markBytes*8
				switch {
				case op.kind == kind && bad == "" && op.file != nil && op.at >= areaStart || kind == "sync" && op.kind == "sync" && bad == "" && op.file.hasRecords():
					bad = op.name
					return partial{syscall.EIO, 0.5}
				case bad != "" && op.name == bad && area:
					t.Errorf("%s of the failed file, at %d", op.kind, op.at)
				}
				return nil
			}
			j := mustOpen(t, d, Options{})
			refs := map[string]Ref{}
			for _, body := range []string{"a", "b", "c"} {
				ref, err := j.Append(t.Context(), Record{Body: []byte(body)})
				if err != nil {
					t.Fatal(err)
				}
				refs[body] = ref
			}
			if got := j.Stats(); bad == "" || got.Failures != 1 || got.Records != 3 {
				t.Errorf("%+v, failed: %q", got, bad)
			}
			if err := j.Done(refs["a"]); err != nil { // a Ref follows its record
				t.Error(err)
			}
			next := d.powerOff(rand.New(rand.NewPCG(1, 1)))
			_ = j.Close()
			j = mustOpen(t, next, Options{})
			got, err := j.Next(10, 1000)
			if err != nil || len(got) < 2 || string(got[len(got)-1].Body) != "c" || string(got[len(got)-2].Body) != "b" {
				t.Errorf("%v, %v", got, err)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// hasRecords reports whether anything was written to the area.
func (f *simFile) hasRecords() bool {
	return len(f.now) > areaStart && bytes.ContainsFunc(f.now[areaStart:areaStart+recordBytes], func(r rune) bool { return r != 0 })
}

// TestA11_WhenNothingHelpsTheCallerIsTold: without a new file the Append fails, and its record does not come back.
func TestA11_WhenNothingHelpsTheCallerIsTold(t *testing.T) {
	d := newSimDisk()
	j := mustOpen(t, d, Options{})
	if _, err := j.Append(t.Context(), Record{Body: []byte("stored")}); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.op = func(op operation) error {
		if op.kind == "create" || op.kind == "sync" {
			return syscall.EIO
		}
		return nil
	}
	d.mu.Unlock()
	if _, err := j.Append(t.Context(), Record{Body: []byte("refused")}); err == nil || !strings.Contains(err.Error(), syscall.EIO.Error()) {
		t.Errorf("error %v", err)
	}
	next := d.kill()
	_ = j.Close()
	j = mustOpen(t, next, Options{})
	got, err := j.Next(10, 1000)
	if err != nil || len(got) != 1 || string(got[0].Body) != "stored" {
		t.Errorf("%v, %v", got, err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// TestA11_DamageThatCannotBePutAsideKeepsItsSegment: nothing that a person may want is removed.
func TestA11_DamageThatCannotBePutAsideKeepsItsSegment(t *testing.T) {
	s := newSpecimen(t, rand.New(rand.NewPCG(3, 1)), 6)
	content := slices.Clone(s.content)
	content[s.places[2].from+recordBytes] ^= 1
	d := newSimDisk()
	d.dirs[path.Dir(s.name)] = true
	d.files[s.name] = &simFile{now: content, room: int64(len(content))}
	d.op = func(op operation) error {
		if strings.HasPrefix(op.name, quarantineDir) {
			return syscall.ENOSPC
		}
		return nil
	}
	j := mustOpen(t, d, Options{})
	if err := s.oracle.drain(j); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(slices.Collect(maps.Keys(d.files)), s.name) {
		t.Error("the segment was removed")
	}
	d.op = nil
	if names := readAgain(t, d); len(names) > 0 {
		t.Errorf("left with room again: %v", names)
	}
}

// readAgain opens a journal, says that everything is done, and lists what is left.
func readAgain(t *testing.T, d *simDisk) []string {
	t.Helper()
	j := mustOpen(t, d, Options{})
	o := newOracle()
	if err := o.drain(j); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return left(d)
}
