package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/offloadhq/offload/client/journal"
)

// makeOrphans leaves orphans in dir, each with segments that hold one large record each, and returns how many bytes one takes.
func makeOrphans(t *testing.T, dir string, n, segments int) (bytes int64) {
	t.Helper()
	apart := t.TempDir()
	for range n {
		j := open(t, apart, journal.Options{SegmentBytes: journal.MinSegmentBytes})
		for i := range segments {
			if _, err := j.Append(t.Context(), journal.Record{Body: make([]byte, journal.MinSegmentBytes/3*2), Class: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		bytes = j.Stats().Bytes
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		names, err := os.ReadDir(apart)
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		if err := os.Rename(filepath.Join(apart, names[0].Name()), filepath.Join(dir, names[0].Name())); err != nil {
			t.Fatal(err)
		}
	}
	return bytes
}

// drainAll gives out everything, and says how many records that were.
func drainAll(t *testing.T, j *journal.Journal) (records int) {
	t.Helper()
	for {
		got, err := j.Next(3, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return records
		}
		for _, r := range got {
			if err := j.Done(r.Ref); err != nil {
				t.Fatal(err)
			}
		}
		records += len(got)
	}
}

// TestA12_OrphansOfAFleetLeaveRoomForAppend has more orphans than Options.MaxBytes: the first journal to start does not take
// them all at once, so that it can still store; those that wait come as soon as the others were given out, not at the next look.
func TestA12_OrphansOfAFleetLeaveRoomForAppend(t *testing.T) {
	dir := t.TempDir()
	const orphans, segments = 8, 4
	each := makeOrphans(t, dir, orphans, segments)
	j := open(t, dir, journal.Options{SegmentBytes: journal.MinSegmentBytes, MaxBytes: 3 * each, AdoptEvery: time.Hour})
	if s := j.Stats(); s.Orphans == 0 || s.Orphans > 3 {
		t.Errorf("%d of %d are adopted at once", s.Orphans, orphans)
	}
	if _, err := j.Append(context.Background(), journal.Record{Body: []byte("new")}); err != nil {
		t.Errorf("Append has no room (%t): %v", errors.Is(err, journal.ErrFull), err)
	}
	if n := drainAll(t, j); n != orphans*segments {
		t.Errorf("%d records came, want %d", n, orphans*segments)
	}
}

// TestA12_ManyOrphansTakeFewFiles has many small ones: they would take two file descriptors each.
func TestA12_ManyOrphansTakeFewFiles(t *testing.T) {
	dir := t.TempDir()
	const orphans = 150
	makeOrphans(t, dir, orphans, 1)
	j := open(t, dir, journal.Options{SegmentBytes: journal.MinSegmentBytes, AdoptEvery: time.Hour})
	if n := j.Stats().Orphans; n > 64 {
		t.Errorf("%d orphans are held at once", n)
	}
	if n := drainAll(t, j); n != orphans {
		t.Errorf("%d records came, want %d", n, orphans)
	}
}
