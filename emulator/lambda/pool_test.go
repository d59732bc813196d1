package lambda_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/emulator/lambda"
)

func TestConcurrency_StaysWithinTheLimit(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(*lambda.Function)
		limit  int
		reason string
	}{
		{"own", func(f *lambda.Function) { f.Concurrency = 3 }, 3, "ConcurrentInvocationLimitExceeded"},
		{"reserved", func(f *lambda.Function) { f.Concurrency, f.Reserved = 9, ptr(2) }, 2, "ReservedFunctionConcurrentInvocationLimitExceeded"},
		{"reserved 0", func(f *lambda.Function) { f.Reserved = ptr(0) }, 0, "ReservedFunctionConcurrentInvocationLimitExceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, lambda.Options{}, function(t, "function", c.set))
			file := filepath.Join(t.TempDir(), "go")
			var wg sync.WaitGroup
			for range c.limit {
				wg.Go(func() {
					if _, err := b.try(order{Do: "wait", Text: file}); err != nil {
						t.Error(err)
					}
				})
			}
			pids := b.awaitWaiting(c.limit)
			for range 5 {
				_, err := b.try(order{})
				e, ok := errors.AsType[*lambda.Error](err)
				if !ok || !errors.Is(err, lambda.ErrThrottled) || e.Status != 429 || e.Code != "TooManyRequestsException" || e.Reason != c.reason {
					t.Fatalf("beyond the limit: %v", err)
				}
			}
			touch(t, file)
			wg.Wait()
			if c.limit == 0 {
				return
			}
			if s := b.ask(order{}); !contains(pids, s.PID) || s.Most != 1 {
				t.Errorf("process %d of %v, at most %d at once", s.PID, pids, s.Most)
			}
		})
	}
}

func contains(pids []int, pid int) bool {
	for _, p := range pids {
		if p == pid {
			return true
		}
	}
	return false
}

func TestConcurrency_OneInvocationAtATimeInAProcess(t *testing.T) {
	b := newBench(t, lambda.Options{Concurrency: 4}, function(t, "function"))
	var mu sync.Mutex
	seen := map[int]int{} // process → calls
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				s := b.ask(order{Do: "background", N: 1})
				if s.Most != 1 {
					t.Errorf("%d invocations at once in process %d", s.Most, s.PID)
				}
				mu.Lock()
				seen[s.PID]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) > 4 {
		t.Errorf("%d processes, limit 4: %v", len(seen), seen)
	}
}

func TestConcurrency_TheMostRecentlyUsedProcessIsReused(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	files := []string{filepath.Join(t.TempDir(), "1"), filepath.Join(t.TempDir(), "2")}
	var wg sync.WaitGroup
	for i, file := range files {
		wg.Go(func() { b.ask(order{Do: "wait", Text: file}) })
		b.awaitWaiting(i + 1)
	}
	pids := b.awaitWaiting(2)
	touch(t, files[1]) // the second ends first
	b.await("its end", func() bool { return len(b.reports) == 1 })
	touch(t, files[0])
	wg.Wait()
	for range 5 {
		if s := b.ask(order{}); s.PID != pids[0] {
			t.Fatalf("process %d, want %d, which ended last", s.PID, pids[0])
		}
	}
}

func TestConcurrency_InSequenceNeedsOneProcess(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function", func(f *lambda.Function) { f.Reserved = ptr(1) }))
	first := b.ask(order{}).PID
	for range 200 {
		if s := b.ask(order{}); s.PID != first {
			t.Fatalf("a second process %d", s.PID)
		}
	}
}

func TestD10_FrozenBetweenInvocations(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	// Each ends when a goroutine in the background has made ten more steps: the second, in a process that was continued.
	pid := b.ask(order{Do: "background", N: 10}).PID
	for range 3 {
		poll(t, "the freeze", func() bool { return frozen(t, pid) })
		if s := b.ask(order{Do: "background", N: 10}); s.PID != pid {
			t.Fatalf("process %d, want %d", s.PID, pid)
		}
	}
}

func TestClose_LeavesNoProcess(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	var r struct{ Child, PID int }
	if err := json.Unmarshal(b.do(order{Do: "spawn"}).Payload, &r); err != nil {
		t.Fatal(err)
	}
	busy := make(chan error, 1)
	go func() {
		_, err := b.try(order{Do: "wait", Text: "/nonexistent/file"})
		busy <- err
	}()
	pids := append(b.awaitWaiting(1), r.PID, r.Child)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := b.Close(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 invocations were killed") {
		t.Errorf("Close: %v", err)
	}
	if err := <-busy; !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("the invocation that was killed: %v", err)
	}
	awaitGone(t, pids...)
	if _, err := b.try(order{}); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("Invoke after Close: %v", err)
	}
	if _, err := b.InvokeAsync(t.Context(), lambda.Request{Function: "f"}); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("InvokeAsync after Close: %v", err)
	}
	if err := b.Close(ctx); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestClose_WaitsForWhatRuns(t *testing.T) {
	b := newBench(t, lambda.Options{Concurrency: 1}, function(t, "function"))
	file := filepath.Join(t.TempDir(), "go")
	done := make(chan lambda.Response, 1)
	go func() { done <- b.do(order{Do: "wait", Text: file}) }()
	b.awaitWaiting(1)
	closed := make(chan error, 1)
	go func() { closed <- b.Close(context.Background()) }()
	poll(t, "the beginning of Close", func() bool {
		_, err := b.try(order{}) // until then there is no room for it
		return errors.Is(err, lambda.ErrClosed)
	})
	select {
	case err := <-closed:
		t.Fatalf("Close did not wait: %v", err)
	default:
	}
	touch(t, file)
	decode(t, <-done)
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestAProcessThatEndsTakesItsChildrenAlong(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	var r struct{ Child int }
	if err := json.Unmarshal(b.do(order{Do: "spawn"}).Payload, &r); err != nil {
		t.Fatal(err)
	}
	b.do(order{Do: "exit", N: 1})
	awaitGone(t, r.Child)
}

func TestSIGTERM_ReachesAProcessWithAnExtension(t *testing.T) {
	// One that heeds it has all the time that it needs, on whatever machine.
	b := newBench(t, lambda.Options{}.WithTiming(lambda.Timing{ShutdownGrace: patience}), function(t, "sigterm"))
	pid := b.ask(order{}).PID
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("the process is alive after Close")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) != 1 || b.lines[0].Text != "got SIGTERM" || b.lines[0].RequestID != "" {
		t.Errorf("lines %v, want that of the SIGTERM handler", b.lines)
	}
}

func TestSIGTERM_AProcessThatDoesNotHeedItIsKilled(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "sigterm", func(f *lambda.Function) { f.Env["TEST_STUBBORN"] = "1" }))
	pid := b.ask(order{}).PID
	start := time.Now()
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("the process is alive after Close")
	}
	if d := time.Since(start); d < 500*time.Millisecond {
		t.Errorf("it was killed after %v", d)
	}
}

func TestConcurrency_AProcessThatMakesRoomIsGoneBeforeTheNextStarts(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "sigterm", func(f *lambda.Function) {
		f.Env["TEST_STUBBORN"] = "1" // it takes the 500 ms that it has after SIGTERM
		f.Aliases = map[string]string{"live": "1"}
		f.Concurrency = 1
	}))
	old := b.ask(order{}).PID
	r, err := b.Invoke(t.Context(), lambda.Request{Function: "f:live"})
	if err != nil {
		t.Fatal(err)
	}
	if decode(t, r); alive(old) {
		t.Error("two processes, limit 1")
	}
}

// emulate is the child of the next test: a service with one process that works and one that is frozen.
func emulate() {
	lines := make(chan string, 10)
	s, err := lambda.New(&lambda.Options{InitTimeout: patience, OnLog: func(l lambda.LogLine) { lines <- l.Text }})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.AddFunction(lambda.Function{
		Name: "f", Dir: os.Getenv("TEST_DIR"), Timeout: patience, MemoryMB: 1024, Env: map[string]string{roleEnv: "function"},
	}); err != nil {
		log.Fatal(err)
	}
	file := filepath.Join(os.Getenv("TEST_DIR"), "go")
	for i := range 2 {
		text := file
		if i == 1 {
			text = "/nonexistent/file"
		}
		payload, _ := json.Marshal(order{Do: "wait", Text: text})
		go func() {
			_, _ = s.Invoke(context.Background(), lambda.Request{Function: "f", Payload: payload})
			fmt.Println("frozen")
		}()
		fmt.Println(<-lines)
	}
	_ = os.WriteFile(file, nil, 0o600)
	time.Sleep(time.Hour)
}

func TestAKilledEmulatorTakesItsProcessesAlong(t *testing.T) {
	if !isLinux() {
		t.Skip("NOT RUN: the kernel ties no child to its parent here, and the package says so")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self) //nolint:noctx // killed below
	cmd.Env = append(os.Environ(), roleEnv+"=emulator", "TEST_DIR="+function(t, "function").Dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var pids []int
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "frozen" {
		pid, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "waiting "))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 2 || !alive(pids[0]) || !alive(pids[1]) {
		t.Fatalf("processes %v", pids)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	awaitGone(t, pids...)
}
