package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"
)

// outage is a disk that has no room from one operation on, for some of them.
type outage struct {
	seed uint64
	sync Sync
	// copying disks need room for every write; on others a file that is preallocated has it.
	copying bool
	from    int // operation that takes room
	length  int
}

// needsRoom reports whether an operation may fail on a full disk.
func (x outage) needsRoom(o operation) bool {
	switch o.kind {
	case "mkdir", "create", "preallocate":
		return true
	case "write":
		return x.copying || o.at+o.bytes > o.file.room
	}
	return false
}

func (x outage) run() []string {
	rng := rand.New(rand.NewPCG(x.seed, 3))
	d, o := newSimDisk(), newOracle()
	index, refusals := 0, 0
	torn := rand.New(rand.NewPCG(x.seed, 4)) // guarded by d.mu
	d.op = func(op operation) error {
		if !x.needsRoom(op) {
			return nil
		}
		index++
		if index <= x.from || index > x.from+x.length {
			return nil
		}
		refusals++
		return partial{syscall.ENOSPC, torn.Float64()}
	}
	j, err := openOn(d, Options{Sync: x.sync})
	if err != nil {
		if !errors.Is(err, ErrFull) {
			o.problem("open: %v", err)
		}
		return o.problems
	}
	j.supply.pause = 0
	x.use(rng, o, j)
	d.mu.Lock()
	d.op = nil
	d.mu.Unlock()
	j.mu.Lock()
	made, making := j.supply.made, j.supply.making
	j.mu.Unlock()
	if making { // it may have met the full disk already, and whoever waits for it is told so
		<-made
	}
	if r := o.draw(rng, 100); o.problems == nil { // the disk has room again
		if _, err := j.Append(testContext, r); err != nil {
			o.problem("with room again: %v", err)
		}
		o.told(r, nil)
	}
	next := d.kill()
	_ = j.Close()
	x.judge(o, next, refusals)
	return o.problems
}

// use appends and finishes, and sees that nothing but ErrFull is told.
func (x outage) use(rng *rand.Rand, o *oracle, j *Journal) {
	mine := map[Ref]string{}
	for range 40 {
		r := o.draw(rng, 1500)
		var ref Ref
		var err error
		if rng.IntN(4) == 0 {
			err = j.Spill(testContext, r)
		} else {
			ref, err = j.Append(testContext, r)
		}
		o.told(r, err)
		switch {
		case err != nil && !errors.Is(err, ErrFull):
			o.problem("append: %v", err)
		case err == nil && !ref.IsZero():
			mine[ref] = id(r)
		}
		if rng.IntN(5) == 0 {
			for ref, name := range mine {
				o.finished(map[Ref]string{ref: name}, nil)
				if err := j.Done(ref); err != nil && !(x.copying && noSpace(err)) {
					o.problem("done: %v", err)
				}
				delete(mine, ref)
				break
			}
		}
	}
}

func (x outage) judge(o *oracle, d *simDisk, refusals int) {
	j, err := openOn(d, Options{})
	if err != nil {
		o.problem("%v", err)
		return
	}
	if err := o.drain(j); err != nil {
		o.problem("drain: %v", err)
	}
	if lost := o.lost(d); len(lost) > 0 {
		o.problem("lost: %v of %d", lost, len(o.acked))
	}
	for name := range o.refused {
		if o.given[name] && !x.copying {
			o.problem("record %s was refused and came back", name)
		}
	}
	if err := j.Close(); err != nil {
		o.problem("close: %v", err)
	}
	if names := left(d); len(names) > 0 {
		o.problem("left, though everything is done: %v", names)
	}
}

// TestT9_DiskFullAtEveryWrite fills the disk at each operation that takes room, for one or for many, on disks that keep
// what is preallocated and on those that need room for every write. What does not fit is refused with ErrFull before it is
// acknowledged, nothing acknowledged is lost, and no part of a record is seen after a restart.
func TestT9_DiskFullAtEveryWrite(t *testing.T) {
	first := rand.Uint64()
	each(t, scaled(200, 200, 5_000), func(i int) string {
		x := outage{seed: first + uint64(i), sync: Sync(i % 2), copying: i/2%2 == 0, from: i / 12 % 120, length: []int{1, 5, 1000}[i/4%3]}
		if problems := x.run(); len(problems) > 0 {
			return fmt.Sprintf("%+v: %s", x, strings.Join(problems, "; "))
		}
		return ""
	})
}

// fill lets nothing more have room on the disk, until the returned function is called.
func (d *simDisk) fill() (empty func()) {
	set := func(op func(operation) error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.op = op
	}
	set(func(o operation) error {
		if (outage{}).needsRoom(o) {
			return syscall.ENOSPC
		}
		return nil
	})
	return func() { set(nil) }
}

// TestA10_AHostStartsOnAFullDisk: what dead hosts have left takes all the room, so the next one goes on in the place of the
// oldest of them. It sends all of it, which makes room.
func TestA10_AHostStartsOnAFullDisk(t *testing.T) {
	rng, o, d := rand.New(rand.NewPCG(1, 10)), newOracle(), newSimDisk()
	for range 3 {
		j := mustOpen(t, d, Options{AdoptEvery: time.Hour, MaxBytes: 2 * MinSegmentBytes}) // too little to adopt the others
		for range 20 {
			r := o.draw(rng, 1500)
			_, err := j.Append(testContext, r)
			o.told(r, err)
		}
		d = d.kill()
		_ = j.Close()
	}
	if len(o.acked) == 0 {
		t.Fatal("nothing was stored")
	}
	empty := d.fill()
	j := mustOpen(t, d, Options{})
	j.supply.pause = 0
	if j.Backlog() != len(o.acked) {
		t.Errorf("a backlog of %d, want %d", j.Backlog(), len(o.acked))
	}
	if _, err := j.Append(testContext, Record{Body: []byte("x")}); !errors.Is(err, ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := o.drain(j); err != nil || len(o.problems) > 0 {
		t.Error(err, o.problems)
	}
	empty()
	r := o.draw(rng, 100)
	_, err := j.Append(testContext, r)
	o.told(r, err)
	if err != nil {
		t.Errorf("with room again: %v", err)
	}
	next := d.kill()
	_ = j.Close()

	j = mustOpen(t, next, Options{})
	if err := o.drain(j); err != nil || len(o.problems) > 0 {
		t.Error(err, o.problems)
	}
	if lost := o.lost(next); len(lost) > 0 {
		t.Errorf("lost: %v", lost)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if names := left(next); len(names) > 0 {
		t.Errorf("left, though everything is done: %v", names)
	}
}

// TestA10_ALivingHostKeepsItsPlace on a disk that is full for others.
func TestA10_ALivingHostKeepsItsPlace(t *testing.T) {
	d := newSimDisk()
	first := mustOpen(t, d, Options{})
	if _, err := first.Append(testContext, Record{Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	empty := d.fill()
	if j, err := openOn(d, Options{}); !errors.Is(err, ErrFull) {
		t.Errorf("opened %v: %v", j != nil, err)
	}
	empty()
	if err := first.Close(); err != nil {
		t.Error(err)
	}
}
