package export_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/dirstore"
	"github.com/offloadhq/offload/jobs/export"
	"github.com/offloadhq/offload/task"
)

var silent = &export.Options{Logger: slog.New(slog.DiscardHandler)}

func info(t testing.TB, id string) context.Context {
	return task.WithInfo(t.Context(), task.Info{ID: id, Attempt: 1})
}

func newDir(t *testing.T) (*dirstore.Store, string) {
	t.Helper()
	dir := t.TempDir()
	store, err := dirstore.Open(dir, &dirstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store, dir
}

type storeFunc func(ctx context.Context, key string, r io.Reader) error

func (f storeFunc) Put(ctx context.Context, key string, r io.Reader) error { return f(ctx, key, r) }

// run returns the object that an export writes.
func run(t *testing.T, id string, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	store := storeFunc(func(_ context.Context, key string, r io.Reader) error {
		if key != "exports/"+id+".csv" {
			t.Errorf("key %q", key)
		}
		_, err := b.ReadFrom(r)
		return err
	})
	if err := export.New(store, silent).Handle(info(t, id), jobs.Table{Rows: rows}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTable(t *testing.T) {
	for _, rows := range []int{0, 1, 2, 1000} {
		records, err := csv.NewReader(bytes.NewReader(run(t, "01T", rows))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(records) != rows+1 {
			t.Fatalf("%d records, want a header and %d", len(records), rows)
		}
		orders := map[string]bool{}
		for i, r := range records[1:] {
			if r[0] != strconv.Itoa(i+1) {
				t.Fatalf("row %d has the number %s", i+1, r[0])
			}
			orders[r[1]] = true
			if _, err := time.Parse(time.RFC3339, r[3]); err != nil {
				t.Error(err)
			}
		}
		if len(orders) != rows {
			t.Errorf("%d different orders in %d rows", len(orders), rows)
		}
	}
}

// What a task writes is pinned: a build that changed it would break "a duplicate writes the same bytes" in the middle
// of a deploy.
func TestTheSameTaskWritesTheSameBytes(t *testing.T) {
	want := "row,order,customer,placed_at,status,quantity,cents\n" + first
	if got := string(run(t, "01T", 1)); got != want {
		t.Errorf("table %q, want %q", got, want)
	}
	sum := sha256.Sum256(run(t, "01T", 100_000))
	if got := hex.EncodeToString(sum[:]); got != digest {
		t.Errorf("digest %s, want %s", got, digest)
	}
	if bytes.Equal(run(t, "01U", 10), run(t, "01T", 10)) {
		t.Error("two tasks write the same table")
	}
}

const (
	first  = "1,ord-e355564013b0459d,cust-224695,2025-01-01T00:00:00Z,returned,8,83104\n"
	digest = "31feebf4b49d0107a071e15e410e5c7a025063d9089fbd1b708290afb2f59783"
)

func TestTableReader(t *testing.T) {
	want := run(t, "01T", 5000)
	store := storeFunc(func(_ context.Context, _ string, r io.Reader) error { return iotest.TestReader(r, want) })
	if err := export.New(store, silent).Handle(info(t, "01T"), jobs.Table{Rows: 5000}); err != nil {
		t.Error(err)
	}
}

func TestDuplicateReplacesItself(t *testing.T) {
	store, dir := newDir(t)
	h := export.New(store, silent)
	var before []byte
	for range 2 {
		if err := h.Handle(info(t, "01T"), jobs.Table{Rows: 20_000}); err != nil {
			t.Fatal(err)
		}
		now, err := os.ReadFile(filepath.Join(dir, "exports", "01T.csv"))
		if err != nil || before != nil && !bytes.Equal(before, now) {
			t.Fatalf("the second run wrote %d other bytes (%v)", len(now), err)
		}
		before = now
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "exports")); len(entries) != 1 {
		t.Errorf("%v: want one object", entries)
	}
}

// A million rows, about 60 MB, allocate no more than a few buffers.
func TestAMillionRowsInBoundedMemory(t *testing.T) {
	store, dir := newDir(t)
	h := export.New(store, silent)
	const rows = 1_000_000
	ctx := info(t, "01T")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := h.Handle(ctx, jobs.Table{Rows: rows}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	stat, err := os.Stat(filepath.Join(dir, "exports", "01T.csv"))
	if err != nil || stat.Size() < 50*rows {
		t.Fatalf("object %v, %v", stat, err)
	}
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 1<<20 {
		t.Errorf("%d bytes allocated for %d bytes of table", bytes, stat.Size())
	}
	if allocs := after.Mallocs - before.Mallocs; allocs > rows/100 {
		t.Errorf("%d allocations for %d rows", allocs, rows)
	}
}

func TestCancelledInTheMiddle(t *testing.T) {
	dir, path := newDir(t)
	stores := map[string]jobs.Store{
		"store that looks at ctx": dir,
		"store that does not": storeFunc(func(_ context.Context, key string, r io.Reader) error {
			return dir.Put(context.Background(), key, r)
		}),
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(info(t, "01T"))
			reads := 0
			counted := storeFunc(func(ctx context.Context, key string, r io.Reader) error {
				return store.Put(ctx, key, readerFunc(func(p []byte) (int, error) {
					if reads++; reads == 10 {
						cancel()
					}
					return r.Read(p)
				}))
			})
			err := export.New(counted, silent).Handle(ctx, jobs.Table{Rows: jobs.MaxRows})
			if !errors.Is(err, context.Canceled) || task.IsPermanent(err) || !strings.Contains(err.Error(), "of 100000000") {
				t.Errorf("error %v, want a cancellation to be retried, with the row", err)
			}
			if reads > 11 {
				t.Errorf("%d reads, want the export to stop at once", reads)
			}
			err = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					t.Errorf("%s is left", p)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestProgressInTheLog(t *testing.T) {
	var log bytes.Buffer
	store := storeFunc(func(_ context.Context, _ string, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	h := export.New(store, &export.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	if err := h.Handle(info(t, "01T"), jobs.Table{Rows: 100_000}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(log.String()) {
		var entry struct {
			Msg, Task     string
			Rows, Percent int
			Bytes         int64
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Task != "01T" {
			t.Fatalf("line %q: %v", line, err)
		}
		if entry.Msg == "export running" {
			lines = append(lines, strconv.Itoa(entry.Percent))
		} else {
			lines = append(lines, entry.Msg)
		}
		if entry.Msg == "export done" && (entry.Rows != 100_000 || entry.Bytes < 5_000_000) {
			t.Errorf("last line %q", line)
		}
	}
	want := []string{"export started", "10", "20", "30", "40", "50", "60", "70", "80", "90", "export done"}
	if !slices.Equal(lines, want) {
		t.Errorf("log %q, want %q", lines, want)
	}
}

func TestProgressIsNeverSilentForLong(t *testing.T) {
	at := []time.Duration{0, 5 * time.Second, 10 * time.Second, 19 * time.Second, 20 * time.Second, 21 * time.Second, 31 * time.Second, 40 * time.Second}
	done := []int{0, 1, 2, 3, 4, 100, 101, 1000}
	if got, want := export.Due(1000, time.Unix(0, 0), at, done), []int{2, 4, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("due at %v, want %v", got, want)
	}
}

func TestErrors(t *testing.T) {
	full := errors.New("disk is full")
	h := export.New(storeFunc(func(context.Context, string, io.Reader) error { return full }), silent)
	if err := h.Handle(info(t, "01T"), jobs.Table{Rows: 5}); !errors.Is(err, full) || task.IsPermanent(err) {
		t.Errorf("error %v, want the store's", err)
	}
	for _, rows := range []int{-1, jobs.MaxRows + 1} {
		if err := h.Handle(info(t, "01T"), jobs.Table{Rows: rows}); !task.IsPermanent(err) || !errors.Is(err, task.ErrInvalid) {
			t.Errorf("%d rows: error %v, want a permanent task.ErrInvalid", rows, err)
		}
	}
	if err := h.Handle(t.Context(), jobs.Table{}); !task.IsPermanent(err) {
		t.Errorf("error %v, want a permanent one: no task in the context", err)
	}
}

func BenchmarkTable(b *testing.B) {
	store := storeFunc(func(_ context.Context, _ string, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	h := export.New(store, silent)
	ctx := info(b, "01T")
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Handle(ctx, jobs.Table{Rows: 100_000}); err != nil {
			b.Fatal(err)
		}
	}
}
