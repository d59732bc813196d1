package journal_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/offloadhq/offload/client/journal"
)

func TestWhatIsNotDoneComesBack(t *testing.T) {
	for _, sync := range []journal.Sync{journal.SyncAlways, journal.SyncInterval} {
		t.Run(sync.String(), func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir, journal.Options{Sync: sync})
			refs := appendAll(t, j, "a", "b", "c", "d")
			if err := j.Done(refs[1], journal.Ref{}, refs[1]); err != nil {
				t.Fatal(err)
			}
			if got := bodies(t, j); len(got) != 0 {
				t.Errorf("Next gave out %q, which the caller has", got)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = open(t, dir, journal.Options{Sync: sync})
			if n := j.Backlog(); n != 3 {
				t.Errorf("backlog of %d", n)
			}
			if got := bodies(t, j); !slices.Equal(got, []string{"a", "c", "d"}) {
				t.Errorf("got %q", got)
			}
			if got := bodies(t, j); len(got) != 0 {
				t.Errorf("Next gave out %q twice", got)
			}
		})
	}
}

func TestARecordComesBackAsItWas(t *testing.T) {
	dir := t.TempDir()
	want := journal.Record{
		Body: bytes.Repeat([]byte{0, 1, 255}, 100), Class: "bulk", Meta: []byte("meta"),
		Time: time.Unix(1700000000, 123456789), NotBefore: time.Unix(1800000000, 1),
	}
	j := open(t, dir, journal.Options{})
	if _, err := j.Append(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), journal.Record{}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, journal.Options{})
	got, err := j.Next(10, 1<<20)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	r := got[0].Record
	if !bytes.Equal(r.Body, want.Body) || r.Class != want.Class || !bytes.Equal(r.Meta, want.Meta) || !r.Time.Equal(want.Time) || !r.NotBefore.Equal(want.NotBefore) {
		t.Errorf("got %+v", r)
	}
	if r := got[1].Record; len(r.Body) != 0 || r.Class != "" || r.Meta != nil || r.Time.IsZero() || !r.NotBefore.IsZero() {
		t.Errorf("got %+v", r)
	}
}

func TestSpilledRecordsAreBacklog(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{})
	told := 0
	j.Notify(func() { told++ })
	for _, b := range []string{"one", "two", "three"} {
		if err := j.Spill(t.Context(), journal.Record{Body: []byte(b)}); err != nil {
			t.Fatal(err)
		}
		appendAll(t, j, "mine")
	}
	if n := j.Backlog(); n != 3 || told != 1 {
		t.Errorf("backlog of %d, told %d times", n, told)
	}
	if got, err := j.Next(2, 1<<20); err != nil || len(got) != 2 || string(got[1].Body) != "two" {
		t.Error(got, err)
	}
	if got, err := j.Next(9, 1); err != nil || len(got) != 1 || string(got[0].Body) != "three" {
		t.Error(got, err)
	}
	if err := j.Spill(t.Context(), journal.Record{Body: []byte("four")}); err != nil || told != 2 {
		t.Error(err, told)
	}
}

func TestNothingPendingLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	if err := j.Done(appendAll(t, j, "a", "b")...); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestAfterClose(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{})
	ref := appendAll(t, j, "a")[0]
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	_, err := j.Append(t.Context(), journal.Record{})
	_, nextErr := j.Next(1, 1)
	for _, err := range []error{err, nextErr, j.Spill(t.Context(), journal.Record{}), j.Done(ref), j.Quarantine(ref, "why")} {
		if !errors.Is(err, journal.ErrClosed) {
			t.Error(err)
		}
	}
}
