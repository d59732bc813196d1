package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var binary string

// TestMain builds the command once: what is tested here are real processes and signals.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "offload-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "offload")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v\n%s", err, out))
		}
		return m.Run()
	}())
}

// process is one run of offload, in a directory of the project.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *buffer
	done chan struct{}
}

func offload(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, out: &buffer{}, done: make(chan struct{})}
	// Not with the test's context: its end would kill offload before Cleanup asks it to stop what it has started.
	p.cmd = exec.Command(binary, args...) //nolint:noctx // see above
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		<-p.done
		if t.Failed() {
			t.Log(p.out)
		}
	})
	return p
}

// find waits for output that matches and returns its last group.
func (p *process) find(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var got []string
	eventually(p.t, fmt.Sprintf("output %q", pattern), func() bool {
		got = re.FindStringSubmatch(p.out.String())
		return got != nil || p.ended()
	})
	if got = re.FindStringSubmatch(p.out.String()); got == nil {
		p.t.Fatalf("ended without output %q:\n%s", pattern, p.out)
	}
	return got[len(got)-1]
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait returns the exit status.
func (p *process) wait() int {
	p.t.Helper()
	eventually(p.t, "the end of offload", p.ended)
	return p.cmd.ProcessState.ExitCode()
}

// patience bounds every wait for another process, a build of the functions included. Only what hangs waits so long.
const patience = 4 * time.Minute

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// running lists the processes whose environment has the mark.
func running(t *testing.T, mark string) []string {
	t.Helper()
	out, err := exec.Command("ps", "axeww", "-o", "pid=,stat=,command=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); strings.Contains(line, mark) && !strings.HasPrefix(fields[1], "Z") {
			found = append(found, line)
		}
	}
	return found
}

func TestQuickstart(t *testing.T) {
	p := offload(t, "../../examples/quickstart", []string{"ADDR=" + freeAddress(t)}, "dev", "--port", "0", "--", "go", "run", ".")
	address := p.find(`curl -d to=ann@example.com (http://\S+)`)
	var resp *http.Response
	eventually(t, "the API", func() bool {
		var err error
		resp, err = http.PostForm(address, url.Values{"to": {"ann@example.com"}})
		return err == nil
	})
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("the API answered %s", resp.Status)
	}
	p.find(`welcome, ann@example\.com`)
	// SIGTERM reaches the program under go run, too.
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := p.wait(); status != 0 {
		t.Fatalf("exit status %d", status)
	}
}

// freeAddress is an address that was free a moment ago, for a program that cannot tell which port it got. Where the whole network
// of the loopback can be had, as on Linux, it is one that nobody else takes meanwhile.
func freeAddress(t *testing.T) string {
	t.Helper()
	own := fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	l, err := net.Listen("tcp", own)
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// oneQueue is a template that starts at once.
const oneQueue = "Resources:\n  MyQueue:\n    Type: AWS::SQS::Queue\nOutputs:\n  MyUrl:\n    Value: !Ref MyQueue\n"

func writeTemplate(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCommandEndsDevWithItsStatus(t *testing.T) {
	template := writeTemplate(t, oneQueue)
	p := offload(t, filepath.Dir(template), nil, "dev", "--port", "0", "--", "sh", "-c", `echo "url=$OFFLOAD_MY_URL region=$AWS_REGION payloads=$OFFLOAD_PAYLOADS_DIR"; exit 7`)
	if status := p.wait(); status != 7 {
		t.Fatalf("exit status %d, want 7", status)
	}
	p.find(`url=http://127\.0\.0\.1:\d+/000000000000/MyQueue region=us-east-1 payloads=` + regexp.QuoteMeta(filepath.Join(filepath.Dir(template), ".offload", "payloads")) + `\n`)
}

// What only AWS can compute is named, and may be given.
func TestValuesThatOnlyAWSComputes(t *testing.T) {
	dir := filepath.Dir(writeTemplate(t, "Resources:\n  Pool: {Type: AWS::Cognito::UserPool}\n"+
		"  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub 'q-${Pool}'}}\nOutputs:\n  QUrl: {Value: !Ref Q}\n"))
	p := offload(t, dir, nil, "dev", "--port", "0", "--", "true")
	if status := p.wait(); status != 1 || !strings.Contains(p.out.String(), `give a value for "Pool"`) || !strings.Contains(p.out.String(), "--value NAME=VALUE") {
		t.Fatalf("exit status %d: %s", status, p.out)
	}
	p = offload(t, dir, nil, "dev", "--port", "0", "--value", "Pool=abc", "--", "sh", "-c", `echo "url=$OFFLOAD_Q_URL"`)
	if status := p.wait(); status != 0 || !strings.Contains(p.out.String(), "/000000000000/q-abc\n") {
		t.Fatalf("exit status %d: %s", status, p.out)
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	p := offload(t, "../..", nil, "dev", "--port", port)
	if status := p.wait(); status != 1 || !strings.Contains(p.out.String(), "port "+port+": is in use") {
		t.Fatalf("exit status %d: %s", status, p.out)
	}
}

// The task is stored before the API answers 202: the death of the API does not touch it.
func TestA2_KillOfTheAPIAfter202(t *testing.T) {
	out := t.TempDir()
	p := offload(t, "../..", []string{"ADDR=127.0.0.1:0", "OUT=" + out}, "dev", "--port", "0", "--", "sh", "-c",
		// The API is killed as soon as the file is there; the shell keeps dev running.
		`go build -o "$OUT/api" ./examples/api && { "$OUT/api" & while [ ! -e "$OUT/kill" ]; do sleep 0.01; done; kill -9 $!; echo killed; sleep 3600; }`)
	api := p.find(`api listens.*url=(http://\S+)`)
	id := post(t, api+"/exports", `{"rows":200000}`)
	if err := os.WriteFile(filepath.Join(out, "kill"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.find("killed")
	if _, err := os.Stat(filepath.Join(out, "exports", id+".csv")); !errors.Is(err, os.ErrNotExist) {
		t.Logf("the task was done before the API died: the test shows less than it could (%v)", err)
	}
	eventually(t, "the export", func() bool {
		_, err := os.Stat(filepath.Join(out, "exports", id+".csv"))
		return err == nil
	})
}

func post(t *testing.T, url, body string) (id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ ID, Error string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("POST %s: %s %+v (%v)", url, resp.Status, answer, err)
	}
	return answer.ID
}

func TestFireOnBothRoads(t *testing.T) {
	out := t.TempDir()
	p := offload(t, "../..", []string{"OUT=" + out}, "dev", "--port", "0")
	endpoint := p.find(`AWS endpoint +(\S+)`)
	env := []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any",
		"OFFLOAD_QUEUE_URL=" + endpoint + "/000000000000/TaskQueue",
	}
	for result, args := range map[string][]string{
		"exports/queued.csv":    {"fire", "export.write", `{"rows":3}`, "--id", "queued"},
		"analytics/direct.json": {"fire", "analytics.record", `{"name":"signup"}`, "--id", "direct", "--function", "WorkerFunction:live"},
	} {
		f := offload(t, ".", env, args...)
		if status := f.wait(); status != 0 || f.out.String() != args[4]+"\n" {
			t.Fatalf("%q: status %d, %s", args, status, f.out)
		}
		eventually(t, result, func() bool {
			_, err := os.Stat(filepath.Join(out, result))
			return err == nil
		})
	}
	// A queue that is not there is named, with what to do, in one line.
	f := offload(t, ".", env, "fire", "a.b", "{}", "--queue-url", endpoint+"/000000000000/Absent")
	status, says := f.wait(), f.out.String()
	if status != 1 || !strings.Contains(says, "/Absent") || !strings.Contains(says, "check the queue URL") || strings.Count(says, "\n") != 1 {
		t.Errorf("status %d: %s", status, says)
	}
}

func TestFireRefusesBadInput(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"fire", "bad name"}, `task name "bad name"`},
		{[]string{"fire", "a.b", "{"}, `task "a.b": the arguments are not JSON`},
		{[]string{"fire", "a.b", "{}"}, "--queue-url"},
		{[]string{"fire"}, "write offload fire NAME [JSON|-]"},
	} {
		var out bytes.Buffer
		t.Setenv("OFFLOAD_QUEUE_URL", "")
		if status := run(t.Context(), c.args, &out, &out); status != 1 || !strings.Contains(out.String(), c.says) {
			t.Errorf("%q: status %d, %q", c.args, status, out.String())
		}
	}
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
