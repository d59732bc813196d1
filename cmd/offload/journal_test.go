package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// away is a queue that cannot be reached.
type away struct{}

var errAway = errors.New("no route to host")

func (away) Limits() transport.Limits { return transport.Limits{Items: 10} }

func (away) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	return slices.Repeat([]transport.Result{{Outcome: transport.Rejected, Err: errAway}}, len(batch)), errAway
}

// leaveBehind makes a directory with the tasks of a host that ended in an outage: so many of the class "", and so many
// of the class bulk.
func leaveBehind(t *testing.T, tasks, bulk int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "journal")
	log := slog.New(slog.DiscardHandler)
	j, err := journal.Open(dir, &journal.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(away{}, &client.Options{Mode: client.Journaled, Journal: j, Routes: map[string]transport.Sender{"bulk": away{}}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	note := task.Define[int]("note.take")
	for i := range tasks + bulk {
		var opts []task.FireOption
		if i >= tasks {
			opts = append(opts, task.Queue("bulk"))
		}
		if _, err := c.Fire(t.Context(), note.With(i), opts...); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(c.Close(ended), j.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// twoQueues starts an emulator with two queues, and points the environment at it.
func twoQueues(t *testing.T) (queue, bulk string) {
	t.Helper()
	port := 0
	template := writeTemplate(t, "Resources:\n  A: {Type: AWS::SQS::Queue}\n  B: {Type: AWS::SQS::Queue}\n")
	e, err := emulator.Start(t.Context(), &emulator.Options{Template: template, Port: &port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.WithoutCancel(t.Context())) })
	pointAt(t, e.Endpoint())
	t.Setenv("OFFLOAD_QUEUE_URL", "")
	return e.Endpoint() + "/000000000000/A", e.Endpoint() + "/000000000000/B"
}

// messages is how many messages wait in a queue.
func messages(t *testing.T, url string) int {
	t.Helper()
	endpoint, _, _ := strings.Cut(url, "/0000")
	queues := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")})
	got, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(got.Attributes["ApproximateNumberOfMessages"])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func journalCommand(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs strings.Builder
	status = run(t.Context(), append([]string{"journal"}, args...), &out, &errs)
	return out.String(), errs.String(), status
}

func TestA12_JournalOfADeadHostIsDrained(t *testing.T) {
	dir := leaveBehind(t, 120, 30)
	queue, bulk := twoQueues(t)
	if out, errs, status := journalCommand(t, "ls", dir); status != 0 || !strings.Contains(out, "orphan") || !strings.Contains(out, "  150  ") {
		t.Errorf("ls: status %d\n%s%s", status, out, errs)
	}
	// Without the route of a class its tasks stay, and the status says so.
	out, errs, status := journalCommand(t, "drain", dir, "--queue-url", queue)
	if status != 1 || !strings.Contains(out, "sent 120, put aside 0, left 30") || !strings.Contains(errs, "30 tasks are left") || !strings.Contains(errs, `class \"bulk\"`) {
		t.Errorf("drain: status %d\n%s%s", status, out, errs)
	}
	if n := messages(t, queue); n != 120 {
		t.Errorf("%d messages in the queue", n)
	}
	out, errs, status = journalCommand(t, "drain", dir, "--queue-url", queue, "--route", "bulk="+bulk)
	if status != 0 || !strings.Contains(out, "sent 30, put aside 0, left 0") {
		t.Errorf("drain with the route: status %d\n%s%s", status, out, errs)
	}
	if n, b := messages(t, queue), messages(t, bulk); n != 120 || b != 30 {
		t.Errorf("%d messages in the queue, %d in the bulk queue", n, b)
	}
	if out, errs, status := journalCommand(t, "ls", dir); status != 0 || out != "nothing waits here\n" {
		t.Errorf("ls after it: status %d\n%s%s", status, out, errs)
	}
}

// TestDrainTakesLargeTasks has a task of more than a message takes, from a host with a claim check.
func TestDrainTakesLargeTasks(t *testing.T) {
	dir := leaveBehind(t, 0, 0)
	log := slog.New(slog.DiscardHandler)
	j, err := journal.Open(dir, &journal.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(away{}, &client.Options{Mode: client.Journaled, Journal: j, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 2<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	if _, err := c.Fire(t.Context(), task.Define[[]byte]("image.store").With(noise)); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(c.Close(ended), j.Close()); err != nil {
		t.Fatal(err)
	}
	queue, _ := twoQueues(t)
	if out, errs, status := journalCommand(t, "drain", dir, "--queue-url", queue); status != 1 || !strings.Contains(out, "left 1") || !strings.Contains(errs, "encoded to") {
		t.Errorf("drain without a store: status %d\n%s%s", status, out, errs)
	}
	payloads := t.TempDir()
	t.Setenv("OFFLOAD_PAYLOADS_DIR", payloads)
	if out, errs, status := journalCommand(t, "drain", dir, "--queue-url", queue); status != 0 || !strings.Contains(out, "sent 1,") {
		t.Errorf("drain: status %d\n%s%s", status, out, errs)
	}
	if found, err := filepath.Glob(filepath.Join(payloads, "*", "*")); err != nil || len(found) != 1 || messages(t, queue) != 1 {
		t.Errorf("payloads %v, %d messages, %v", found, messages(t, queue), err)
	}
}

// TestDrainPutsAsideWhatIsNoTask, and says where it is: it is not left, and no route would help.
func TestDrainPutsAsideWhatIsNoTask(t *testing.T) {
	dir := leaveBehind(t, 2, 0)
	j, err := journal.Open(dir, &journal.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Append(t.Context(), journal.Record{Body: []byte("no task")})
	if err := errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
	queue, _ := twoQueues(t)
	out, errs, status := journalCommand(t, "drain", dir, "--queue-url", queue)
	if status != 0 || !strings.Contains(out, "sent 2, put aside 1, left 0") {
		t.Errorf("drain: status %d\n%s%s", status, out, errs)
	}
	if out, errs, _ := journalCommand(t, "ls", dir); !strings.Contains(out, "put aside: ") {
		t.Errorf("ls after it:\n%s%s", out, errs)
	}
}

// TestDrainLeavesTheLivingAlone, and says so: else "left 0" would be taken for all of it.
func TestDrainLeavesTheLivingAlone(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir, &journal.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for range 3 {
		if _, err := j.Append(t.Context(), journal.Record{Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	queue, _ := twoQueues(t)
	// Between the two it may tell how far it is, a line a second.
	first, last := "left to living processes: 3\n", "sent 0, put aside 0, left 0\n"
	if out, errs, status := journalCommand(t, "drain", dir, "--queue-url", queue); status != 0 || !strings.HasPrefix(out, first) || !strings.HasSuffix(out, last) {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

// TestDrainThatIsInterruptedKeepsTheRest has a queue that is not there.
func TestDrainThatIsInterruptedKeepsTheRest(t *testing.T) {
	dir := leaveBehind(t, 50, 0)
	queue, _ := twoQueues(t)
	var out, errs buffer
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"journal", "drain", dir, "--queue-url", queue + "-is-not-there"}, &out, &errs)
	}()
	eventually(t, "the word of a missing queue", func() bool { return strings.Contains(errs.String(), "refuses every task") })
	eventually(t, "how far it is", func() bool { return strings.Contains(out.String(), "sent 0, waiting 50") })
	cancel()
	if status := <-ended; status != 1 || !strings.Contains(out.String(), "sent 0, put aside 0, left 50") {
		t.Errorf("status %d\n%s%s", status, out.String(), errs.String())
	}
	if out, errs, status := journalCommand(t, "drain", dir, "--queue-url", queue); status != 0 || !strings.Contains(out, "sent 50") {
		t.Errorf("the next drain: status %d\n%s%s", status, out, errs)
	}
}

// TestListOfAStrayFile has a directory that is not, or not only, a journal's.
func TestListOfAStrayFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, status := journalCommand(t, "ls", dir)
	if status != 0 || strings.Contains(out, "orphan") || strings.Contains(out, "0001") || !strings.Contains(out, "is this the directory that was given to journal.Open?") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestJournalRefusesBadInput(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	queue, _ := twoQueues(t)
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"ls of nothing":    {[]string{"ls", missing}, "the directory that the host gives to journal.Open"},
		"drain of nothing": {[]string{"drain", missing, "--queue-url", queue}, "the directory that the host gives to journal.Open"},
		"ls of no name":    {[]string{"ls"}, "write offload journal ls DIR"},
		"no queue":         {[]string{"drain", t.TempDir()}, "OFFLOAD_QUEUE_URL"},
		"no queue's URL":   {[]string{"drain", t.TempDir(), "--queue-url", "tasks"}, `"tasks"`},
		"a route":          {[]string{"drain", t.TempDir(), "--queue-url", queue, "--route", "bulk=x"}, "--route bulk=x"},
	} {
		if out, errs, status := journalCommand(t, tt.args...); status != 1 || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: status %d, output %q, error %q, want %q", name, status, out, errs, tt.want)
		}
	}
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory was made of a wrong name: %v", err)
	}
}
