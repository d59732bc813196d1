package journal

import (
	"maps"
	"math/rand/v2"
	"path"
	"testing"
	"testing/synctest"
	"time"
)

// TestA12_AnOrphanIsAdoptedWithinTenSeconds by the default options, and whoever is told of the backlog finds it.
func TestA12_AnOrphanIsAdoptedWithinTenSeconds(t *testing.T) {
	s := newSpecimen(t, rand.New(rand.NewPCG(4, 1)), 8)
	synctest.Test(t, func(t *testing.T) {
		d := newSimDisk()
		j := mustOpen(t, d, Options{})
		defer j.Close()
		var told time.Time
		j.Notify(func() { told = time.Now() })
		time.Sleep(7 * time.Second)
		died := time.Now()
		d.mu.Lock()
		d.dirs[path.Dir(s.name)] = true
		d.files[s.name] = &simFile{now: s.content, room: int64(len(s.content))}
		d.mu.Unlock()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if told.IsZero() || j.Backlog() != 6 || j.Stats().Orphans != 1 {
			t.Fatalf("told %v, %+v", told, j.Stats())
		}
		if err := s.oracle.drain(j); err != nil || len(s.oracle.problems) > 0 {
			t.Error(err, s.oracle.problems)
		}
		synctest.Wait()
		if d.dirs[path.Dir(s.name)] || j.Stats().Orphans != 0 {
			t.Error("the orphan is empty and was not removed")
		}
		t.Logf("adopted after %v", told.Sub(died))
	})
}

// TestA12_AnotherVersionIsLeftAlone: what a newer program writes is not ours to read, or to remove.
func TestA12_AnotherVersionIsLeftAlone(t *testing.T) {
	d := newSimDisk()
	for _, name := range []string{"v2-20300101t000000-00000000", "photos"} {
		d.dirs[name] = true
		d.files[name+"/0000000000000001-0000000000000002.seg"] = &simFile{now: []byte("newer")}
	}
	before := maps.Clone(d.files)
	j := mustOpen(t, d, Options{})
	if n := j.Backlog(); n != 0 {
		t.Errorf("a backlog of %d", n)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(before, d.files) || !d.dirs["photos"] {
		t.Errorf("files %v", d.files)
	}
	holders, err := inspect(d)
	if err != nil || len(holders) != 2 || holders[0].Err == nil || holders[1].Err == nil {
		t.Errorf("%+v, %v", holders, err)
	}
}

// TestA12_AStrangersFileIsNotRemoved: the subdirectory stays, and is no orphan of anybody's records.
func TestA12_AStrangersFileIsNotRemoved(t *testing.T) {
	d := newSimDisk()
	const name = holderPrefix + "20200101t000000-00000000"
	d.dirs[name] = true
	d.files[name+"/notes.txt"] = &simFile{now: []byte("mine")}
	for range 2 {
		j := mustOpen(t, d, Options{})
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if d.files[name+"/notes.txt"] == nil {
		t.Error("it was removed")
	}
}
