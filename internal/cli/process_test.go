package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/internal/cli"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is a buffer that the process writes while the test reads.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// patience bounds every wait for another process. Only what hangs waits so long.
const patience = 2 * time.Minute

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func shell(t *testing.T, script string, out io.Writer) *cli.Process {
	t.Helper()
	p, err := cli.Start([]string{"sh", "-c", script}, os.Environ(), out, out)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStopEndsGrandchildrenToo(t *testing.T) {
	var out output
	// The inner shell outlives the outer one, as the program of `go run` does.
	p := shell(t, `sh -c 'trap "echo drained; exit 0" TERM; echo ready; while :; do sleep 0.01; done' & wait`, &out)
	waitFor(t, "the grandchild", func() bool { return strings.Contains(out.String(), "ready") })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "drained") {
		t.Fatalf("Stop returned before the grandchild had drained: %q", out.String())
	}
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	var out output
	p := shell(t, `trap "" TERM; echo ready; while :; do sleep 0.01; done`, &out)
	waitFor(t, "the process", func() bool { return strings.Contains(out.String(), "ready") })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "was killed") {
		t.Fatalf("Stop = %v", err)
	}
	if code := cli.ExitCode(p.Err()); code != 128+int(syscall.SIGKILL) {
		t.Fatalf("exit code %d", code)
	}
}

func TestExitCodes(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 143} {
		p := shell(t, script, io.Discard)
		if got := cli.ExitCode(p.Err()); got != want {
			t.Errorf("%q: exit code %d, want %d", script, got, want)
		}
	}
}

func TestStartNamesWhatIsMissing(t *testing.T) {
	_, err := cli.Start([]string{"no-such-command"}, nil, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `command "no-such-command"`) {
		t.Fatalf("err = %v", err)
	}
	if _, err := cli.Start(nil, nil, io.Discard, io.Discard); err == nil {
		t.Fatal("an empty command was started")
	}
}

func TestNothingOfTheGroupOutlivesTheCommand(t *testing.T) {
	var out output
	// The sleeper has closed its output, so the end of the output does not tell of it.
	p := shell(t, `sleep 300 >/dev/null 2>&1 & echo "$!"`, &out)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	if err == nil && !strings.HasPrefix(string(state), "Z") { // somebody, and not one who is dead and not yet collected
		t.Errorf("the sleeper is in the state %s", state)
	}
}

// A process that was killed is there until the kernel has taken its memory back: a while, if it is a lot.
func TestKilledGroupHasEnded(t *testing.T) {
	var out output
	p := shell(t, `trap "" TERM; dd if=/dev/zero of=/dev/null bs=268435456 >/dev/null 2>&1 & echo "$!"; wait`, &out)
	waitFor(t, "the process", func() bool { return strings.HasSuffix(out.String(), "\n") })
	pid := strings.TrimSpace(out.String())
	waitFor(t, "its memory", func() bool {
		rss, err := exec.Command("ps", "-o", "rss=", "-p", pid).Output()
		kb, _ := strconv.Atoi(strings.TrimSpace(string(rss)))
		return err == nil && kb > 200<<10
	})
	p.Kill()
	if state, err := exec.Command("ps", "-o", "stat=", "-p", pid).Output(); err == nil && !strings.HasPrefix(string(state), "Z") {
		t.Errorf("a process of the group is in the state %s", state)
	}
}
