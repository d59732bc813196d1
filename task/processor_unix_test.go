//go:build unix

package task_test

import (
	"syscall"
	"testing"
	"time"
)

// processorTime is what f takes of the processors, however long it has to wait for them.
func processorTime(t *testing.T, f func()) time.Duration {
	t.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	f()
	return used() - before
}
