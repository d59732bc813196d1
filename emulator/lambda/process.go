package lambda

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"
)

// process is a child in a process group of its own. Its methods are for one goroutine, the one that reaps it: until
// then its id cannot be given to another process, so no signal goes astray.
type process struct {
	cmd *exec.Cmd
	pid int
	// exited is closed when the child has ended and the rest of its group is killed.
	exited chan struct{}
}

// start starts cmd in a new group, from the thread that the starter keeps.
func (s *starter) start(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = childAttributes()
	if err := s.do(cmd.Start); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, pid: cmd.Process.Pid, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		awaitExit(p.pid)
		p.group(syscall.SIGKILL)
	}()
	return p, nil
}

// awaitExit blocks until the child has ended, and leaves it to be reaped: until then its group's id stays taken, and
// what is left of the group can be killed safely.
func awaitExit(pid int) {
	var info [16]uint64 // a siginfo_t; its content does not matter
	for {
		_, _, e := syscall.Syscall6(syscall.SYS_WAITID, 1 /* P_PID */, uintptr(pid),
			uintptr(unsafe.Pointer(&info)), syscall.WEXITED|syscall.WNOWAIT, 0, 0) //nolint:gosec // the kernel writes into info
		if e != syscall.EINTR {
			return
		}
	}
}

func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(p.pid, s) }
func (p *process) group(s syscall.Signal)  { _ = syscall.Kill(-p.pid, s) }

// reap waits for exited and returns how the child has ended, in Lambda's words.
func (p *process) reap() string {
	<-p.exited
	err := p.cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "Runtime exited without providing a reason" // what Lambda says of status 0
	case errors.As(err, &exit):
		return "Runtime exited with error: " + exit.String()
	}
	return "Runtime exited with error: " + err.Error()
}

// starter starts all children of a service from one operating system thread, which lives until the last of them is
// gone: Linux takes the death of the thread, not of the process, for the death of the parent (PR_SET_PDEATHSIG).
type starter struct {
	requests chan func()
	done     chan struct{}
}

func newStarter() *starter {
	s := &starter{requests: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range s.requests {
			f()
		}
	}()
	return s
}

func (s *starter) do(f func() error) error {
	result := make(chan error)
	s.requests <- func() { result <- f() }
	return <-result
}

// close may be called when all children are reaped and none will be started.
func (s *starter) close() {
	close(s.requests)
	<-s.done
}

// notRunnable says whether err means that the file cannot be run at all, now or later.
func notRunnable(err error) bool {
	for _, e := range []error{os.ErrNotExist, os.ErrPermission, syscall.ENOEXEC, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
