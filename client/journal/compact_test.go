package journal

import (
	"fmt"
	"testing"
)

// TestOneStuckClassDoesNotFillTheJournal appends many times what the journal may hold. All is done at once but one record
// in a hundred, as of a class whose transport is down: those few do not keep the room of the others.
func TestOneStuckClassDoesNotFillTheJournal(t *testing.T) {
	const most = 64 * MinSegmentBytes
	d := newSimDisk()
	j := mustOpen(t, d, Options{MaxBytes: most})
	stuck, spilled := map[Ref]string{}, map[string]bool{}
	segments := 0
	for i := range 20_000 {
		body := fmt.Sprintf("%d:%s", i, make([]byte, 400))
		ref, err := j.Append(t.Context(), Record{Body: []byte(body)})
		if err != nil {
			t.Fatalf("after %d records, %d of them stuck: %v, %+v", i, len(stuck), err, j.Stats())
		}
		switch {
		case i%200 == 0:
			stuck[ref] = fmt.Sprint(i)
		case i%200 == 100:
			if err := j.Spill(t.Context(), Record{Body: []byte("s" + body)}); err != nil {
				t.Fatal(err)
			}
			spilled[fmt.Sprintf("s%d", i)] = true
			fallthrough
		default:
			if err := j.Done(ref); err != nil {
				t.Fatal(err)
			}
		}
		segments = max(segments, j.Stats().Segments)
	}
	s := j.Stats()
	if s.Compactions == 0 || s.Records != len(stuck)+len(spilled) || s.Backlog != len(spilled) || s.Bytes > most {
		t.Errorf("%+v, %d stuck and %d spilled", s, len(stuck), len(spilled))
	}
	t.Logf("%d segments at most; %+v", segments, s)
	// Half of each is done before the process dies; the rest comes back.
	i := 0
	for ref, name := range stuck {
		if i++; i%2 == 0 {
			if err := j.Done(ref); err != nil {
				t.Fatal(err)
			}
			delete(stuck, ref)
			_ = name
		}
	}
	for len(spilled) > 20 {
		got, err := j.Next(7, 1<<20)
		if err != nil || len(got) == 0 {
			t.Fatal(got, err)
		}
		for _, r := range got {
			if !spilled[id(r.Record)] {
				t.Fatalf("%s was given out twice, or never spilled", id(r.Record))
			}
			delete(spilled, id(r.Record))
			if err := j.Done(r.Ref); err != nil {
				t.Fatal(err)
			}
		}
	}
	next := d.kill()
	_ = j.Close()
	for _, name := range stuck {
		spilled[name] = true
	}
	j = mustOpen(t, next, Options{})
	if n := j.Backlog(); n != len(spilled) {
		t.Errorf("a backlog of %d, want %d", n, len(spilled))
	}
	for {
		got, err := j.Next(100, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		for _, r := range got {
			if !spilled[id(r.Record)] {
				t.Errorf("%s came back", id(r.Record))
			}
			delete(spilled, id(r.Record))
		}
	}
	if len(spilled) > 0 {
		t.Errorf("lost: %v", spilled)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
