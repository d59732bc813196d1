package journal

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestT7_CompactionIsOneStep loses the power at each operation of the disk while records are moved out of sparse segments,
// of which one has failed before: each comes back once, from its old place or from its new one.
func TestT7_CompactionIsOneStep(t *testing.T) {
	last := 0 // operation
	for end := 0; end <= last+1; end++ {
		for seed := range uint64(scaled(10, 10, 200)) {
			rng := rand.New(rand.NewPCG(seed, uint64(end)))
			d, o, j := sparseJournal(t)
			first := d.n
			d.mu.Lock()
			d.op = func(op operation) error {
				if op.index-first >= end {
					d.dead = true
					return errOff
				}
				return nil
			}
			d.mu.Unlock()
			j.compact()
			j.runJobs()
			last = max(last, d.n-first)
			next := d.powerOff(rng)
			_ = j.Close()
			j = mustOpen(t, next, Options{})
			clear(o.given)
			if err := o.drain(j); err != nil {
				t.Fatal(err)
			}
			if lost := o.lost(next); len(lost)+len(o.problems) > 0 {
				t.Fatalf("operation %d, seed %d: lost %v; %v", end, seed, lost, o.problems)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if last < 10 {
		t.Errorf("void: only %d operations", last)
	}
}

// sparseJournal is one with a janitor that does nothing by itself, and with much to move: the head of a failed segment, the
// segment that its tail went to, and sparse ones. Marks of done records are on the disk, so that those do not come back.
func sparseJournal(t *testing.T) (*simDisk, *oracle, *Journal) {
	t.Helper()
	d, o := newSimDisk(), newOracle()
	failed := false
	d.op = func(op operation) error {
		if op.kind == "sync" && !failed && op.file.hasRecords() && len(o.acked) == 3 {
			failed = true
			return syscall.EIO
		}
		return nil
	}
	j := mustOpen(t, d, Options{MaxBytes: 4 * MinSegmentBytes})
	j.opts.MaxBytes = 1 << 30 // nothing is moved yet
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range 60 {
		r := o.draw(rng, 900)
		ref, err := j.Append(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		o.told(r, nil)
		if i > 5 && i%10 != 0 {
			o.finished(map[Ref]string{ref: id(r)}, nil)
			if err := j.Done(ref); err != nil {
				t.Fatal(err)
			}
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.awaitJanitor()
	for j.supply.making {
		made := j.supply.made
		j.mu.Unlock()
		<-made
		j.mu.Lock()
	}
	for _, s := range j.segments {
		if err := s.file.sync(); err != nil { // the marks
			t.Fatal(err)
		}
	}
	j.opts.MaxBytes = 4 * MinSegmentBytes
	if sources := j.compactable(); len(sources) < 3 || !failed || !slices.ContainsFunc(sources, func(s *segment) bool { return len(s.instead) > 0 }) {
		t.Fatalf("void: %d segments to move, failed: %v", len(sources), failed)
	}
	return d, o, j
}

// TestARecordElsewhereIsNone: the same bytes at another place, or in a file with another salt, are no record, nor is one whose
// number is taken.
func TestARecordElsewhereIsNone(t *testing.T) {
	k := newKey(1)
	record := appendRecord(nil, k, &Record{Body: []byte("body")}, 0, areaStart, 0)
	for what, content := range map[string][]byte{
		"its place":     record,
		"another place": append(make([]byte, unit), record...),
		"twice":         append(bytes.Clone(record), record...),
		"its ordinal":   appendRecord(bytes.Clone(record), k, &Record{Body: []byte("other")}, 0, areaStart+leastRecord, 0),
	} {
		content = append(make([]byte, areaStart), content...)
		for _, salt := range []uint64{1, 2} {
			s := scanner{from: bytes.NewReader(content), key: newKey(salt), at: areaStart, end: int64(len(content))}
			n := 0
			for _, _, ok := s.next(); ok; _, _, ok = s.next() {
				n++
			}
			want := 0
			if salt == 1 && what != "another place" {
				want = 1
			}
			if n != want {
				t.Errorf("%s, salt %d: %d records", what, salt, n)
			}
		}
	}
}

// TestA11_ATornTailBehindDoneRecordsIsPutAsideToo, although Next has nothing to read there.
func TestA11_ATornTailBehindDoneRecordsIsPutAsideToo(t *testing.T) {
	d := newSimDisk()
	j := mustOpen(t, d, Options{})
	ref, err := j.Append(t.Context(), Record{Body: []byte("done")})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Done(ref); err != nil {
		t.Fatal(err)
	}
	next := d.kill()
	_ = j.Close()
	name := next.segmentsOf()[0]
	copy(next.files[name].now[areaStart+leastRecord:], "torn")
	j = mustOpen(t, next, Options{})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range slices.Collect(maps.Keys(next.files)) {
		if strings.HasSuffix(file, damageSuffix) {
			found++
		}
	}
	if names := left(next); found != 1 || len(names) > 0 {
		t.Errorf("%d files in the quarantine; left: %v", found, names)
	}
}

// TestA11_AFailedTryDoesNotCountBesideTheNext: a segment that was to take over records in doubt fails in its last moment,
// with all of them in it, and cannot even be removed. The one that takes over at last stands for it too.
func TestA11_AFailedTryDoesNotCountBesideTheNext(t *testing.T) {
	for _, tries := range []int{1, rewriteTries, rewriteTries + 1} {
		synctest.Test(t, func(t *testing.T) {
			d := newSimDisk()
			failed := 0
			d.op = func(op operation) error {
				switch {
				case op.kind == "remove":
					return syscall.EIO
				case op.kind == "sync" && op.file.hasRecords() && failed == 0,
					op.kind == "sync" && op.file.hasRecords() && op.file.now[trailerStart] != 0 && failed <= tries:
					failed++
					return syscall.EIO
				}
				return nil
			}
			j := mustOpen(t, d, Options{Sync: SyncInterval})
			for _, body := range []string{"a", "b"} {
				if _, err := j.Append(t.Context(), Record{Body: []byte(body)}); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if failed != tries+1 || len(j.unsynced) > 0 {
				t.Errorf("void: %d failures, %d unsynced", failed, len(j.unsynced))
			}
			next := d.kill()
			_ = j.Close()
			j = mustOpen(t, next, Options{})
			got, err := j.Next(10, 100)
			if err != nil || len(got) != 2 {
				t.Errorf("%d tries: got %v, %v", tries, got, err)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
