package journal

import (
	"fmt"
	"strings"
	"testing"
)

// stuckClass is a journal where all is done at once but one record in two hundred, as of a class whose transport is down;
// and where as many are spilled.
type stuckClass struct {
	disk    *simDisk
	journal *Journal
	hands   map[Ref]string  // by name
	backlog map[string]bool // by name
}

// TestOneStuckClassDoesNotFillTheJournal appends many times what the journal may hold: the few records that nobody delivers
// do not keep the room of the others.
func TestOneStuckClassDoesNotFillTheJournal(t *testing.T) {
	const most = 64 * MinSegmentBytes
	d := newSimDisk()
	c := &stuckClass{disk: d, journal: mustOpen(t, d, Options{MaxBytes: most}), hands: map[Ref]string{}, backlog: map[string]bool{}}
	for i := range 20_000 {
		c.append(t, i)
	}
	s := c.journal.Stats()
	if s.Compactions == 0 || s.Records != len(c.hands)+len(c.backlog) || s.Backlog != len(c.backlog) || s.Bytes > most {
		t.Errorf("%+v, %d in hands and %d spilled", s, len(c.hands), len(c.backlog))
	}
	half := len(c.hands) / 2
	for ref := range c.hands {
		if len(c.hands) == half {
			break
		}
		c.done(t, ref)
		delete(c.hands, ref)
	}
	for len(c.backlog) > 20 {
		c.take(t, 7)
	}
	next := d.kill()
	_ = c.journal.Close()
	for _, name := range c.hands {
		c.backlog[name] = true
	}
	c.journal = mustOpen(t, next, Options{})
	if n := c.journal.Backlog(); n != len(c.backlog) {
		t.Errorf("a backlog of %d, want %d", n, len(c.backlog))
	}
	for len(c.backlog) > 0 {
		c.take(t, 100)
	}
	if n := c.journal.Backlog(); n != 0 {
		t.Errorf("a backlog of %d beyond what there was", n)
	}
	if err := c.journal.Close(); err != nil {
		t.Error(err)
	}
}

func (c *stuckClass) append(t *testing.T, i int) {
	t.Helper()
	body := fmt.Sprintf("%d:%s", i, make([]byte, 400))
	ref, err := c.journal.Append(t.Context(), Record{Body: []byte(body)})
	if err != nil {
		t.Fatalf("after %d records: %v, %+v", i, err, c.journal.Stats())
	}
	switch i % 200 {
	case 0:
		c.hands[ref] = fmt.Sprint(i)
		return
	case 100:
		if err := c.journal.Spill(t.Context(), Record{Body: []byte("s" + body)}); err != nil {
			t.Fatal(err)
		}
		c.backlog[fmt.Sprintf("s%d", i)] = true
	}
	c.done(t, ref)
}

func (c *stuckClass) done(t *testing.T, ref Ref) {
	t.Helper()
	if err := c.journal.Done(ref); err != nil {
		t.Fatal(err)
	}
}

// take takes some of the backlog, each once.
func (c *stuckClass) take(t *testing.T, n int) {
	t.Helper()
	got, err := c.journal.Next(n, 1<<20)
	if err != nil || len(got) == 0 {
		t.Fatalf("%d records, %v; %d are missing", len(got), err, len(c.backlog))
	}
	for _, r := range got {
		if !c.backlog[id(r.Record)] {
			t.Fatalf("%s was given out twice, or is not in the backlog", id(r.Record))
		}
		delete(c.backlog, id(r.Record))
		c.done(t, r.Ref)
	}
}

// TestA11_DamageIsPutAsideBeforeItsSegmentIsMoved: what compaction does not find is not forgotten.
func TestA11_DamageIsPutAsideBeforeItsSegmentIsMoved(t *testing.T) {
	d, o, j := sparseJournal(t)
	name := d.segmentsOf()[1]
	d.mu.Lock()
	content := d.files[name].now
	for at := areaStart; at < len(content); at += blockBytes {
		content[at+recordBytes+8] ^= 1
	}
	d.mu.Unlock()
	j.compact()
	j.runJobs()
	if s := j.Stats(); s.Compactions != 1 || s.Damaged == 0 {
		t.Errorf("%+v", s)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	put := 0
	for file := range d.files {
		if strings.HasSuffix(file, damageSuffix) {
			put++
		}
	}
	if put != 1 || len(o.problems) > 0 {
		t.Errorf("%d files in the quarantine; %v", put, o.problems)
	}
}
