package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestA12_ALockHasOneHolder takes the locks of subdirectories and removes them, from many sides at once: no two ever hold
// the same, although the lock's file goes away with each.
func TestA12_ALockHasOneHolder(t *testing.T) {
	d, err := openDisk(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	var taken atomic.Int64
	var holders [2]atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := 0; i < 500 || taken.Load() < 100; i++ { // a holder whose thread must wait keeps all others out
				n := i % len(holders)
				name := fmt.Sprint(n)
				_ = d.mkdir(name) // it may be there
				lock, err := d.lock(name, nil)
				if errors.Is(err, errLocked) {
					runtime.Gosched()
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				taken.Add(1)
				if holders[n].Add(1) != 1 {
					t.Errorf("%s has two holders", name)
				}
				for range rand.IntN(20) {
					runtime.Gosched()
				}
				holders[n].Add(-1)
				_ = lock.release(true) // somebody may have made the file again
			}
		})
	}
	all.Wait()
	if err := d.close(); err != nil {
		t.Error(err)
	}
}

// TestWithoutFallocateZerosTakeTheRoom.
func TestWithoutFallocateZerosTakeTheRoom(t *testing.T) {
	d := newSimDisk()
	f, err := d.open("file", os.O_CREATE|os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	const size = 2<<20 + 4096
	if err := writeZeros(f, size); err != nil {
		t.Fatal(err)
	}
	if n, err := f.size(); n != size || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestA12_TheLockOfARemovedSubdirectoryIsNone: who opened the file in time, and gets the lock too late, has nothing, even if
// the name is there again.
func TestA12_TheLockOfARemovedSubdirectoryIsNone(t *testing.T) {
	dir := t.TempDir()
	opened, err := openDisk(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	d := opened.(osDisk)
	if err := d.mkdir("x"); err != nil {
		t.Fatal(err)
	}
	first, err := d.lock("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	late, err := os.OpenFile(filepath.Join(dir, "x", lockFile), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.take(late, "x"); !errors.Is(err, errLocked) {
		t.Errorf("while it is held: %v", err)
	}
	if err := first.release(true); err != nil {
		t.Fatal(err)
	}
	if err := d.take(late, "x"); !errors.Is(err, errLocked) {
		t.Errorf("after its removal: %v", err)
	}
	if err := d.mkdir("x"); err != nil {
		t.Fatal(err)
	}
	second, err := d.lock("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.take(late, "x"); !errors.Is(err, errLocked) {
		t.Errorf("while another has the name: %v", err)
	}
	if err := errors.Join(late.Close(), second.release(true), d.close()); err != nil {
		t.Error(err)
	}
}
