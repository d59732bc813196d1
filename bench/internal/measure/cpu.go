package measure

import (
	"fmt"
	"syscall"
	"time"
)

// CPU is the user and system time that this process has used (getrusage, RUSAGE_SELF).
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("getrusage: %v", err)) // it fails for bad arguments only
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
