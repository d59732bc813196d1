package task_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/offloadhq/offload/task"
)

func TestNewIDSortsInTheOrderOfMinting(t *testing.T) {
	now := time.Now()
	last := ""
	for i := range 10_000 {
		// The clock goes to and fro: a step back must not show.
		id := task.NewID(now.Add(time.Duration(i%7-3) * time.Second))
		if id <= last {
			t.Fatalf("id %q after %q", id, last)
		}
		if len(id) != 26 {
			t.Fatalf("id %q has %d characters", id, len(id))
		}
		last = id
	}
}

func TestNewIDIsUniqueUnderConcurrency(t *testing.T) {
	const goroutines, each = 16, 5_000
	minted := make([][]string, goroutines)
	now := time.Now()
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for range each {
				minted[g] = append(minted[g], task.NewID(now))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(minted...)
	for _, ids := range minted {
		if !slices.IsSorted(ids) {
			t.Error("the ids of one goroutine do not sort in the order of their minting")
		}
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != goroutines*each {
		t.Errorf("%d different ids of %d", n, goroutines*each)
	}
}

// Ids of a process never go back, so the year 6429 stays once it was asked for; the tests here hold in any order.
func TestNewIDTakesAnyTime(t *testing.T) {
	now := time.Now()
	id, err := ulid.ParseStrict(task.NewID(now))
	if err != nil || ulid.Time(id.Time()).Before(now.Add(-time.Minute)) {
		t.Fatalf("id %v, %v", id, err)
	}
	last := id.String()
	for _, now := range []time.Time{
		{},
		time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(-1, 0), time.Unix(0, 0),
		time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(292277020, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		id := task.NewID(now)
		if parsed, err := ulid.ParseStrict(id); err != nil || id <= last {
			t.Errorf("%v: id %q (%v) after %q, %v", now, id, parsed, last, err)
		}
		if _, err := encode(task.ID(id)); err != nil {
			t.Errorf("id %q is refused: %v", id, err)
		}
		last = id
	}
}
