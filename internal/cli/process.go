// Package cli holds what the command line needs besides its commands: child processes that leave nothing behind.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Process is a command that runs in a process group of its own, so that it can be stopped with everything that it
// started: `go run` for one leaves its program behind when only go itself is signalled.
type Process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when the command and its output have ended, and nobody of the rest of the group runs any more
	err  error         // valid after done
}

// killDelay is how long a killed group may take to end, and to close its output.
const killDelay = 5 * time.Second

// Start runs args[0] with the rest of args as its arguments. env is the whole environment; stdout and stderr get the
// output of the command and of all that it starts. The error names the command.
func Start(args, env []string, stdout, stderr io.Writer) (*Process, error) {
	if len(args) == 0 {
		return nil, errors.New("command: is empty")
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // running what the user names is the purpose; Stop ends it
	cmd.Env = env
	// A writer that is no file makes Wait last until every process that has the pipe has ended.
	cmd.Stdout, cmd.Stderr = onlyWriter{stdout}, onlyWriter{stderr}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("command %q: start: %w", args[0], err)
	}
	p := &Process{name: args[0], cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
		KillGroup(cmd.Process.Pid, killDelay) // whoever closed its output and stayed
	}()
	return p, nil
}

type onlyWriter struct{ io.Writer }

// Done is closed when the command and all that writes to its output have ended. What is left of its group then is killed, and has
// ended too.
func (p *Process) Done() <-chan struct{} { return p.done }

// Pid is the process id of the command, and the id of its group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Err is nil if the command ended with exit status 0, else it names the command and tells how it ended; see [ExitCode].
// It blocks until [Process.Done].
func (p *Process) Err() error {
	<-p.done
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("command %q: %w", p.name, p.err)
}

// Stop asks the whole group to end (SIGTERM), waits until it has or ctx ends, and then kills what is left of it. It
// returns when no process of the group runs any more; the error is not nil if the group had to be killed, and wraps the cause of
// ctx.
func (p *Process) Stop(ctx context.Context) error {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	p.signal(syscall.SIGKILL)
	select {
	case <-p.done:
	case <-time.After(2 * killDelay):
		return fmt.Errorf("command %q: was killed, and a process that left its group still holds its output", p.name)
	}
	return fmt.Errorf("command %q: did not end when asked to, and was killed: %w", p.name, context.Cause(ctx))
}

// Kill ends the whole group at once (SIGKILL), as a crash does, and returns when it has ended.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// signal reaches all of the group; a group that has ended is no error.
func (p *Process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// ExitCode is the exit status that err, of [Process.Err], stands for: 0 for nil, 128 + the signal's number for a
// command that a signal ended, 1 for other errors.
func ExitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		return 1
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}
