package lambda

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	memoryInterval = 100 * time.Millisecond
	// defaultShutdownGrace is between SIGTERM and SIGKILL for a process with an internal extension ("Lambda execution
	// environment lifecycle", shutdown phase).
	defaultShutdownGrace = 500 * time.Millisecond
	// defaultHoldAnswer is how long an answer may wait for the process to be ready again. Without it, a caller who invokes one
	// after the other would overtake the process's way from its answer to its next request, and be throttled.
	defaultHoldAnswer = time.Second
)

// sandbox is an execution environment: one process, its Runtime API, and the one invocation that it works on. All its
// state belongs to the goroutine of run; others talk to it through the channels.
type sandbox struct {
	fn      *function
	version string
	after   *sandbox // must be dead before this one starts its process, if not nil
	evicted bool     // it makes room for another; under fn.mu

	assign chan *invocation // to an idle sandbox
	calls  chan call        // from the process
	quit   chan struct{}    // closed to end it; by its function, once
	dead   chan struct{}    // closed when no process is left

	// Owned by run:
	api     *runtimeAPI
	logs    *logs
	proc    *process
	started time.Time
	initial time.Duration // of init, until the first invocation has been told
	most    int           // MB, the peak of the process
	ready   bool          // init is over
	parked  *call         // the process waits for an event, frozen unless it has just come
	todo    *invocation   // waits for the process
	current *invocation   // the process works on it
	killed  *result       // why we ended the process, if we did
	term    bool          // the process has an extension, so it gets SIGTERM

	limit  *time.Timer // init, or the invocation's timeout
	hold   *time.Timer
	memory *time.Ticker
}

// run is the life of a sandbox, which begins with an invocation.
func (s *sandbox) run(first *invocation) {
	defer close(s.dead)
	defer s.fn.remove(s)
	s.todo = first
	if !s.wait() {
		s.abandon()
		return
	}
	if err := s.start(); err != nil {
		s.cannotStart(err)
		return
	}
	defer s.cleanUp()
	quit := s.quit
	for {
		assign := s.assign
		if s.killed != nil {
			assign = nil // whoever holds an invocation finds the sandbox dead, and takes another
		}
		select {
		case c := <-s.calls:
			s.handle(c)
		case inv := <-assign:
			s.todo = inv
			s.give()
		case <-s.limit.C:
			s.overdue()
		case <-s.hold.C:
			s.tell(s.current, s.logs.end())
		case <-s.memory.C:
			s.measure()
		case <-s.proc.exited:
			s.over()
			return
		case <-quit:
			quit = nil
			s.end(exitResult(Abandoned, "Sandbox.Closed", "", "the emulator was closed"))
		}
	}
}

// wait holds the start back while starts of this function fail, and until the sandbox whose place this one takes has
// gone. It returns false if the sandbox must end.
func (s *sandbox) wait() bool {
	if s.after != nil {
		<-s.after.dead
		s.after = nil
	}
	for {
		d := s.fn.gate.wait(time.Now())
		if d <= 0 {
			return true
		}
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-s.quit:
			t.Stop()
			return false
		}
	}
}

// start starts the process and its Runtime API.
func (s *sandbox) start() error {
	s.started = time.Now()
	f, o := &s.fn.Function, &s.fn.svc.o
	path := s.fn.path()
	// exec says less clearly what is wrong with a file.
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.IsDir() || info.Mode()&0o111 == 0 {
		return &os.PathError{Op: "execute", Path: path, Err: os.ErrPermission}
	}
	api, err := listen(s)
	if err != nil {
		return err
	}
	l, out, err := newLogs(f.Name, s.version, o.OnLog)
	if err != nil {
		api.close()
		return err
	}
	cmd := exec.Command(path) //nolint:gosec,noctx // running the function is the purpose; the sandbox ends it
	cmd.Dir = f.Dir
	cmd.Env = environ(f, o, s.version, logStream(s.started, s.version), api.address)
	cmd.Stdout, cmd.Stderr = out[0], out[1]
	s.proc, err = s.fn.svc.starter.start(cmd)
	for _, w := range out {
		_ = w.Close()
	}
	if err != nil {
		api.close()
		l.close()
		return err
	}
	s.api, s.logs = api, l
	s.limit = time.NewTimer(o.InitTimeout)
	s.hold = time.NewTimer(time.Hour)
	s.hold.Stop()
	s.memory = time.NewTicker(memoryInterval)
	return nil
}

// cannotStart answers the invocation of a sandbox that has no process.
func (s *sandbox) cannotStart(err error) {
	inv := s.todo
	s.fn.gate.failed(time.Now())
	if !notRunnable(err) {
		inv.fail(errService(ErrService, fmt.Errorf("function %q: start %s: %w", s.fn.Name, s.fn.path(), err)))
		s.fn.svc.ended()
		return
	}
	inv.given, inv.ended = s.started, time.Now()
	inv.result = exitResult(InitFailed, "Runtime.InvalidEntrypoint", inv.id, fmt.Sprintf(
		"Couldn't find valid bootstrap(s): [%s]: function %q cannot be run: %v", s.fn.path(), s.fn.Name, err))
	s.finish(inv, nil)
}

// abandon answers the invocation of a sandbox that was closed before it had a process.
func (s *sandbox) abandon() {
	s.todo.fail(errService(ErrClosed, fmt.Errorf("function %q: %w", s.fn.Name, ErrClosed)))
	s.fn.svc.ended()
}

// cleanUp ends what belongs to a process that has gone.
func (s *sandbox) cleanUp() {
	s.limit.Stop()
	s.hold.Stop()
	s.memory.Stop()
	s.api.close()
	s.logs.close()
}

// give hands the invocation that waits to the process that waits, if both do.
func (s *sandbox) give() {
	if s.todo == nil || s.parked == nil {
		return
	}
	inv, c := s.todo, s.parked
	s.todo, s.parked, s.current = nil, nil, inv
	s.logs.begin(inv.id, inv.wantTail)
	s.memory.Reset(memoryInterval)
	inv.given = time.Now()
	s.limit.Reset(s.fn.Timeout)
	s.proc.group(syscall.SIGCONT)
	c.reply <- reply{invocation: inv, deadline: inv.given.Add(s.fn.Timeout)}
}

// park freezes the process and makes the sandbox idle.
func (s *sandbox) park() {
	s.proc.group(syscall.SIGSTOP)
	s.limit.Stop()
	s.memory.Stop()
}

// overdue is the end of init, of an invocation, or of a shutdown, that has taken too long.
func (s *sandbox) overdue() {
	switch {
	case s.killed != nil:
		s.proc.group(syscall.SIGKILL)
	case !s.ready:
		s.end(exitResult(InitFailed, "Sandbox.Timedout", s.todo.id, fmt.Sprintf(
			"Init timed out after %.2f seconds: function %q never asked the Runtime API for an event (%s)",
			s.fn.svc.o.InitTimeout.Seconds(), s.fn.Name, s.fn.path())))
	case s.current != nil:
		s.end(timeoutResult(s.current.id, time.Now(), s.fn.Timeout))
	}
}

// measure kills the process at its memory limit.
func (s *sandbox) measure() {
	used := residentMB(s.proc.pid)
	s.most = max(s.most, used)
	if used <= s.fn.MemoryMB || s.killed != nil {
		return
	}
	id := ""
	if inv := s.working(); inv != nil {
		id = inv.id
	}
	s.killed = exitResult(OutOfMemory, "Runtime.OutOfMemory", id, "Runtime exited with error: signal: killed")
	s.proc.group(syscall.SIGKILL)
}

// working is the invocation that depends on the process, if any.
func (s *sandbox) working() *invocation {
	if s.current != nil {
		return s.current
	}
	return s.todo
}

// end ends the process, for the reason that r says: with SIGTERM first if it has an extension. over comes next, when it
// has gone.
func (s *sandbox) end(r *result) {
	s.fn.unidle(s)
	if s.killed == nil {
		s.killed = r
	}
	if !s.term {
		s.proc.group(syscall.SIGKILL)
		return
	}
	s.proc.group(syscall.SIGCONT) // a stopped process takes no SIGTERM
	s.proc.signal(syscall.SIGTERM)
	s.limit.Reset(s.fn.svc.o.timing.ShutdownGrace)
}

// over is the end of the process: it answers the invocation that depended on it.
func (s *sandbox) over() {
	s.fn.unidle(s)
	how := s.proc.reap()
	if !s.ready && (s.killed == nil || s.killed.outcome != Abandoned) {
		s.fn.gate.failed(time.Now())
	}
	inv := s.working()
	if inv == nil {
		if s.killed == nil {
			s.fn.svc.o.Logger.Warn("lambda: an idle process has ended", "function", s.fn.Name, "pid", s.proc.pid, "how", how)
		}
		return
	}
	inv.ended = time.Now()
	switch {
	case inv.result != nil: // it had answered before it ended
	case s.killed != nil && s.killed.outcome == Abandoned:
		inv.fail(errService(ErrClosed, fmt.Errorf("function %q: killed in the middle of request %s: %w", s.fn.Name, inv.id, ErrClosed)))
		inv.result = s.killed
	case s.killed != nil:
		inv.result = s.killed
	case !s.ready:
		inv.result = exitResult(InitFailed, "Runtime.ExitError", inv.id, fmt.Sprintf(
			"%s: function %q ended before it asked for its first event (%s)", how, s.fn.Name, s.fn.path()))
	default:
		inv.result = exitResult(Crashed, "Runtime.ExitError", inv.id, how)
	}
	if !s.ready {
		inv.given = s.started
	}
	s.finish(inv, s.logs.end())
}

func (fn *function) path() string { return filepath.Join(fn.Dir, "bootstrap") }
