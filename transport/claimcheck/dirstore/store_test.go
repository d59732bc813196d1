package dirstore_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/dirstore"
	"github.com/offloadhq/offload/transport/claimcheck/storetest"
)

func open(tb testing.TB, dir string, o dirstore.Options) *dirstore.Store {
	tb.Helper()
	s, err := dirstore.Open(dir, &o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// files lists the payloads under dir.
func files(tb testing.TB, dir string) (names []string) {
	tb.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return names
}

func key(id, body string) string {
	sum := sha256.Sum256([]byte(body))
	return claimcheck.Key(id, hex.EncodeToString(sum[:]))
}

func put(tb testing.TB, s *dirstore.Store, id, body string) string {
	tb.Helper()
	k := key(id, body)
	if err := s.Put(tb.Context(), k, []byte(body)); err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestStore(t *testing.T) {
	for name, noSync := range map[string]bool{"flushed": false, "not flushed": true} {
		t.Run(name, func(t *testing.T) {
			storetest.Stores(t, func(tb testing.TB) storetest.Target {
				dir := filepath.Join(tb.TempDir(), "not", "there", "yet")
				o := dirstore.Options{NoSync: noSync}
				s := open(tb, dir, o)
				return storetest.Target{
					Store: s,
					Again: func() claimcheck.Store { return open(tb, dir, o) },
					Break: func() { _ = s.Close() },
					Count: func() int { return len(files(tb, dir)) },
				}
			})
		})
	}
}

// G1: what no message names any more is removed by age, and by nothing else. The age counts from the last time that it was
// put.
func TestG1_SweepByAge(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, dirstore.Options{NoSync: true})
	old, young, again := put(t, s, "old", "1"), put(t, s, "young", "2"), put(t, s, "again", "3")
	age := func(key string, by time.Duration) {
		at := time.Now().Add(-by)
		if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(key)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	age(old, dirstore.DefaultMaxAge+time.Hour)
	age(young, dirstore.DefaultMaxAge-time.Hour)
	age(again, 10*dirstore.DefaultMaxAge)
	put(t, s, "again", "3")
	open(t, dir, dirstore.Options{MaxAge: -1})
	if n := len(files(t, dir)); n != 3 {
		t.Fatalf("%d payloads after an Open that removes nothing", n)
	}
	open(t, dir, dirstore.Options{})
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("left are %q", got)
	}
	if _, _, err := s.Get(t.Context(), old); !errors.Is(err, claimcheck.ErrNotFound) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(old), "..")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its directory is left: %v", err)
	}
	age(young, 3*time.Hour)
	if n, err := s.Sweep(t.Context(), 2*time.Hour); n != 1 || err != nil {
		t.Errorf("Sweep removed %d, %v", n, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sweep(ended, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Sweep of an ended context: %v", err)
	}
	if dirstore.DefaultMaxAge < claimcheck.MinRetention {
		t.Errorf("the default age is %v", dirstore.DefaultMaxAge)
	}
}

// Sweeps take away the directories of tasks while Puts make them.
func TestPutsBesideSweeps(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, dirstore.Options{NoSync: true})
	stop := make(chan struct{})
	var sweeps, puts sync.WaitGroup
	for range 2 {
		sweeps.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.Sweep(context.Background(), -time.Hour); err != nil { // of everything
					t.Error(err)
				}
			}
		})
	}
	for i := range 4 {
		puts.Go(func() {
			for n := range 200 {
				body := fmt.Sprintf("%d %d", i, n)
				if err := s.Put(context.Background(), key("same", body), []byte(body)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	puts.Wait()
	close(stop)
	sweeps.Wait()
}

func TestOpenErrors(t *testing.T) {
	if _, err := dirstore.Open("", nil); err == nil || !strings.Contains(err.Error(), `payload directory "": the directory is empty`) {
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

func TestPayloadsAreTheirOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "payloads")
	put(t, open(t, dir, dirstore.Options{}), "order-7", "x")
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", p, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// G4: a link inside the directory that leads out of it is no way out, neither to read nor to write.
func TestG4_LinksLeadNowhere(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir, dirstore.Options{NoSync: true})
	secret := key("order-7", "secret")
	owner, digest, _ := strings.Cut(secret, "/")
	if err := os.WriteFile(filepath.Join(outside, digest), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, owner)); err != nil {
		t.Fatal(err)
	}
	if r, _, err := s.Get(t.Context(), secret); r != nil || err == nil || errors.Is(err, claimcheck.ErrNotFound) {
		t.Errorf("Get through a link: %v", err)
	}
	if err := s.Put(t.Context(), secret, []byte("other")); err == nil {
		t.Error("Put through a link")
	}
	if b, err := os.ReadFile(filepath.Join(outside, digest)); string(b) != "secret" || err != nil {
		t.Errorf("outside is %q, %v", b, err)
	}
	inside := key("order-8", "x")
	if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(inside)), 0o700); err != nil {
		t.Fatal(err)
	}
	if r, _, err := s.Get(t.Context(), inside); r != nil || err == nil || errors.Is(err, claimcheck.ErrNotFound) {
		t.Errorf("Get of a directory: %v", err)
	}
}

func TestReadsAsLittleAsAsked(t *testing.T) {
	s := open(t, t.TempDir(), dirstore.Options{NoSync: true})
	k := put(t, s, "order-7", "abcdef")
	r, size, err := s.Get(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	if _, err := io.ReadFull(r, b); err != nil || string(b) != "abc" || size != 6 {
		t.Errorf("read %q of %d, %v", b, size, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestClosedStoreIsMisconfigured(t *testing.T) {
	s := open(t, t.TempDir(), dirstore.Options{NoSync: true})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), key("x", "y"), []byte("y")); transport.KindOf(err) != transport.Misconfigured {
		t.Errorf("%v", err)
	}
}

func Example() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	payloads, err := dirstore.Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer payloads.Close()
	removed, err := payloads.Sweep(context.Background(), claimcheck.MinRetention) // once a day, say
	fmt.Println(removed, err)
	// Output: 0 <nil>
}
