package lambda_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/offloadhq/offload/emulator/lambda"
)

// patience bounds every wait for another process. Only what hangs waits so long: a machine under load may need many
// seconds for what takes milliseconds on another.
const patience = 2 * time.Minute

// bench is a service with what it has told.
type bench struct {
	*lambda.Service
	t *testing.T

	mu      sync.Mutex
	lines   []lambda.LogLine
	reports []lambda.InvocationReport
	changed chan struct{} // closed at each change, and made again
}

func newBench(t *testing.T, o lambda.Options, fs ...lambda.Function) *bench {
	t.Helper()
	b := &bench{t: t, changed: make(chan struct{})}
	o.OnLog = func(l lambda.LogLine) { b.change(func() { b.lines = append(b.lines, l) }) }
	o.OnInvocation = func(r lambda.InvocationReport) { b.change(func() { b.reports = append(b.reports, r) }) }
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.InitTimeout == 0 {
		o.InitTimeout = patience
	}
	// An answer that is held until its process is ready again says that the next invocation finds it.
	o = o.WithTiming(lambda.Timing{HoldAnswer: patience})
	s, err := lambda.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	b.Service = s
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_ = s.Close(ctx)
	})
	for _, f := range fs {
		if _, err := s.AddFunction(f); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.changed)
	b.changed = make(chan struct{})
}

// await waits until ok, which is called with the lock held, is true.
func (b *bench) await(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.After(patience)
	for {
		b.mu.Lock()
		done, changed := ok(), b.changed
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			b.t.Fatalf("waited in vain for %s; lines %v, reports %v", what, b.lines, b.reports)
		}
	}
}

// awaitWaiting waits for n processes that run the order "wait", and returns their ids.
func (b *bench) awaitWaiting(n int) (pids []int) {
	b.t.Helper()
	b.await("processes that wait", func() bool {
		pids = nil
		for _, l := range b.lines {
			if s, ok := strings.CutPrefix(l.Text, "waiting "); ok {
				pid, _ := strconv.Atoi(s)
				pids = append(pids, pid)
			}
		}
		return len(pids) >= n
	})
	return pids
}

func (b *bench) awaitReport(id string) (found lambda.InvocationReport) {
	b.t.Helper()
	b.await("the report of "+id, func() bool {
		for _, r := range b.reports {
			if r.RequestID == id {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

// function is the test binary as a function named f.
func function(t testing.TB, role string, change ...func(*lambda.Function)) lambda.Function {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	f := lambda.Function{
		Name: "f", Dir: dir, Timeout: patience, MemoryMB: 1024, // the race detector takes its share
		Env: map[string]string{roleEnv: role, "GORACE": "atexit_sleep_ms=0"},
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

// do gives the function f an order and returns the answer.
func (b *bench) do(o order) lambda.Response {
	b.t.Helper()
	r, err := b.try(o)
	if err != nil {
		b.t.Fatalf("%+v: %v", o, err)
	}
	return r
}

func (b *bench) try(o order) (lambda.Response, error) {
	payload, _ := json.Marshal(o)
	return b.Invoke(context.Background(), lambda.Request{Function: "f", Payload: payload})
}

// ask is do for an order that must succeed.
func (b *bench) ask(o order) state {
	b.t.Helper()
	return decode(b.t, b.do(o))
}

func decode(t *testing.T, r lambda.Response) (s state) {
	t.Helper()
	if r.FunctionError != "" {
		t.Fatalf("function error %s: %s", r.FunctionError, r.Payload)
	}
	if err := json.Unmarshal(r.Payload, &s); err != nil {
		t.Fatalf("%s: %v", r.Payload, err)
	}
	return s
}

// failure is the error object in a response.
type failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func decodeFailure(t *testing.T, r lambda.Response) (f failure) {
	t.Helper()
	if r.FunctionError != "Unhandled" {
		t.Fatalf("FunctionError = %q, payload %s; want Unhandled", r.FunctionError, r.Payload)
	}
	if err := json.Unmarshal(r.Payload, &f); err != nil {
		t.Fatalf("%s: %v", r.Payload, err)
	}
	return f
}

// touch lets processes that wait for the file go on.
func touch(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// alive says whether the process exists, as more than a zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, err := stateIn("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !os.IsNotExist(err) || !isLinux()
	}
	return state != 'Z'
}

// frozen says whether the process is stopped, with all its threads.
func frozen(t *testing.T, pid int) bool {
	t.Helper()
	if !isLinux() {
		out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output() //nolint:noctx // it ends at once
		if err != nil {
			t.Fatal(err)
		}
		return strings.HasPrefix(strings.TrimSpace(string(out)), "T")
	}
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range threads {
		if state, err := stateIn(file); err != nil || state != 'T' {
			return false
		}
	}
	return len(threads) > 0
}

// stateIn is the state that a file says, as proc_pid_stat(5) has it.
func stateIn(file string) (byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return (rest + "?")[0], nil
}

func isLinux() bool { return runtime.GOOS == "linux" }

// awaitGone waits until none of the processes runs any more.
func awaitGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		poll(t, "end of process "+strconv.Itoa(pid), func() bool { return !alive(pid) })
	}
}

// awaitReaped waits until the emulator has seen that its process has ended.
func awaitReaped(t *testing.T, pid int) {
	t.Helper()
	poll(t, "end of process "+strconv.Itoa(pid), func() bool { return syscall.Kill(pid, 0) != nil })
}

func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func ptr[T any](v T) *T { return &v }
