//go:build unix

package template

import (
	"os/exec"
	"syscall"

	"github.com/offloadhq/offload/internal/cli"
)

// killGroup makes the end of the command's context kill the command and all that it has started.
func killGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// awaitGroup waits until all that a killed command had started has ended, so that it makes no file any more.
func awaitGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		cli.KillGroup(cmd.Process.Pid, killDelay)
	}
}
