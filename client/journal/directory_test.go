package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/client/journal"
)

// TestOthersCannotRead: the directory is made, with what is missing above it, for this user alone.
func TestOthersCannotRead(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "var", "journal")
	j := open(t, dir, journal.Options{})
	ref := appendAll(t, j, "a", "b")[0]
	if err := j.Quarantine(ref, "why"); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(top, "var"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestOpenTellsEveryProblem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), ""} {
		if j, err := journal.Open(dir, nil); err == nil {
			t.Errorf("%q was opened", dir)
			_ = j.Close()
		}
	}
	_, err := journal.Open(t.TempDir(), &journal.Options{Sync: 7, Interval: -1, SegmentBytes: 5000, MaxBytes: 6000, AdoptEvery: -1})
	for _, name := range []string{"Sync", "Interval", "SegmentBytes", "MaxBytes", "AdoptEvery"} {
		if err == nil || !strings.Contains(err.Error(), "Options."+name+":") {
			t.Errorf("%s is not among %v", name, err)
		}
	}
	if s := journal.Sync(7).String() + journal.SyncInterval.String(); s != "Sync(7)SyncInterval" {
		t.Error(s)
	}
}

func TestARecordMustFitASegment(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{SegmentBytes: journal.MinSegmentBytes})
	for name, r := range map[string]journal.Record{
		"body":  {Body: make([]byte, journal.MinSegmentBytes)},
		"class": {Class: strings.Repeat("c", 1<<16)},
		"meta":  {Meta: make([]byte, 1<<16)},
	} {
		if _, err := j.Append(t.Context(), r); !errors.Is(err, journal.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	largest := journal.Record{Body: make([]byte, journal.MinSegmentBytes-4096-8-48-24)}
	if _, err := j.Append(t.Context(), largest); err != nil {
		t.Errorf("the largest record: %v", err)
	}
	largest.Body = append(largest.Body, make([]byte, 32)...)
	if _, err := j.Append(t.Context(), largest); !errors.Is(err, journal.ErrTooLarge) {
		t.Errorf("one that is larger: %v", err)
	}
}

// TestASymbolicLinkLeadsNowhere: whoever can write into the directory cannot have files outside it read or removed.
func TestASymbolicLinkLeadsNowhere(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	j := open(t, outside, journal.Options{})
	appendAll(t, j, "secret")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	holders, err := os.ReadDir(outside)
	if err != nil || len(holders) != 1 {
		t.Fatal(holders, err)
	}
	switch err := os.Symlink(filepath.Join(outside, holders[0].Name()), filepath.Join(dir, holders[0].Name())); {
	case err != nil && runtime.GOOS == "windows": // it may take a privilege there
		t.Skipf("NOT RUN: no symbolic links here: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	j = open(t, dir, journal.Options{})
	if got := bodies(t, j); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, outside, journal.Options{})
	if got := bodies(t, j); len(got) != 1 {
		t.Errorf("what is outside has %q", got)
	}
}

// TestQuarantineIsForPeople: a line of JSON says what it was and why, and Inspect shows it, also when its process is gone.
func TestQuarantineIsForPeople(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	due := time.Now().Add(time.Hour).Truncate(0)
	text := journal.Record{Body: []byte(`{"id":"1"}`), Class: "bulk", Meta: []byte("m"), NotBefore: due}
	binary := journal.Record{Body: []byte{0xff, 0}}
	for _, r := range []journal.Record{text, binary} {
		ref, err := j.Append(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second changes nothing
			if err := j.Quarantine(ref, "refused: no such queue"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := j.Quarantine(journal.Ref{}, "nothing"); err != nil {
		t.Error(err)
	}
	if s := j.Stats(); s.Quarantined != 2 || s.Records != 0 {
		t.Errorf("%+v", s)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	holders, err := journal.Inspect(dir)
	if err != nil || len(holders) != 1 || !holders[0].Gone || holders[0].Quarantined != 2 || len(holders[0].Quarantine) != 1 {
		t.Fatalf("%+v, %v", holders, err)
	}
	content, err := os.ReadFile(filepath.Join(dir, holders[0].Quarantine[0]))
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(bytes.NewReader(content))
	var first, second struct {
		Reason, Class, Body    string
		BodyBase64, MetaBase64 []byte
		When, Time, NotBefore  time.Time
	}
	if err := errors.Join(lines.Decode(&first), lines.Decode(&second)); err != nil {
		t.Fatal(err)
	}
	if first.Reason != "refused: no such queue" || first.Class != "bulk" || first.Body != `{"id":"1"}` || string(first.MetaBase64) != "m" || !first.NotBefore.Equal(due) || first.Time.IsZero() {
		t.Errorf("%+v", first)
	}
	if !bytes.Equal(second.BodyBase64, binary.Body) || second.Body != "" {
		t.Errorf("%+v", second)
	}
}

func TestInspectChangesNothing(t *testing.T) {
	dir := t.TempDir()
	begun := time.Now()
	dead := open(t, dir, journal.Options{})
	appendAll(t, dead, "a", "b", "c")
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := journal.Inspect(dir)
	if err != nil || len(before) != 1 || before[0].Locked || before[0].Records != 3 || before[0].Err != nil {
		t.Fatalf("%+v, %v", before, err)
	}
	j := open(t, dir, journal.Options{})
	appendAll(t, j, "d")
	holders, err := journal.Inspect(dir)
	if err != nil || len(holders) != 2 {
		t.Fatalf("%+v, %v", holders, err)
	}
	records := 0
	for _, h := range holders {
		if !h.Locked || h.Gone || h.PID != os.Getpid() || h.Started.Before(begun.Add(-time.Second)) || h.Segments == 0 || h.Bytes == 0 || h.Oldest.Before(begun.Add(-time.Second)) || h.Damaged != 0 || h.Err != nil {
			t.Errorf("%+v", h)
		}
		records += h.Records
	}
	if records != 4 {
		t.Errorf("%d records", records)
	}
	if got := bodies(t, j); len(got) != 3 {
		t.Errorf("got %q", got)
	}
	if _, err := journal.Inspect(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestOldestIsTheFirstThatIsNotDone, wherever that is.
func TestOldestIsTheFirstThatIsNotDone(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	at := time.Unix(1_700_000_000, 0)
	var refs []journal.Ref
	for i := range 5 {
		ref, err := j.Append(t.Context(), journal.Record{Time: at.Add(time.Duration(i) * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	for i, want := range []int{0, 0, 2, 3} {
		if got := j.Stats().Oldest; !got.Equal(at.Add(time.Duration(want) * time.Second)) {
			t.Errorf("step %d: %v", i, got)
		}
		if err := j.Done(refs[[]int{1, 0, 2, 4}[i]]); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, journal.Options{})
	if got := j.Stats(); !got.Oldest.Equal(at.Add(3*time.Second)) || got.Records != 1 {
		t.Errorf("after a restart: %+v", got)
	}
}
