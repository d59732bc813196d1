package lambda

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// residentMB is the resident size of a process, rounded up; 0 if it is gone. (proc_pid_statm(5): the second field, in pages.)
func residentMB(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return 0
	}
	const mb = 1 << 20
	return (pages*os.Getpagesize() + mb - 1) / mb
}
