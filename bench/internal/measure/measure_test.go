package measure

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestHistogramQuantiles(t *testing.T) {
	for _, most := range []int64{50, 1000, int64(time.Second), math.MaxInt64} {
		var first, second Histogram
		var values []time.Duration
		r := rand.New(rand.NewPCG(1, uint64(most)))
		for i := range 10_000 {
			d := time.Duration(r.Int64N(most))
			values = append(values, d)
			[]*Histogram{&first, &second}[i%2].Add(d)
		}
		first.Merge(&second)
		slices.Sort(values)
		if first.Count() != len(values) {
			t.Fatalf("count %d", first.Count())
		}
		for _, q := range []float64{0, 0.01, 0.5, 0.99, 1} {
			exact := values[max(0, int(q*float64(len(values))+0.5)-1)]
			got := first.Quantile(q)
			if off := math.Abs(float64(got-exact)) / math.Max(1, float64(exact)); off > 0.016 {
				t.Errorf("below %d: quantile %v is %d, exactly %d", most, q, got, exact)
			}
		}
	}
}

func TestHistogramOfNothing(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("quantile of nothing is %v", got)
	}
	h.Add(-time.Second)
	if got := h.Quantile(1); got != 0 {
		t.Errorf("a negative duration counts as %v", got)
	}
}

func TestBucketsAreSeamless(t *testing.T) {
	next := uint64(0)
	for i := range len(Histogram{}.counts) {
		low, high := bounds(i)
		if low != next || bucket(low) != i || bucket(high) != i {
			t.Fatalf("bucket %d is %d to %d; want it to begin at %d; %d and %d fall into it", i, low, high, next, bucket(low), bucket(high))
		}
		next = high + 1
	}
	if next != 0 {
		t.Errorf("the last bucket ends at %d, not at the end of uint64", next-1)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := Median(c.values); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestMedianRatioPairsNeighbours(t *testing.T) {
	// The machine was ten times slower in the second round: the ratio does not see it.
	if got := MedianRatio([]float64{10, 100, 11}, []float64{50, 500, 50}); got != 0.2 {
		t.Errorf("ratio %v, want 0.2", got)
	}
	if got := MedianRatio([]float64{1, 6, math.NaN()}, []float64{0, 2, 3}); got != 3 {
		t.Errorf("ratio %v, want that of the only sound pair", got)
	}
	if got := MedianRatio([]float64{1}, nil); !math.IsNaN(got) {
		t.Errorf("the ratio of nothing is %v", got)
	}
}

func TestSamplePerTask(t *testing.T) {
	s := Sample{Tasks: 200, Wall: 2 * time.Second, CPU: 3 * time.Millisecond, ServerCPU: time.Millisecond, Allocs: 800, Bytes: 1000, Requests: 20}
	got := []float64{s.Rate(), s.CPUPerTask(), s.ServerCPUPerTask(), s.AllocsPerTask(), s.BytesPerTask(), s.RequestsPerTask()}
	if want := []float64{100, 15, 5, 4, 5, 0.1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if none := (Sample{}); none.Rate() != 0 || none.CPUPerTask() != 0 {
		t.Error("a sample of nothing is not zero")
	}
}

func TestLoadCountsWhatReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drained := false
		s := Load{
			Goroutines: 4, Window: 1995 * time.Millisecond,
			Before: func(context.Context) { time.Sleep(10 * time.Millisecond) },
			Call:   func(context.Context) (int, error) { time.Sleep(10 * time.Millisecond); return 3, nil },
			Drain:  func(context.Context) error { time.Sleep(time.Second); drained = true; return nil },
		}.Run(t.Context())
		if s.Tasks != 4*100*3 || s.Failures != 0 || !drained || s.Wall.Round(time.Millisecond) != 3*time.Second {
			t.Errorf("drained %v, sample %+v", drained, s)
		}
		if off := math.Abs(s.P50Micros()/10_000 - 1); off > 0.016 {
			t.Errorf("p50 %v", s.P50)
		}
	})
}

// TestOneSlowCallWeighsAsOne: nine goroutines of ten go on at their rate while one call hangs.
func TestOneSlowCallWeighsAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		s := Load{Goroutines: 10, Window: 995 * time.Millisecond, Call: func(context.Context) (int, error) {
			if calls.Add(1) == 1 {
				time.Sleep(time.Hour)
			}
			time.Sleep(10 * time.Millisecond)
			return 1, nil
		}}.Run(t.Context())
		if rate := s.Rate(); math.Abs(rate-900) > 1 {
			t.Errorf("rate %v, want 900", rate)
		}
	})
}

func TestLoadTellsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Load{
			Goroutines: 1, Window: 25 * time.Millisecond,
			Call: func(context.Context) (int, error) {
				time.Sleep(10 * time.Millisecond)
				return 0, errors.New("refused")
			},
			Drain: func(context.Context) error { return errors.New("not drained") },
		}.Run(t.Context())
		if s.Tasks != 0 || s.Failures != 4 || s.Problem != "refused" {
			t.Errorf("sample %+v", s)
		}
	})
}

func TestParseStat(t *testing.T) {
	text := "4242 (a (b) c) S 17 4242 4242 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 8 0 100 0 0\n"
	p, err := parseStat([]byte(text))
	if want := (process{id: 4242, parent: 17, cpu: 110 * 10 * time.Millisecond}); err != nil || p != want {
		t.Errorf("got %+v, %v, want %+v", p, err, want)
	}
	for _, bad := range []string{"", "1 S", "1 (x) S 2 3", "1 (x) S y 0 0 0 0 0 0 0 0 0 1 1 1 1 1"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestCPUGrowsWithWork(t *testing.T) {
	before := CPU()
	for CPU() < before+30*time.Millisecond {
	}
	if total, ok := TreeCPU(os.Getpid()); ok != (runtime.GOOS == "linux") || ok && total < 20*time.Millisecond {
		t.Errorf("tree %v, %v after %v", total, ok, CPU())
	}
	if _, ok := TreeCPU(1 << 30); ok {
		t.Error("a process that does not exist has a time")
	}
}

func TestDescends(t *testing.T) {
	all := map[int]process{1: {id: 1}, 2: {id: 2, parent: 1}, 3: {id: 3, parent: 2}, 4: {id: 4, parent: 5}, 5: {id: 5, parent: 4}}
	for id, want := range map[int]bool{1: false, 2: true, 3: true, 4: false} {
		if got := descends(all, all[id], 2); got != want {
			t.Errorf("%d descends from 2: %v", id, got)
		}
	}
}

func TestBesideNothingIsNoNumber(t *testing.T) {
	s := Sample{P50: 3}
	if v := s.P50Beside(); !math.IsNaN(v) {
		t.Errorf("%v beside nothing", v)
	}
	if s.Beside = 2; s.P50Beside() != 1.5 {
		t.Errorf("%v, want 1.5", s.P50Beside())
	}
}
