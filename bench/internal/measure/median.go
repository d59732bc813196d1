package measure

import (
	"math"
	"slices"
)

// Median returns the middle value, or the mean of the two in the middle; NaN if there is none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// MedianRatio divides pairwise, as[i] by bs[i], and returns the median of the quotients: what two neighbours in time
// were to each other, whatever the machine did besides. It is NaN where there is no pair; a pair with a zero or an
// unknown divisor is left out.
func MedianRatio(as, bs []float64) float64 {
	var quotients []float64
	for i := range min(len(as), len(bs)) {
		if q := as[i] / bs[i]; bs[i] != 0 && !math.IsNaN(q) {
			quotients = append(quotients, q)
		}
	}
	return Median(quotients)
}
