//go:build unix

package template

import (
	"os/exec"
	"syscall"
)

// killGroup makes the end of the command's context kill the command and all that it has started.
func killGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
