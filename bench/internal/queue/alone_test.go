package queue_test

import (
	"math"
	"testing"
	"time"

	"github.com/offloadhq/offload/bench/internal/queue"
)

// TestAloneCountsWhatFireAllocates: the box of the arguments, unless they are a pointer, and a share of an id's block. The
// garbage collector may take memory that would serve again, so the least of several runs counts.
func TestAloneCountsWhatFireAllocates(t *testing.T) {
	for subject, box := range map[string]float64{queue.FireAlone: 1, queue.FireAppender: 0} {
		least := math.Inf(1)
		for range 5 {
			s, err := queue.Alone(t.Context(), subject, 10*time.Millisecond, 10*time.Millisecond)
			if err != nil || s.Tasks == 0 || s.P50 == 0 || s.Beside == 0 {
				t.Fatalf("%s: %+v, %v", subject, s, err)
			}
			least = min(least, s.AllocsPerTask())
		}
		if !raceEnabled && (least < box || least > box+0.5) {
			t.Errorf("%s: %v allocations, want little more than %v", subject, least, box)
		}
	}
	if _, err := queue.Alone(t.Context(), "none", 0, 0); err == nil {
		t.Error("an unknown subject was measured")
	}
}
