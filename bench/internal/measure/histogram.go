package measure

import (
	"math/bits"
	"time"
)

// subBits gives 64 buckets for each power of two: a quantile is right to 1.6 %.
const subBits = 6

// Histogram counts durations. The zero Histogram is ready; it is not safe for concurrent use: each goroutine has its own,
// and they are added at the end. It allocates nothing, so that it does not disturb what is measured.
type Histogram struct {
	counts [(64 - subBits + 1) << subBits]uint32
	total  uint64
}

// Add counts d; a negative d counts as 0.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

// Merge adds the counts of other.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// Count is the number of durations.
func (h *Histogram) Count() int { return int(h.total) }

// Quantile returns the duration that the share q (0 to 1) does not exceed, rounded to the middle of its bucket; 0 if
// there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := max(1, min(h.total, uint64(q*float64(h.total)+0.5)))
	var seen uint64
	for i, n := range h.counts {
		if seen += uint64(n); seen >= rank {
			low, high := bounds(i)
			return time.Duration((low + high) / 2)
		}
	}
	return 0 // unreachable: the counts add up to total
}

// bucket is exact below 2^subBits; above, it keeps the subBits bits after the highest.
func bucket(v uint64) int {
	shift := bits.Len64(v) - subBits - 1
	if shift <= 0 {
		return int(v)
	}
	return shift<<subBits + int(v>>shift)
}

// bounds are the least and the greatest value of bucket i.
func bounds(i int) (low, high uint64) {
	shift := max(0, i>>subBits-1)
	low = uint64(i-shift<<subBits) << shift
	return low, low + 1<<shift - 1
}
