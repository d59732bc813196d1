//go:build !linux

package lambda

import "syscall"

// childAttributes cannot tie the child's life to ours here. A frozen child whose parent dies gets SIGHUP and SIGCONT from
// the kernel, as a stopped group that has become an orphan; a running one loses its Runtime API.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// residentMB is not measured here.
func residentMB(int) int { return 0 }
