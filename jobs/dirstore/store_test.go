package dirstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/dirstore"
	"github.com/offloadhq/offload/jobs/storetest"
	"github.com/offloadhq/offload/task"
)

func open(t testing.TB, dir string) *dirstore.Store {
	t.Helper()
	s, err := dirstore.Open(dir, &dirstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// files lists the regular files under dir, unfinished ones included.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			names = append(names, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func read(t testing.TB, dir, key string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, key))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func Example() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	store, err := dirstore.Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	if err := store.Put(context.Background(), "reports/july.csv", strings.NewReader("a,b\n")); err != nil {
		fmt.Println(err)
	}
	b, _ := os.ReadFile(filepath.Join(dir, "reports", "july.csv"))
	fmt.Printf("%s", b)
	// Output: a,b
}

func TestStore(t *testing.T) {
	for name, noSync := range map[string]bool{"flushed": false, "not flushed": true} {
		t.Run(name, func(t *testing.T) {
			storetest.Stores(t, func(tb testing.TB) storetest.Target {
				dir := filepath.Join(tb.TempDir(), "not", "there", "yet")
				s, err := dirstore.Open(dir, &dirstore.Options{NoSync: noSync})
				if err != nil {
					tb.Fatal(err)
				}
				tb.Cleanup(func() { _ = s.Close() })
				return storetest.Target{Store: s, Objects: func() (map[string]string, error) {
					objects := map[string]string{}
					for _, name := range files(tb, dir) {
						if !strings.HasPrefix(name, ".partial/") {
							objects[name] = read(tb, dir, name)
						}
					}
					return objects, nil
				}}
			})
		})
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := dirstore.Open("", nil); err == nil || !strings.Contains(err.Error(), `store "": the directory is empty`) {
		t.Errorf("error %v, want one about the empty name", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dirstore.Open(file, nil); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestPutAfterClose(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "a", strings.NewReader("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v, want os.ErrClosed", err)
	}
}

// A source that fails half-way must leave the old object and nothing else.
func TestPutFailureLeavesTheOldObject(t *testing.T) {
	boom := errors.New("boom")
	half := func(err error) io.Reader {
		return io.MultiReader(strings.NewReader(strings.Repeat("x", 200_000)), iotest.ErrReader(err))
	}
	tests := []struct {
		name string
		put  func(*dirstore.Store) error
		want error
	}{
		{"source fails", func(s *dirstore.Store) error { return s.Put(t.Context(), "a/b", half(boom)) }, boom},
		{"source breaks off", func(s *dirstore.Store) error {
			return s.Put(t.Context(), "a/b", half(fmt.Errorf("connection: %w", io.EOF)))
		}, io.EOF},
		{"source ends early", func(s *dirstore.Store) error { return s.Put(t.Context(), "a/b", half(io.ErrUnexpectedEOF)) }, io.ErrUnexpectedEOF},
		{"ctx ended before", func(s *dirstore.Store) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return s.Put(ctx, "a/b", strings.NewReader("new"))
		}, context.Canceled},
		{"ctx ends in the middle", func(s *dirstore.Store) error {
			ctx, cancel := context.WithCancelCause(t.Context())
			reads := 0
			return s.Put(ctx, "a/b", readerFunc(func(p []byte) (int, error) {
				if reads++; reads == 3 {
					cancel(boom)
				}
				if reads > 1000 {
					return 0, io.EOF // by now Put should have stopped
				}
				return len(p), nil
			}))
		}, context.Canceled},
		{"source panics", func(s *dirstore.Store) (err error) {
			defer func() { err, _ = recover().(error) }()
			return s.Put(t.Context(), "a/b", readerFunc(func([]byte) (int, error) { panic(boom) }))
		}, boom},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			if err := s.Put(t.Context(), "a/b", strings.NewReader("old")); err != nil {
				t.Fatal(err)
			}
			if err := tt.put(s); !errors.Is(err, tt.want) || task.IsPermanent(err) {
				t.Errorf("error %v, want %v, not permanent", err, tt.want)
			}
			if got := read(t, dir, "a/b"); got != "old" {
				t.Errorf("object is %.20q, want the old one", got)
			}
			if got := files(t, dir); !slices.Equal(got, []string{"a/b"}) {
				t.Errorf("files %q, want the one object", got)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// While an object is being written, readers of its key and of the directory see the old state.
func TestPutIsInvisibleUntilDone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.Put(t.Context(), "exports/a.csv", r) }()
	for range 10 {
		if _, err := w.Write(make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range files(t, dir) {
		if !strings.HasPrefix(name, ".partial/") {
			t.Errorf("file %q is visible before its end", name)
		}
	}
	_ = w.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := len(read(t, dir, "exports/a.csv")); got != 100_000 {
		t.Errorf("object is %d bytes, want 100000", got)
	}
}

// Objects that are being written at the same time do not get into each other's way.
func TestPutsAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const puts = 64
	var started, done sync.WaitGroup
	started.Add(puts)
	for i := range puts {
		done.Go(func() {
			here := sync.OnceFunc(func() { started.Done(); started.Wait() }) // all files are open then
			source := io.MultiReader(strings.NewReader("x"), readerFunc(func([]byte) (int, error) { here(); return 0, io.EOF }))
			err := s.Put(context.Background(), fmt.Sprintf("object/%d", i), source)
			here() // if Put has failed before it read
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if n := len(files(t, dir)); n != puts {
		t.Errorf("%d files, want %d", n, puts)
	}
}

func TestPutConcurrently(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir) // as two processes
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			s := a
			if i%2 == 1 {
				s = b
			}
			object := strings.Repeat(string(rune('a'+i%26)), 100_000)
			for _, key := range []string{"same/key", fmt.Sprintf("deep/%d/%d/own", i%4, i)} {
				if err := s.Put(context.Background(), key, strings.NewReader(object)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	same := read(t, dir, "same/key")
	if len(same) != 100_000 || strings.Count(same, same[:1]) != len(same) {
		t.Error("the object is a mixture of two")
	}
	if n := len(files(t, dir)); n != 65 {
		t.Errorf("%d files, want 65", n)
	}
}

func TestBadKeys(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, key := range []string{"", ".", "..", "../x", "a/../../x", "/x", "a//b", "a/", `a\b`, "a\x00", ".partial/x", strings.Repeat("a/", 600) + "a"} {
		err := s.Put(t.Context(), key, strings.NewReader("x"))
		if !errors.Is(err, jobs.ErrBadKey) || !task.IsPermanent(err) || !strings.Contains(err.Error(), dir) {
			t.Errorf("key %.20q: error %v, want a permanent ErrBadKey that names the store", key, err)
		}
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("files %q, want none", got)
	}
}

func TestKeysThatClash(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, key := range []string{"file", "dir/file"} {
		if err := s.Put(t.Context(), key, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"file/below", "file/below/deep", "dir"} {
		err := s.Put(t.Context(), key, strings.NewReader("x"))
		if !task.IsPermanent(err) || !strings.Contains(err.Error(), "another key") {
			t.Errorf("key %q: error %v, want a permanent one about another key", key, err)
		}
	}
	if got := files(t, dir); !slices.Equal(got, []string{"dir/file", "file"}) {
		t.Errorf("files %q, want the two objects", got)
	}
}

func TestLinkOutOfTheDirectory(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir)
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "link/x", strings.NewReader("x")); err == nil {
		t.Error("no error, want one: the link leads out")
	}
	if got := files(t, outside); len(got) != 0 {
		t.Errorf("files %q outside, want none", got)
	}
}

// A killed process leaves its unfinished file. A young one may belong to a living writer.
func TestOpenRemovesWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	for name, age := range map[string]time.Duration{"dead": 25 * time.Hour, "alive": 23 * time.Hour} {
		p := filepath.Join(dir, ".partial", name)
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(p, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
	if got := files(t, dir); !slices.Equal(got, []string{".partial/alive"}) {
		t.Errorf("files %q, want the young one only", got)
	}
}

func TestPutWithoutItsPartialDirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := os.RemoveAll(filepath.Join(dir, ".partial")); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "a", strings.NewReader("x")); err != nil {
		t.Error(err)
	}
}

func FuzzPutStaysInside(f *testing.F) {
	for _, key := range []string{"a", "a/b", "../x", "a/../../x", "/x", ".partial/x", "a\x00b", "%2e%2e/x", `..\x`, "a/./b", "...", "a/..."} {
		f.Add(key)
	}
	parent := f.TempDir()
	dir := filepath.Join(parent, "store")
	s := open(f, dir)
	f.Fuzz(func(t *testing.T, key string) {
		want := []byte(key)
		err := s.Put(t.Context(), key, bytes.NewReader(want))
		if errors.Is(err, jobs.ErrBadKey) != (jobs.CheckKey(key) != nil) {
			t.Errorf("Put: %v, CheckKey: %v", err, jobs.CheckKey(key))
		}
		if err == nil {
			p := filepath.Join(dir, key)
			if !strings.HasPrefix(p, dir+"/") || read(t, dir, key) != key {
				t.Errorf("key %q: not stored inside", key)
			}
			if err := os.RemoveAll(filepath.Join(dir, strings.Split(key, "/")[0])); err != nil {
				t.Error(err)
			}
		}
		if entries, _ := os.ReadDir(parent); len(entries) != 1 {
			t.Errorf("key %q: wrote outside the store: %v", key, entries)
		}
	})
}
