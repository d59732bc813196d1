package journal

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// gate lets operations of a simulated disk wait.
type gate struct {
	closed chan struct{} // nil: open
}

// hold makes operations of one kind wait from now on, and returns what lets them go.
func (g *gate) hold(d *simDisk, kind string) (release func()) {
	g.closed = make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.op = func(o operation) error {
		if o.kind == kind && (kind != "sync" || o.file.hasRecords()) {
			d.mu.Unlock()
			<-g.closed
			d.mu.Lock()
		}
		return nil
	}
	return func() { close(g.closed) }
}

// TestACallerMayGiveUp: Append waits for the disk no longer than its context, and then says which record it was.
func TestACallerMayGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSimDisk()
		j := mustOpen(t, d, Options{})
		if _, err := j.Append(t.Context(), Record{Body: []byte("first")}); err != nil {
			t.Fatal(err)
		}
		release := new(gate).hold(d, "sync")
		writer := make(chan error)
		go func() {
			_, err := j.Append(t.Context(), Record{Body: []byte("writes")})
			writer <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ref, err := j.Append(ctx, Record{Body: []byte("gives up")})
		if !errors.Is(err, context.DeadlineExceeded) || ref.IsZero() {
			t.Errorf("%v, %v", ref, err)
		}
		if err := j.Done(ref); err != nil {
			t.Error(err)
		}
		release()
		if err := <-writer; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		j = mustOpen(t, d, Options{})
		if n := j.Backlog(); n != 2 {
			t.Errorf("a backlog of %d: what was given up and done came back", n)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestACallerMayGiveUpWaitingForAFile: with no segment ready, nothing is stored.
func TestACallerMayGiveUpWaitingForAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSimDisk()
		j := mustOpen(t, d, Options{})
		release := new(gate).hold(d, "preallocate")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if ref, err := j.Append(ctx, Record{}); !errors.Is(err, context.DeadlineExceeded) || !ref.IsZero() {
			t.Errorf("%v, %v", ref, err)
		}
		waiting := make(chan error)
		go func() {
			_, err := j.Append(context.Background(), Record{})
			waiting <- err
		}()
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- j.Close() }()
		if err := <-waiting; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		release()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if names := left(d); len(names) > 0 {
			t.Errorf("left: %v", names)
		}
	})
}

// TestCallersShareASync: while one sync runs, everybody else gathers for the next one.
func TestCallersShareASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSimDisk()
		j := mustOpen(t, d, Options{})
		if _, err := j.Append(t.Context(), Record{}); err != nil {
			t.Fatal(err)
		}
		before := j.Stats().Syncs
		release := new(gate).hold(d, "sync")
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if _, err := j.Append(t.Context(), Record{Body: []byte("x")}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		release()
		callers.Wait()
		if n := j.Stats().Syncs - before; n > 2 {
			t.Errorf("%d syncs for 50 callers", n)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestA11_UnreadableBlocksAreDamage: what lies on good blocks is recovered.
func TestA11_UnreadableBlocksAreDamage(t *testing.T) {
	content := []byte(strings.Repeat("x", 3*blockBytes))
	b := make([]byte, len(content)-10)
	bad := badBlocks{content: content, bad: blockBytes + 5}
	if n := readBlocks(bad, b, 10); n != 1 {
		t.Errorf("%d blocks are unreadable", n)
	}
	for i, c := range b {
		at := i + 10
		if want := at/blockBytes != 1; (c == 'x') != want {
			t.Fatalf("byte %d is %q", at, c)
		}
	}
}

// badBlocks refuses reads that touch a byte.
type badBlocks struct {
	content []byte
	bad     int64
}

func (r badBlocks) ReadAt(b []byte, at int64) (int, error) {
	if at <= r.bad && r.bad < at+int64(len(b)) {
		return 0, syscall.EIO
	}
	if n := copy(b, r.content[at:]); n < len(b) {
		return n, io.EOF
	}
	return len(b), nil
}

// TestA4_TheJournalIsBounded by Options.MaxBytes, and goes on when something is done.
func TestA4_TheJournalIsBounded(t *testing.T) {
	d := newSimDisk()
	j := mustOpen(t, d, Options{MaxBytes: 4 * MinSegmentBytes})
	var refs []Ref
	var err error
	for range 1000 {
		var ref Ref
		if ref, err = j.Append(t.Context(), Record{Body: make([]byte, 1000)}); err != nil {
			break
		}
		refs = append(refs, ref)
	}
	if s := j.Stats(); !errors.Is(err, ErrFull) || s.Bytes > 4*MinSegmentBytes || len(refs) < 30 || s.Records != len(refs) {
		t.Fatalf("%v after %d records, %+v", err, len(refs), s)
	}
	if err := j.Done(refs...); err != nil {
		t.Fatal(err)
	}
	j.supply.pause = 0
	if _, err := j.Append(t.Context(), Record{}); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// TestA15_LifecycleUnderLoad closes a journal that everybody uses: each call ends as before or with ErrClosed, and what was
// acknowledged and not done is there.
func TestA15_LifecycleUnderLoad(t *testing.T) {
	for range 5 {
		d, o := newSimDisk(), newOracle()
		j := mustOpen(t, d, Options{Sync: Sync(rand.IntN(2)), Interval: time.Millisecond, AdoptEvery: time.Millisecond})
		var callers sync.WaitGroup
		started := make(chan struct{}, 64)
		for range 64 {
			callers.Go(func() {
				started <- struct{}{}
				for {
					r := o.draw(rand.New(rand.NewPCG(rand.Uint64(), 1)), 200)
					ref, err := j.Append(t.Context(), r)
					if errors.Is(err, ErrClosed) {
						return
					}
					o.told(r, err)
					if err != nil {
						t.Error(err)
						return
					}
					if rand.IntN(2) == 0 {
						o.finished(map[Ref]string{ref: id(r)}, nil)
						if err := j.Done(ref); err != nil && !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
					}
					_ = j.Stats()
				}
			})
		}
		for range 64 {
			<-started
		}
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(func() {
				if err := j.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		closers.Wait()
		callers.Wait()
		again := mustOpen(t, d, Options{})
		if err := o.drain(again); err != nil {
			t.Error(err)
		}
		if lost := o.lost(d); len(lost)+len(o.problems) > 0 {
			t.Errorf("lost %v; %v", lost, o.problems)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestA15_CloseWaitsForCallers: none finds its files closed under it.
func TestA15_CloseWaitsForCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSimDisk()
		j := mustOpen(t, d, Options{})
		ref, err := j.Append(t.Context(), Record{})
		if err != nil {
			t.Fatal(err)
		}
		release := new(gate).hold(d, "write")
		done, closed := make(chan error, 1), make(chan error, 1)
		go func() { done <- j.Done(ref) }()
		synctest.Wait()
		go func() { closed <- j.Close() }()
		synctest.Wait()
		select {
		case err := <-closed:
			t.Errorf("Close has returned %v while Done was writing", err)
			closed <- err
		default:
		}
		release()
		if err := errors.Join(<-done, <-closed); err != nil {
			t.Error(err)
		}
	})
}

// fastAdopter is a disk on which somebody else takes each new subdirectory for an orphan, a few times.
type fastAdopter struct {
	*simDisk
	times int
}

func (d *fastAdopter) lock(name string, text []byte) (locked, error) {
	if d.times--; d.times >= 0 {
		return nil, errLocked
	}
	return d.simDisk.lock(name, text)
}

func TestA12_AnAdopterMayBeFasterThanTheOwner(t *testing.T) {
	j := mustOpen(t, &fastAdopter{newSimDisk(), 3}, Options{})
	if _, err := j.Append(t.Context(), Record{}); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// TestNotifyTellsWhatComesWhileTheLastIsTaken: a backlog that was emptied during a write is new when the write ends.
func TestNotifyTellsWhatComesWhileTheLastIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSimDisk()
		j := mustOpen(t, d, Options{})
		told := make(chan struct{}, 10)
		j.Notify(func() { told <- struct{}{} })
		if err := j.Spill(t.Context(), Record{Body: []byte("first")}); err != nil {
			t.Fatal(err)
		}
		release := new(gate).hold(d, "sync")
		spilled := make(chan error, 1)
		go func() { spilled <- j.Spill(t.Context(), Record{Body: []byte("second")}) }()
		synctest.Wait()
		if got, err := j.Next(10, 100); err != nil || len(got) != 1 || j.Backlog() != 0 {
			t.Fatal(got, err)
		}
		release()
		if err := <-spilled; err != nil || j.Backlog() != 1 || len(told) != 2 {
			t.Errorf("%v; a backlog of %d, told %d times", err, j.Backlog(), len(told))
		}
		j.Notify(nil)
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestA10_AQuarantineThatHasNoRoomKeepsTheRecord, and leaves no half line before the next.
func TestA10_AQuarantineThatHasNoRoomKeepsTheRecord(t *testing.T) {
	d := newSimDisk()
	j := mustOpen(t, d, Options{})
	var refs []Ref
	for _, body := range []string{strings.Repeat("long", 100), "short"} {
		ref, err := j.Append(t.Context(), Record{Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	d.mu.Lock()
	d.op = func(o operation) error {
		if o.kind == "write" && strings.HasPrefix(o.name, quarantineDir) && o.bytes > 200 {
			d.op = nil
			return partial{syscall.ENOSPC, 0.9}
		}
		return nil
	}
	d.mu.Unlock()
	if err := j.Quarantine(refs[0], "why"); !errors.Is(err, ErrFull) || j.Stats().Records != 2 {
		t.Errorf("%v, %+v", err, j.Stats())
	}
	if err := j.Quarantine(refs[1], "why"); err != nil {
		t.Error(err)
	}
	if put := putAside(d); !put["short"] || len(put) != 1 {
		t.Errorf("put aside: %v", put)
	}
	if err := j.Quarantine(refs[0], "why"); err != nil {
		t.Error(err)
	}
	if put := putAside(d); len(put) != 2 {
		t.Errorf("put aside: %v", put)
	}
	for name, f := range d.files {
		if lines := strings.Split(strings.TrimSpace(string(f.now)), "\n"); strings.HasPrefix(name, quarantineDir) && (len(lines) != 2 || strings.Contains(lines[0], "long")) {
			t.Errorf("%s has %q", name, lines)
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
