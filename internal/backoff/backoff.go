// Package backoff draws waits between tries.
package backoff

import (
	"math/rand/v2"
	"time"
)

// FullJitter draws a wait uniformly from 0 to ceiling, both included, so that those who failed together do not return
// together. A ceiling of 0 or less gives 0. Safe for concurrent use.
// (AWS Architecture Blog, "Exponential Backoff And Jitter".)
func FullJitter(ceiling time.Duration) time.Duration {
	if ceiling <= 0 {
		return 0
	}
	return time.Duration(rand.Uint64N(uint64(ceiling) + 1)) //nolint:gosec // a wait needs no secret randomness
}
