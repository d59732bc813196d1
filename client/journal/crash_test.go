package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var testContext = context.Background()

// scenario is a journal over several lives, each of which ends in a crash.
type scenario struct {
	seed   uint64
	sync   Sync
	power  bool // crashes are losses of power; else the process is killed
	max    int64
	faulty bool // now and then the disk refuses a write or a sync
}

func (s scenario) String() string {
	return fmt.Sprintf("seed %d, %v, power %v, faulty %v, at most %d bytes", s.seed, s.sync, s.power, s.faulty, s.max)
}

// run returns what went wrong.
func (s scenario) run() []string {
	rng := rand.New(rand.NewPCG(s.seed, 7))
	o := newOracle()
	d := newSimDisk()
	for range 1 + rng.IntN(3) {
		d = s.live(rng, o, d)
	}
	clear(o.given)
	d.n, d.op = 0, nil
	j, err := openOn(d, Options{})
	if err != nil {
		return []string{err.Error()}
	}
	if err := o.drain(j); err != nil {
		o.problem("drain: %v", err)
	}
	if s.sync == SyncAlways || !s.power {
		if lost := o.lost(d); len(lost) > 0 {
			o.problem("lost: %v of %d", lost, len(o.acked))
		}
	}
	if n := j.Backlog(); n != 0 {
		o.problem("a backlog of %d, and Next gives nothing", n)
	}
	if err := j.Close(); err != nil {
		o.problem("close: %v", err)
	}
	if names := left(d); len(names) > 0 {
		o.problem("left, though everything is done: %v", names)
	}
	return o.problems
}

// live is one life: it ends at an operation of the disk that is drawn.
func (s scenario) live(rng *rand.Rand, o *oracle, d *simDisk) *simDisk {
	clear(o.given)
	d.n = 0
	end := rng.IntN(250)
	faults := rand.New(rand.NewPCG(rng.Uint64(), 1))
	d.op = func(op operation) error {
		if op.index >= end {
			d.dead = true
			return errOff
		}
		if s.faulty && (op.kind == "write" || op.kind == "sync") && faults.IntN(20) == 0 {
			return partial{syscall.EIO, faults.Float64()}
		}
		return nil
	}
	if j, err := openOn(d, Options{Sync: s.sync, MaxBytes: s.max}); err == nil {
		l := &life{journal: j, oracle: o, callers: 1 + rng.IntN(3), calls: 60, most: 1500}
		l.run(rng)
		_ = j.Close() // on a dead disk, mostly
	}
	if s.power {
		return d.powerOff(rng)
	}
	return d.kill()
}

func draw(seed uint64) scenario {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := scenario{seed: seed, power: rng.IntN(4) > 0, faulty: rng.IntN(3) == 0}
	if rng.IntN(4) == 0 {
		s.sync = SyncInterval
	}
	if rng.IntN(2) == 0 {
		s.max = 8 * MinSegmentBytes // so that sparse segments are put together
	}
	return s
}

// TestT7_PowerLoss ends journals at every kind of operation of the disk, by a loss of power that drops and reorders what
// is not synced, or by a kill. With SyncAlways, and for a kill with SyncInterval, nothing acknowledged is lost; nothing
// that was never appended comes back, and nothing twice in one life.
func TestT7_PowerLoss(t *testing.T) {
	first := rand.Uint64()
	each(t, scaled(100, 500, 20_000), func(i int) string {
		s := draw(first + uint64(i))
		if problems := s.run(); len(problems) > 0 {
			return fmt.Sprintf("%v: %s", s, strings.Join(problems, "; "))
		}
		return ""
	})
}

// each runs f for 0 to n-1 on all processors, until one returns a problem.
func each(t *testing.T, n int, f func(i int) string) {
	t.Helper()
	var mu sync.Mutex
	next, problem := 0, ""
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == n || problem != "" {
			return 0, false
		}
		next++
		return next - 1, true
	}
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if p := f(i); p != "" {
					mu.Lock()
					problem = p
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if problem != "" {
		t.Fatal(problem)
	}
}
