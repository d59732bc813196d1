package list_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/offloadhq/offload/internal/list"
)

type element struct {
	number int
	node   list.Node[*element]
}

// read goes through a list in both directions.
func read(l *list.List[*element]) (forth, back []*element) {
	for e := l.First(); e != nil; e = e.node.Next() {
		forth = append(forth, e)
	}
	for e := l.Last(); e != nil; e = e.node.Prev() {
		back = append(back, e)
	}
	slices.Reverse(back)
	return forth, back
}

// TestListIsASlice does the same to a list and to a slice.
func TestListIsASlice(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	var l list.List[*element]
	var want, out []*element
	for i := range 20 {
		out = append(out, &element{number: i})
	}
	for step := range 10_000 {
		switch n := rng.IntN(4); {
		case n < 2 && len(want) > 0:
			i := rng.IntN(len(want))
			l.Remove(&want[i].node)
			out, want = append(out, want[i]), slices.Delete(want, i, i+1)
		case len(out) == 0:
			continue
		default:
			e := out[0]
			if out = out[1:]; n == 2 {
				l.PushBack(e, &e.node)
				want = append(want, e)
			} else {
				l.PushFront(e, &e.node)
				want = slices.Insert(want, 0, e)
			}
		}
		if forth, back := read(&l); !slices.Equal(forth, want) || !slices.Equal(back, want) || l.Len() != len(want) {
			t.Fatalf("step %d, seed %d: %d elements, forth %v, back %v, want %v", step, seed, l.Len(), forth, back, want)
		}
		for _, e := range out {
			if e.node.Next() != nil || e.node.Prev() != nil {
				t.Fatalf("step %d, seed %d: an element that is out has neighbours", step, seed)
			}
		}
	}
}
