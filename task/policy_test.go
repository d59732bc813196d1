package task_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/offloadhq/offload/task"
)

func TestExponential(t *testing.T) {
	const s, m = time.Second, time.Minute
	for _, test := range []struct {
		base, ceiling time.Duration
		attempt       int
		want          time.Duration
	}{
		{s, 15 * m, 1, s},
		{s, 15 * m, 2, 2 * s},
		{s, 15 * m, 10, 512 * s},
		{s, 15 * m, 11, 15 * m},
		{s, 15 * m, 64, 15 * m},
		{s, 15 * m, math.MaxInt, 15 * m},
		{s, 15 * m, 0, s},
		{s, 15 * m, math.MinInt, s},
		{m, s, 1, s},
		{0, m, 1, 0},
		{0, m, 1000, 0},
		{-s, m, 5, 0},
		{s, -m, 5, 0},
		{1, math.MaxInt64, 63, 1 << 62},
		{1, math.MaxInt64, 64, math.MaxInt64},
		{3, math.MaxInt64, 62, 3 << 61},
		{3, math.MaxInt64, 63, math.MaxInt64},
		{math.MaxInt64, math.MaxInt64, 2, math.MaxInt64},
	} {
		if got := task.Exponential(test.base, test.ceiling)(test.attempt); got != test.want {
			t.Errorf("Exponential(%v, %v)(%d) = %v, want %v", test.base, test.ceiling, test.attempt, got, test.want)
		}
	}
}

func TestExponentialGrowsAndStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Duration(rapid.Int64().Draw(t, "base"))
		ceiling := time.Duration(rapid.Int64().Draw(t, "ceiling"))
		attempt := rapid.IntRange(0, 200).Draw(t, "attempt")
		wait := task.Exponential(base, ceiling)
		this, next := wait(attempt), wait(attempt+1)
		if this < 0 || this > max(ceiling, 0) {
			t.Fatalf("attempt %d waits %v, ceiling %v", attempt, this, ceiling)
		}
		if next < this {
			t.Fatalf("attempt %d waits %v, the next one %v", attempt, this, next)
		}
		if attempt >= 1 && next != ceiling && next != 2*this {
			t.Fatalf("attempt %d waits %v, the next one %v: neither double nor ceiling", attempt, this, next)
		}
	})
}

func TestConstant(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 0: 0, -1: 0} {
		for _, attempt := range []int{math.MinInt, 1, 7, math.MaxInt} {
			if got := task.Constant(d)(attempt); got != want {
				t.Errorf("Constant(%v)(%d) = %v", d, attempt, got)
			}
		}
	}
}
