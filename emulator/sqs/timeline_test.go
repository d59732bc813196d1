package sqs

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimelineIsSorted: whatever is added and removed, messages leave in order
// of their instants, and of their arrival for the same instant.
func TestTimelineIsSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := timeline{kind: byAge}
		at := map[*message]time.Time{}
		var want []*message
		for i, second := range rapid.SliceOfN(rapid.IntRange(0, 1000), 1, 80).Draw(t, "seconds") {
			m := &message{key: uint64(i), slots: [timelines]int{offTimeline, offTimeline}}
			at[m] = after(time.Duration(second) * time.Second)
			line.add(m, at[m])
			want = append(want, m)
		}
		for range rapid.IntRange(0, len(want)).Draw(t, "removed") {
			i := rapid.IntRange(0, len(want)-1).Draw(t, "which")
			line.remove(want[i])
			line.remove(want[i]) // again does nothing
			want = slices.Delete(want, i, i+1)
			for child := 1; child < line.len(); child++ {
				if line.entries[child].before(line.entries[(child-1)/2]) {
					t.Fatalf("entry %d is before its parent", child)
				}
			}
		}
		slices.SortFunc(want, func(a, b *message) int { return cmp.Or(at[a].Compare(at[b]), cmp.Compare(a.key, b.key)) })
		for _, m := range want {
			first, instant := line.first()
			if first != m || !instant.Equal(at[m]) {
				t.Fatalf("first is message %v at %v, want %v at %v", first, instant, m.key, at[m])
			}
			line.remove(first)
		}
		if line.len() != 0 {
			t.Fatalf("%d are left", line.len())
		}
	})
}
