package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/offloadhq/offload/client/journal"
)

// tmpfs mounts a file system of a given size. The rest of the test is skipped where that is not allowed, and fails there if
// REQUIRE_TMPFS is 1, as .ci/run sets it; what it shows is also shown on a simulated disk, by TestT9_DiskFullAtEveryWrite.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("REQUIRE_TMPFS") == "1" {
			t.Fatalf("a tmpfs cannot be mounted: %v", err)
		}
		t.Skipf("NOT RUN: a tmpfs cannot be mounted (it takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestA10_ARealDiskThatIsFull fills a file system of 1 MiB: ErrFull comes before anything is acknowledged, what was
// acknowledged can be done and comes back, and with room again the journal goes on.
func TestA10_ARealDiskThatIsFull(t *testing.T) {
	for _, sync := range []journal.Sync{journal.SyncAlways, journal.SyncInterval} {
		t.Run(sync.String(), func(t *testing.T) {
			dir := tmpfs(t, "1m")
			opts := journal.Options{Sync: sync, SegmentBytes: 64 << 10}
			j := open(t, dir, opts)
			var refs []journal.Ref
			for {
				ref, err := j.Append(t.Context(), journal.Record{Body: make([]byte, 1000)})
				if errors.Is(err, journal.ErrFull) {
					break
				}
				if err != nil || len(refs) > 1000 {
					t.Fatalf("after %d records: %v", len(refs), err)
				}
				refs = append(refs, ref)
			}
			if len(refs) < 500 {
				t.Errorf("only %d records on 1 MiB", len(refs))
			}
			if err := j.Done(refs[:len(refs)/2]...); err != nil {
				t.Errorf("done on a full disk: %v", err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = open(t, dir, opts)
			if got := len(bodies(t, j)); got != len(refs)-len(refs)/2 {
				t.Errorf("%d came back, want %d", got, len(refs)-len(refs)/2)
			}
			appendAll(t, j, "there is room again")
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if holders, err := journal.Inspect(dir); err != nil || len(holders) == 0 {
				t.Error(holders, err)
			}
		})
	}
}

// TestA10_OpenOnAFullDisk says what is wrong.
func TestA10_OpenOnAFullDisk(t *testing.T) {
	dir := tmpfs(t, "64k,nr_inodes=3")
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(dir+"/"+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if j, err := journal.Open(dir, nil); !errors.Is(err, journal.ErrFull) {
		t.Errorf("opened %v: %v", j != nil, err)
	}
}

// TestA10_ARealDiskWithoutAFreeInode has room for no directory: the next process goes on in that of the one before.
func TestA10_ARealDiskWithoutAFreeInode(t *testing.T) {
	dir := tmpfs(t, "1m,nr_inodes=20")
	opts := journal.Options{SegmentBytes: 64 << 10}
	j := open(t, dir, opts)
	appendAll(t, j, "a", "b")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var files []string
	for i := range 20 {
		name := filepath.Join(dir, strconv.Itoa(i))
		err := os.WriteFile(name, nil, 0o600)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	j = open(t, dir, opts)
	if _, err := j.Append(t.Context(), journal.Record{Body: []byte("c")}); !errors.Is(err, journal.ErrFull) {
		t.Errorf("append: %v", err)
	}
	if got := bodies(t, j); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q came back", got)
	}
	for _, name := range files {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for err := journal.ErrFull; err != nil; { // a full disk is spared for a moment
		if _, err = j.Append(t.Context(), journal.Record{Body: []byte("c")}); err != nil && !errors.Is(err, journal.ErrFull) {
			t.Fatal(err)
		}
	}
}
