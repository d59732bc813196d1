package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offloadhq/offload/internal/cli"
)

// mark is a variable that all processes of one run of offload inherit, so that they can be found.
func mark() string {
	return fmt.Sprintf("OFFLOAD_TEST_MARK=%d-%d", os.Getpid(), time.Now().UnixNano())
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func nothingLeft(t *testing.T, marks ...string) {
	t.Helper()
	for _, m := range marks {
		if got := running(t, m); len(got) != 0 {
			t.Errorf("left behind: %q", got)
		}
	}
}

func TestSIGTERMLeavesNoProcess(t *testing.T) {
	mark := mark()
	p := offload(t, "../..", []string{mark, "ADDR=127.0.0.1:0", "OUT=" + t.TempDir()}, "dev", "--port", "0", "--", "go", "run", "./examples/api")
	api := p.find(`api listens.*url=(http://\S+)`)
	post(t, api+"/events", `{"name":"signup"}`)
	p.find(`done task=analytics\.record`) // a function process is there
	endpoint := p.find(`AWS endpoint +(\S+)`)
	// Functions do not inherit the mark, but have the endpoint.
	if marked, all := running(t, mark), running(t, "AWS_ENDPOINT_URL="+endpoint); len(marked) < 2 || len(all) < 2 {
		t.Fatalf("the search for processes finds %q and %q, want the API and a function at least", marked, all)
	}
	p.signal(syscall.SIGTERM)
	if status := p.wait(); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	nothingLeft(t, mark, "AWS_ENDPOINT_URL="+endpoint)
}

// Each signal, at each moment: nothing stays, and the end is quiet.
func TestSignalsStopTheCommand(t *testing.T) {
	// What this process ignores, as SIGHUP under nohup, its children ignore too; what it handles has its default there.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	dir := filepath.Dir(writeTemplate(t, oneQueue))
	for name, s := range map[string]syscall.Signal{"Ctrl-C": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "terminal closed": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			mark := mark()
			p := offload(t, dir, []string{mark}, "dev", "--port", "0", "--", "sh", "-c", "sleep 3600 & echo up; wait")
			p.find("up\n")
			eventually(t, "offload, sh and sleep", func() bool { return len(running(t, mark)) >= 3 })
			p.signal(s)
			if status := p.wait(); status != 0 {
				t.Errorf("exit status %d", status)
			}
			nothingLeft(t, mark)
		})
	}
}

func TestSecondInterruptKillsACommandThatStays(t *testing.T) {
	mark := mark()
	p := offload(t, filepath.Dir(writeTemplate(t, oneQueue)), []string{mark}, "dev", "--port", "0", "--",
		"sh", "-c", `trap "echo no" TERM; echo up; while :; do sleep 0.05; done`)
	p.find("up\n")
	p.signal(syscall.SIGINT)
	p.find("no\n")
	p.signal(syscall.SIGINT)
	if status := p.wait(); status != 1 || !strings.Contains(p.out.String(), `command "sh": did not end when asked to, and was killed: `+cli.ErrHurry.Error()) {
		t.Errorf("exit status %d: %s", status, p.out)
	}
	nothingLeft(t, mark)
}

// A build takes as long as its makefile likes: the signal does not wait for it, and what it has begun is gone.
func TestSignalInTheMiddleOfABuild(t *testing.T) {
	template := writeTemplate(t, `Transform: AWS::Serverless-2016-10-31
Resources:
  Slow:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: makefile }
    Properties: { CodeUri: ., Handler: bootstrap, Runtime: provided.al2023 }
`)
	dir := filepath.Dir(template)
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), []byte("build-Slow:\n\ttouch $(GOTMPDIR)/begun; touch begun; sleep 3600; touch ended\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]syscall.Signal{"Ctrl-C": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			mark, begun := mark(), filepath.Join(dir, "begun")
			p := offload(t, dir, []string{mark}, "dev", "--port", "0", "--", "sh", "-c", "echo the command runs")
			eventually(t, "the build", func() bool { _, err := os.Stat(begun); return err == nil })
			if err := os.Remove(begun); err != nil {
				t.Fatal(err)
			}
			p.signal(s)
			if status := p.wait(); status != 0 || !strings.HasSuffix(p.out.String(), "offload dev: stopped\n") || strings.Contains(p.out.String(), "the command runs") {
				t.Errorf("exit status %d: %s", status, p.out)
			}
			nothingLeft(t, mark)
			left, err := filepath.Glob(filepath.Join(dir, ".offload", "*", ".*"))
			if more, _ := filepath.Glob(filepath.Join(dir, ".offload", ".tmp-*")); err != nil || len(left)+len(more) != 0 {
				t.Errorf("files are left: %q %q %v", left, more, err)
			}
		})
	}
}

// The mistake is told before the functions are built, and nothing is started.
func TestCommandThatDoesNotExist(t *testing.T) {
	mark := mark()
	p := offload(t, "../..", []string{mark}, "dev", "--port", "0", "--", "no-such-command", "-x")
	if status := p.wait(); status != 1 || !strings.HasPrefix(p.out.String(), `offload: command "no-such-command": `) {
		t.Fatalf("exit status %d: %s", status, p.out)
	}
	nothingLeft(t, mark)
}

// A directory is made beside no template.
func TestTemplateThatDoesNotExist(t *testing.T) {
	dir := t.TempDir()
	p := offload(t, dir, nil, "dev", "--port", "0")
	if status := p.wait(); status != 1 || !strings.Contains(p.out.String(), "name it with --template FILE") {
		t.Errorf("exit status %d: %s", status, p.out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

func TestWithoutCommandTheEmulatorRunsAlone(t *testing.T) {
	p := offload(t, filepath.Dir(writeTemplate(t, oneQueue)), nil, "dev", "--port", "0")
	p.find(`aws --endpoint-url http://127\.0\.0\.1:\d+ sqs list-queues`)
	p.find(`export OFFLOAD_PAYLOADS_DIR='/.+'`)
	p.find("Ctrl-C stops")
	p.signal(syscall.SIGINT)
	if status := p.wait(); status != 0 || !strings.HasSuffix(p.out.String(), "offload dev: stopped\n") {
		t.Fatalf("exit status %d: %s", status, p.out)
	}
}

// The demo is stopped where it is: no account, no process, no file.
func TestSignalStopsTheDemo(t *testing.T) {
	for name, moment := range map[string]string{"at its start": "building examples/api", "at work": `\d+ of 1000 fired`} {
		t.Run(name, func(t *testing.T) {
			tmp, mark := t.TempDir(), mark()
			p := offload(t, "../..", []string{mark, "TMPDIR=" + tmp}, "demo")
			p.find(moment)
			p.signal(syscall.SIGTERM)
			if status := p.wait(); status != 1 || !strings.Contains(p.out.String(), "demo: stopped before its end") || strings.Contains(p.out.String(), "demo: fired=") {
				t.Errorf("exit status %d: %s", status, p.out)
			}
			nothingLeft(t, mark, tmp) // the functions have the directory in their environment
			if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
				t.Errorf("files are left: %v %v", left, err)
			}
		})
	}
}

func TestDemoOutsideACheckout(t *testing.T) {
	p := offload(t, t.TempDir(), nil, "demo")
	if status := p.wait(); status != 1 || !strings.Contains(p.out.String(), "run it in a checkout of the project") {
		t.Errorf("exit status %d: %s", status, p.out)
	}
}
