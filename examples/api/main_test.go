package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/task"
)

func TestMissingEnvironmentIsNamed(t *testing.T) {
	for name, output := range map[string]string{
		"OFFLOAD_QUEUE_URL": "QueueUrl", "OFFLOAD_BULK_QUEUE_URL": "BulkQueueUrl", "OFFLOAD_WORKER_FUNCTION": "WorkerFunction",
	} {
		getenv := func(asked string) string {
			if asked == name {
				return ""
			}
			return "http://127.0.0.1:1/000000000000/q"
		}
		err := run(t.Context(), getenv, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), name+" is not set") || !strings.Contains(err.Error(), "the output "+output) {
			t.Errorf("without %s: err = %v", name, err)
		}
	}
}

func TestModeIsRead(t *testing.T) {
	_, env := queue(t, func() {})
	env["ADDR"] = "no address"
	for _, c := range []struct{ mode, pending, dir, promise, err string }{
		{"", "", "", "mode confirmed: a kill of this process loses no task\n", "ADDR"},
		{"confirmed", "", "", "mode confirmed: a kill of this process loses no task\n", "ADDR"},
		{"buffered", "", "", "mode buffered: a kill of this process loses at most 100000 tasks, of 64 MiB\n", "ADDR"},
		{"buffered", "7", "", "mode buffered: a kill of this process loses at most 7 tasks, of 64 MiB\n", "ADDR"},
		{"journaled", "", t.TempDir(), "mode journaled: a kill of this process loses no task\n", "ADDR"},
		{"journaled", "", "", "", "OFFLOAD_JOURNAL is not set"},
		{"Buffered", "", "", "", `OFFLOAD_MODE "Buffered": set it to confirmed, buffered or journaled`},
		{"", "many", "", "", `OFFLOAD_MAX_PENDING "many"`},
		{"", "-1", "", "", "MaxPending"},
	} {
		env["OFFLOAD_MODE"], env["OFFLOAD_MAX_PENDING"], env["OFFLOAD_JOURNAL"] = c.mode, c.pending, c.dir
		var out output
		err := run(t.Context(), environment(env), &out, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.err) || out.String() != c.promise {
			t.Errorf("%+v: %v, printed %q", c, err, out.String())
		}
	}
}

func environment(set map[string]string) func(string) string {
	return func(name string) string { return set[name] }
}

// newQueues makes the queues q and bulk.
func newQueues(t *testing.T) *sqs.Service {
	t.Helper()
	queues, err := sqs.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queues.Close() })
	for _, name := range []string{"q", "bulk"} {
		if _, err := queues.CreateQueue(name, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	return queues
}

// queue is an endpoint with the queues q and bulk. It calls hold before it answers, and the environment is that of its host.
func queue(t *testing.T, hold func()) (queues *sqs.Service, env map[string]string) {
	t.Helper()
	queues = newQueues(t)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hold()
		queues.ServeHTTP(w, r)
	}))
	t.Cleanup(endpoint.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
	} {
		t.Setenv(name, value)
	}
	return queues, map[string]string{
		"OFFLOAD_QUEUE_URL": endpoint.URL + "/000000000000/q", "OFFLOAD_BULK_QUEUE_URL": endpoint.URL + "/000000000000/bulk",
		"OFFLOAD_WORKER_FUNCTION": "f", "ADDR": "127.0.0.1:0",
	}
}

// ids are those of the tasks in messages, which may be more: what takes long is sent again.
func ids(t *testing.T, messages []sqs.Message) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, m := range messages {
		e, err := task.Parse([]byte(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		all[e.ID()] = true
	}
	return all
}

// output is a buffer that run writes while the test reads.
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

// A request that is under way when the host is told to end is answered, and its task is stored.
func TestEndDrainsRequestsAndTasks(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	queues, env := queue(t, func() { arrived <- struct{}{}; <-release })
	env["OFFLOAD_DEV"] = "1"
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out output
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, environment(env), &out, io.Discard) }()
	var url []string
	for deadline := time.Now().Add(patience); url == nil; url = regexp.MustCompile(`API +(http://\S+)`).FindStringSubmatch(out.String()) {
		if time.Now().After(deadline) {
			t.Fatalf("no welcome:\n%s", out.String())
		}
		<-time.After(5 * time.Millisecond)
	}
	answered := make(chan string, 1)
	go func() {
		resp, err := http.Post(url[1]+"/exports", "application/json", strings.NewReader(`{"rows":1}`))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		answered <- resp.Status
	}()
	<-arrived // the task is on its way to the queue
	stop()
	close(release)
	if got := <-answered; got != "202 Accepted" {
		t.Errorf("the request that was under way: %s", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	got, err := queues.Receive(t.Context(), "arn:aws:sqs:us-east-1:000000000000:bulk", sqs.ReceiveInput{Max: 10})
	if n := len(ids(t, got)); err != nil || n != 1 {
		t.Errorf("%d tasks are stored in the queue of the class bulk, want the export (%v)", n, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAddressInUseIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, env := queue(t, func() {})
	env["ADDR"] = taken.Addr().String()
	err = run(t.Context(), environment(env), io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "ADDR \""+env["ADDR"]+"\": set it to an address that is free") {
		t.Fatalf("err = %v", err)
	}
}
