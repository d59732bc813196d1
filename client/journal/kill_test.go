package journal_test

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/client/journal"
)

// TestT3_A2_SIGKILL kills processes at random moments. What was appended and not done is found by the next one, and nothing
// that was never appended.
func TestT3_A2_SIGKILL(t *testing.T) {
	dir := t.TempDir()
	appended, done := 0, 0
	for i := range journal.Scaled(4, 100, 2_000) {
		sync := journal.Sync(i % 2)
		c := start(t, childConfig{Dir: dir, Name: "k", Options: journal.Options{Sync: sync, SegmentBytes: 64 << 10}, Callers: 4})
		c.waitFor(t, "appended", 1+rand.IntN(300))
		c.kill()
		j := open(t, dir, journal.Options{})
		got := map[string]bool{}
		for {
			all, err := j.Next(100, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 {
				break
			}
			for _, r := range all {
				name, filler, _ := strings.Cut(string(r.Body), " ")
				if got[name] || strings.Trim(filler, "x") != "" {
					t.Errorf("%q, twice: %v", r.Body, got[name])
				}
				got[name] = true
				if err := j.Done(r.Ref); err != nil {
					t.Fatal(err)
				}
			}
		}
		for name := range c.said["appended"] {
			if !got[name] && !c.said["done"][name] {
				t.Errorf("kill %d, %v: %s is lost", i, sync, name)
			}
		}
		appended, done = appended+len(c.said["appended"]), done+len(c.said["done"])
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		onlyTorn(t, dir)
	}
	t.Logf("appended %d, done %d", appended, done)
}

// onlyTorn sees that nothing is left but what writes that were killed have left: Linux ends those at a page.
func onlyTorn(t *testing.T, dir string) {
	t.Helper()
	holders, err := journal.Inspect(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range holders {
		if !h.Gone {
			t.Errorf("left: %+v", h)
		}
		for _, file := range h.Quarantine {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || bytes.Count(text, []byte(`"reason":"torn:`)) != h.Quarantined {
				t.Errorf("%s, %v", text, err)
			}
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "quarantine")); err != nil {
		t.Fatal(err)
	}
}

// TestA12_ALivingNeighbourAdopts: two processes use one directory, one is killed, and the other gives out what it left.
func TestA12_ALivingNeighbourAdopts(t *testing.T) {
	dir := t.TempDir()
	appeared := make(chan struct{}, 1)
	var log lockedBuffer
	j := open(t, dir, journal.Options{AdoptEvery: 20 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	j.Notify(func() {
		select {
		case appeared <- struct{}{}:
		default:
		}
	})
	mine := appendAll(t, j, "mine")
	c := start(t, childConfig{Dir: dir, Name: "n", Callers: 2})
	c.waitFor(t, "done", 20)
	if n := j.Backlog(); n != 0 || log.String() != "" {
		t.Errorf("a backlog of %d while both live; told: %s", n, log.String())
	}
	c.kill()
	got := map[string]bool{}
	wanted := func() bool {
		for name := range c.said["appended"] {
			if !got[name] && !c.said["done"][name] {
				return false
			}
		}
		return true
	}
	for !wanted() {
		select {
		case <-appeared:
		case <-time.After(time.Minute):
			t.Fatal("nothing was adopted")
		}
		for _, body := range bodies(t, j) {
			name, _, _ := strings.Cut(body, " ")
			if got[name] || name == "mine" {
				t.Errorf("%s was given out twice", name)
			}
			got[name] = true
		}
	}
	if err := j.Done(mine...); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Orphans != 1 || s.Records != len(got) {
		t.Errorf("%+v, got %d", s, len(got))
	}
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestA12_EachOrphanHasOneAdopter opens many journals at once: each record of the dead goes to one of them.
func TestA12_EachOrphanHasOneAdopter(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 6 {
		j := open(t, dir, journal.Options{})
		name := string(rune('a' + i))
		appendAll(t, j, name)
		want = append(want, name)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan []string)
	for range 8 {
		go func() {
			j, err := journal.Open(dir, &journal.Options{Logger: quiet})
			if err != nil {
				t.Error(err)
				got <- nil
				return
			}
			var all []string
			for {
				records, err := j.Next(1, 100)
				if err != nil {
					t.Error(err)
				}
				if len(records) == 0 {
					break
				}
				all = append(all, string(records[0].Body))
				if err := j.Done(records[0].Ref); err != nil {
					t.Error(err)
				}
			}
			got <- all
			if err := j.Close(); err != nil {
				t.Error(err)
			}
			got <- nil
		}()
	}
	var all []string
	for range 16 {
		all = append(all, <-got...)
	}
	slices.Sort(all)
	// A journal that was closed while another looked may have been seen as an orphan with what it had adopted: then done.
	if !slices.Equal(all, want) {
		t.Errorf("got %q, want %q", all, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
