package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

// openOn opens a journal on a simulated disk.
func openOn(d disk, opts Options) (*Journal, error) {
	if opts.Logger == nil {
		opts.Logger = quiet
	}
	if opts.SegmentBytes == 0 {
		opts.SegmentBytes = MinSegmentBytes
	}
	filled, err := opts.fill()
	if err != nil {
		return nil, err
	}
	return open(d, filled)
}

func mustOpen(t testing.TB, d disk, opts Options) *Journal {
	t.Helper()
	j, err := openOn(d, opts)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// oracle knows what was asked of a journal, over all its lives.
type oracle struct {
	mu        sync.Mutex
	attempted map[string]Record
	acked     map[string]bool // nil was returned
	refused   map[string]bool // an error was returned, not that of a context
	done      map[string]bool // Done was called
	aside     map[string]bool // Quarantine has returned nil
	given     map[string]bool // by Next, in this life
	problems  []string
}

func newOracle() *oracle {
	return &oracle{
		attempted: map[string]Record{}, acked: map[string]bool{}, refused: map[string]bool{}, done: map[string]bool{},
		aside: map[string]bool{}, given: map[string]bool{},
	}
}

func (o *oracle) problem(format string, args ...any) {
	o.problems = append(o.problems, fmt.Sprintf(format, args...))
}

// id is what the body of a record begins with.
func id(r Record) string {
	text, _, _ := strings.Cut(string(r.Body), ":")
	return text
}

// draw makes a record that was not there yet.
func (o *oracle) draw(rng *rand.Rand, most int) Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	filler := make([]byte, rng.IntN(most))
	for i := range filler {
		filler[i] = byte(rng.Uint32())
	}
	r := Record{
		Body:  append(fmt.Appendf(nil, "%d:", len(o.attempted)), filler...),
		Class: []string{"", "bulk"}[rng.IntN(2)],
		Time:  time.Unix(0, rng.Int64N(1<<62)),
	}
	if rng.IntN(3) == 0 {
		r.Meta, r.NotBefore = []byte("meta"), time.Unix(0, rng.Int64N(1<<62))
	}
	o.attempted[id(r)] = r
	return r
}

func (o *oracle) told(r Record, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.acked[id(r)] = true
	} else {
		o.refused[id(r)] = true
	}
}

// gave judges what Next has given out.
func (o *oracle) gave(all []Recovered) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, got := range all {
		name := id(got.Record)
		want, ok := o.attempted[name]
		switch {
		case !ok || !same(want, got.Record):
			o.problem("phantom %q, %d bytes", name, len(got.Body))
		case o.given[name]:
			o.problem("record %s was given out twice", name)
		}
		o.given[name] = true
	}
}

func same(a, b Record) bool {
	return bytes.Equal(a.Body, b.Body) && a.Class == b.Class && bytes.Equal(a.Meta, b.Meta) && a.Time.Equal(b.Time) && a.NotBefore.Equal(b.NotBefore)
}

func (o *oracle) finished(refs map[Ref]string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range refs {
		o.done[name] = true
	}
}

// drain takes all of the backlog, judges it, and says that it is done.
func (o *oracle) drain(j *Journal) error {
	var refs []Ref
	for {
		got, err := j.Next(5, 8<<10)
		if err != nil || len(got) == 0 {
			return errors.Join(err, j.Done(refs...))
		}
		o.gave(got)
		for _, r := range got {
			refs = append(refs, r.Ref)
		}
	}
}

// left lists what is on the disk besides the quarantine.
func left(d *simDisk) (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range slices.Concat(slices.Collect(maps.Keys(d.files)), slices.Collect(maps.Keys(d.dirs))) {
		if name != "." && name != quarantineDir && path.Dir(name) != quarantineDir {
			names = append(names, name)
		}
	}
	return names
}

// lost lists what was acknowledged, is not done, and was not given out in this life; quarantined records count as found if
// the files have them.
func (o *oracle) lost(d *simDisk) (names []string) {
	put := putAside(d)
	for name := range o.acked {
		if !o.done[name] && !o.given[name] && !put[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// putAside reads the files of the quarantine.
func putAside(d *simDisk) map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		if path.Dir(name) != quarantineDir || strings.HasSuffix(name, damageSuffix) {
			continue
		}
		lines := json.NewDecoder(bytes.NewReader(d.files[name].now))
		for {
			var l line
			if err := lines.Decode(&l); err != nil {
				break // torn: nobody was told nil
			}
			text, _, _ := strings.Cut(l.Body+string(l.BodyBase64), ":")
			found[text] = true
		}
	}
	return found
}

// life is one process that uses a journal at random until it ends or the disk dies.
type life struct {
	journal *Journal
	oracle  *oracle
	callers int
	calls   int // of each
	most    int // bytes of filler
}

func (l *life) run(rng *rand.Rand) {
	var wg sync.WaitGroup
	for range l.callers {
		own := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
		wg.Go(func() { l.caller(own) })
	}
	wg.Wait()
}

func (l *life) caller(rng *rand.Rand) {
	ctx := testContext
	mine := map[Ref]string{}
	for range l.calls {
		switch dice := rng.IntN(20); {
		case dice < 9:
			r := l.oracle.draw(rng, l.most)
			ref, err := l.journal.Append(ctx, r)
			l.oracle.told(r, err)
			if err == nil {
				mine[ref] = id(r)
			}
		case dice < 11:
			r := l.oracle.draw(rng, l.most)
			l.oracle.told(r, l.journal.Spill(ctx, r))
		case dice < 13:
			got, _ := l.journal.Next(1+rng.IntN(4), 1+rng.IntN(4<<10))
			l.oracle.gave(got)
			for _, r := range got {
				mine[r.Ref] = id(r.Record)
			}
		case dice < 19:
			l.finish(rng, mine)
		default:
			l.quarantine(mine)
		}
	}
}

// finish says Done of about half of what the caller has.
func (l *life) finish(rng *rand.Rand, mine map[Ref]string) {
	var refs []Ref
	finished := map[Ref]string{}
	for ref, name := range mine {
		if rng.IntN(2) == 0 {
			refs = append(refs, ref)
			finished[ref] = name
			delete(mine, ref)
		}
	}
	l.oracle.finished(finished, nil)
	_ = l.journal.Done(refs...) // an error: they may come back, as always
}

func (l *life) quarantine(mine map[Ref]string) {
	for ref, name := range mine {
		if err := l.journal.Quarantine(ref, "refused"); err == nil {
			l.oracle.mu.Lock()
			l.oracle.aside[name] = true
			l.oracle.mu.Unlock()
		}
		delete(mine, ref)
		return
	}
}
