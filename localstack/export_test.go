package localstack

import "testing"

// Unavailable skips a test, or fails it, as [Require] does.
func Unavailable(tb testing.TB, why string) {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	unavailable(tb, missing{why})
}

type missing struct{ why string }

func (m missing) Error() string        { return m.why }
func (m missing) Is(target error) bool { return target == errUnavailable }
