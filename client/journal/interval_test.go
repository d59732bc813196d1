package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestSyncIntervalSyncsInTime: a loss of power costs no more than the last interval.
func TestSyncIntervalSyncsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSimDisk()
		j := mustOpen(t, d, Options{Sync: SyncInterval})
		for i := range 100 {
			if _, err := j.Append(t.Context(), Record{Body: fmt.Append(nil, i)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if n := j.Stats().Syncs; n < 9 || n > 11 {
			t.Errorf("%d syncs in 100 ms", n)
		}
		time.Sleep(2 * DefaultInterval)
		synctest.Wait()
		if n := len(j.unsynced); n != 0 || j.unsyncedBytes != 0 {
			t.Errorf("%d batches and %d bytes are still unsynced", n, j.unsyncedBytes)
		}
		next := d.powerOff(rand.New(rand.NewPCG(1, 1)))
		_ = j.Close()
		j = mustOpen(t, next, Options{})
		if n := j.Backlog(); n != 100 {
			t.Errorf("%d records survived", n)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestWhatIsUnsyncedIsBounded: a writer that is faster than the disk waits for it.
func TestWhatIsUnsyncedIsBounded(t *testing.T) {
	d := newSimDisk()
	j := mustOpen(t, d, Options{Sync: SyncInterval, Interval: time.Hour, SegmentBytes: 1 << 20})
	body := make([]byte, 100<<10)
	for range 2 * maxUnsynced / len(body) {
		ref, err := j.Append(t.Context(), Record{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Done(ref); err != nil {
			t.Fatal(err)
		}
		j.mu.Lock()
		if j.unsyncedBytes > maxUnsynced {
			t.Errorf("%d bytes are unsynced", j.unsyncedBytes)
		}
		j.mu.Unlock()
	}
	if n := j.Stats().Syncs; n == 0 {
		t.Error("no sync")
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// TestA11_WhatSyncIntervalPromisedIsTriedAgain: a sync fails, and so does every new file; when the disk is well again the
// next interval brings the records onto it.
func TestA11_WhatSyncIntervalPromisedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSimDisk()
		j := mustOpen(t, d, Options{Sync: SyncInterval})
		d.mu.Lock()
		d.op = func(o operation) error {
			if o.kind == "sync" && o.file.hasRecords() || o.kind == "preallocate" && d.n > 12 {
				return syscall.EIO
			}
			return nil
		}
		d.mu.Unlock()
		for _, body := range []string{"a", "b"} {
			if _, err := j.Append(t.Context(), Record{Body: []byte(body)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if s := j.Stats(); s.Failures != 1 || s.Records != 2 {
			t.Errorf("%+v", s)
		}
		d.mu.Lock()
		d.op = nil
		d.mu.Unlock()
		time.Sleep(2 * DefaultInterval)
		synctest.Wait()
		next := d.powerOff(rand.New(rand.NewPCG(1, 1)))
		_ = j.Close()
		j = mustOpen(t, next, Options{})
		got, err := j.Next(10, 100)
		if err != nil || len(got) != 2 || string(got[0].Body)+string(got[1].Body) != "ab" {
			t.Errorf("%v, %v", got, err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestA11_CloseTellsWhatCouldNotBeSynced, and goes on telling it.
func TestA11_CloseTellsWhatCouldNotBeSynced(t *testing.T) {
	d := newSimDisk()
	j := mustOpen(t, d, Options{Sync: SyncInterval, Interval: time.Hour})
	if _, err := j.Append(t.Context(), Record{}); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.op = func(o operation) error {
		if o.kind == "sync" {
			return syscall.EIO
		}
		return nil
	}
	d.mu.Unlock()
	for range 2 {
		if err := j.Close(); !errors.Is(err, syscall.EIO) {
			t.Error(err)
		}
	}
}
