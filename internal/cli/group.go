package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// KillGroup kills whoever is in the process group (SIGKILL) and waits until nobody in it runs any more, but at most d: a process
// that was killed may still be in the middle of a system call, with a file to make. Who is dead and not yet collected by its parent
// does not count.
func KillGroup(pgid int, d time.Duration) {
	for end := time.Now().Add(d); syscall.Kill(-pgid, syscall.SIGKILL) == nil && runs(pgid) && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
}

// runs says whether somebody in the group is alive, as /proc has it; where there is none, whoever is not collected counts.
func runs(pgid int) bool {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return true
	}
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has gone meanwhile
		}
		// proc_pid_stat(5): pid (name) state ppid pgrp. The name may have any character in it.
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(fields) < 3 || string(fields[2]) != strconv.Itoa(pgid) {
			continue
		}
		if state := fields[0][0]; state != 'Z' && state != 'X' {
			return true
		}
	}
	return false
}
