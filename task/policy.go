package task

import (
	"math"
	"slices"
	"time"
)

// Defaults of a [Policy].
const (
	// DefaultMaxAttempts is how often a task is tried, in all.
	DefaultMaxAttempts = 10
	// DefaultBackoffBase and DefaultBackoffCeiling bound the default backoff.
	DefaultBackoffBase    = time.Second
	DefaultBackoffCeiling = 15 * time.Minute
)

// Policy says how a task of one definition is run. A worker follows the policy of its own build; what a single
// firing overrides ([MaxAttempts], [Timeout], [Expires]) travels in the envelope and wins.
type Policy struct {
	// MaxAttempts is the number of tries in all, the first one included. Default [DefaultMaxAttempts].
	MaxAttempts int
	// Timeout bounds one attempt. 0: only the deadline of the invocation does.
	Timeout time.Duration
	// Backoff gives the longest wait after a failed attempt. Default: [Exponential] from 1 s to 15 min.
	Backoff BackoffFunc
	// Class names the queue class that the client routes by. "" is the standard class.
	Class string
	// Expires is how long after its firing a task may still start. 0: for ever.
	Expires time.Duration
	// Aliases are older names under which tasks of this definition may still arrive.
	Aliases []string
}

func defaultPolicy() Policy {
	return Policy{
		MaxAttempts: DefaultMaxAttempts,
		Backoff:     Exponential(DefaultBackoffBase, DefaultBackoffCeiling),
	}
}

func (p Policy) clone() Policy {
	p.Aliases = slices.Clone(p.Aliases)
	return p
}

// BackoffFunc gives the ceiling of the wait after the given failed attempt (1 is the first). It must be a pure
// function: the worker draws the actual wait uniformly between 0 and the ceiling (full jitter), so that tasks which
// failed together do not return together.
type BackoffFunc func(attempt int) time.Duration

// Exponential doubles from base with every attempt and never exceeds ceiling: min(base · 2ⁿ⁻¹, ceiling) for attempt n.
// It cannot overflow. Attempts below 1 count as 1; a base or ceiling below zero counts as zero.
func Exponential(base, ceiling time.Duration) BackoffFunc {
	base, ceiling = max(base, 0), max(ceiling, 0)
	return func(attempt int) time.Duration {
		shift := max(attempt, 1) - 1
		if base == 0 {
			return 0
		}
		if base > math.MaxInt64>>shift { // the doubled wait would overflow
			return ceiling
		}
		return min(base<<shift, ceiling)
	}
}

// Constant waits up to d after every attempt.
func Constant(d time.Duration) BackoffFunc {
	d = max(d, 0)
	return func(int) time.Duration { return d }
}
