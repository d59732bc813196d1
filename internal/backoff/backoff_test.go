package backoff_test

import (
	"math"
	"testing"
	"time"

	"github.com/offloadhq/offload/internal/backoff"
)

func TestFullJitterStaysInBounds(t *testing.T) {
	for _, ceiling := range []time.Duration{-time.Second, 0, 1, time.Millisecond, time.Hour, math.MaxInt64} {
		for range 1000 {
			if got := backoff.FullJitter(ceiling); got < 0 || got > max(ceiling, 0) {
				t.Fatalf("FullJitter(%v) = %v", ceiling, got)
			}
		}
	}
}

func TestFullJitterSpreads(t *testing.T) {
	const draws = 4000
	var low, high int
	for range draws {
		switch d := backoff.FullJitter(time.Second); {
		case d < 100*time.Millisecond:
			low++
		case d > 900*time.Millisecond:
			high++
		}
	}
	// A tenth of the draws each is expected; a twentieth is more than ten standard deviations away.
	if low < draws/20 || high < draws/20 {
		t.Fatalf("of %d draws %d fell in the lowest tenth and %d in the highest", draws, low, high)
	}
}
