package emulator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/emulator/testdata/e2e/tasks"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// rig is the tests' template, running, and a client on each of its roads.
type rig struct {
	t    *testing.T
	env  map[string]string
	out  string // directory of the effects
	aws  aws.Config
	logs *buffer
}

func start(t *testing.T) *rig { return startWith(t, nil) }

// startWith sets more of the functions' environment. The tests that start a rig mostly wait, so they run in parallel.
func startWith(t *testing.T, env map[string]string) *rig {
	t.Helper()
	t.Parallel()
	out, logs, port := t.TempDir(), &buffer{}, 0
	set := map[string]string{"OUT": out}
	maps.Copy(set, env)
	e, err := emulator.Start(t.Context(), &emulator.Options{
		Template:    "testdata/e2e/template.yaml",
		Port:        &port,
		Env:         set,
		RetryDelays: []time.Duration{10 * time.Millisecond, 10 * time.Millisecond},
		Output:      logs,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, env: e.Environment(), out: out, logs: logs}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(logs.String())
		}
	})
	r.aws, err = config.LoadDefaultConfig(t.Context(),
		config.WithRegion(r.env["AWS_REGION"]), config.WithBaseEndpoint(r.env["AWS_ENDPOINT_URL"]),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("any", "any", "")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) client(s transport.Sender) *client.Client {
	r.t.Helper()
	c, err := client.New(s, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
	})
	return c
}

func (r *rig) queue(output string) *client.Client {
	r.t.Helper()
	s, err := sqstransport.New(sqs.NewFromConfig(r.aws), r.env[output], nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.client(s)
}

func (r *rig) direct() *client.Client {
	r.t.Helper()
	s, err := lambdatransport.New(lambdatransport.NewClient(r.aws), r.env["OFFLOAD_FUNCTION"], nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.client(s)
}

// fire fires one task for each act, as one batch, and returns the ids.
func (r *rig) fire(c *client.Client, acts ...tasks.Act) []string {
	r.t.Helper()
	batch := make([]task.Task, len(acts))
	for i, a := range acts {
		batch[i] = tasks.Write.With(a)
	}
	receipts, err := c.FireBatch(r.t.Context(), batch)
	if err != nil {
		r.t.Fatal(err)
	}
	ids := make([]string, len(receipts))
	for i, receipt := range receipts {
		ids[i] = receipt.ID
	}
	return ids
}

// runs is how often the task has had its effect.
func (r *rig) runs(id string) int {
	b, err := os.ReadFile(filepath.Join(r.out, id))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Fatal(err)
	}
	return len(b)
}

// dead takes the dead letters that are there now: their message attributes by task id.
func (r *rig) dead(into map[string]map[string]types.MessageAttributeValue) {
	r.t.Helper()
	api, url := sqs.NewFromConfig(r.aws), r.env["OFFLOAD_DEAD_URL"]
	got, err := api.ReceiveMessage(r.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range got.Messages {
		e, err := task.Parse([]byte(aws.ToString(m.Body)))
		if err != nil {
			r.t.Fatalf("dead letter %s: %v", aws.ToString(m.Body), err)
		}
		into[e.ID()] = m.MessageAttributes
	}
}

func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited 30 s for %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestBothRoadsEndInTheHandler(t *testing.T) {
	r := start(t)
	queued := r.fire(r.queue("OFFLOAD_TASKS_URL"), make([]tasks.Act, 25)...)
	direct := r.fire(r.direct(), make([]tasks.Act, 5)...)
	r.eventually("30 effects", func() bool {
		n := 0
		for _, id := range append(queued, direct...) {
			n += r.runs(id)
		}
		return n == 30
	})
}

func TestFailuresEndAmongTheDeadLetters(t *testing.T) {
	r := start(t)
	queued := r.fire(r.queue("OFFLOAD_TASKS_URL"), tasks.Act{Fail: true}, tasks.Act{})
	direct := r.fire(r.direct(), tasks.Act{Fail: true}, tasks.Act{})
	dead := map[string]map[string]types.MessageAttributeValue{}
	r.eventually("two dead letters", func() bool { r.dead(dead); return len(dead) == 2 })
	for _, id := range []string{queued[0], direct[0]} {
		attributes, ok := dead[id]
		if !ok {
			t.Fatalf("task %s is no dead letter", id)
		}
		if got := aws.ToString(attributes["Offload.Attempt"].StringValue); got != "3" {
			t.Errorf("task %s: attempt %q, want 3", id, got)
		}
		if got := aws.ToString(attributes["Offload.Message"].StringValue); !strings.Contains(got, "was asked to fail") {
			t.Errorf("task %s: message %q", id, got)
		}
	}
	r.eventually("the good ones", func() bool { return r.runs(queued[1]) == 1 && r.runs(direct[1]) == 1 })
}

// A function process that is killed in the middle of a batch gives no answer: the batch comes back after its visibility
// timeout and completes. What its mates had done stays done.
func TestC10_KillInTheMiddleOfABatch(t *testing.T) {
	r := start(t)
	acts := make([]tasks.Act, 10)
	acts[4] = tasks.Act{Crash: true, OnlyOne: true}
	ids := r.fire(r.queue("OFFLOAD_TASKS_URL"), acts...)
	r.eventually("every task of the batch", func() bool {
		for _, id := range ids {
			if r.runs(id) == 0 {
				return false
			}
		}
		return true
	})
	if n := r.runs(ids[4]); n != 1 {
		t.Errorf("the task that was killed has %d effects, want 1", n)
	}
}

// A task that kills its process every time reaches the dead-letter queue by the queue's redrive, and its batch mates
// complete.
func TestC10_CrasherEndsByRedrive(t *testing.T) {
	r := start(t)
	acts := make([]tasks.Act, 5)
	acts[2] = tasks.Act{Crash: true}
	ids := r.fire(r.queue("OFFLOAD_TASKS_URL"), acts...)
	dead := map[string]map[string]types.MessageAttributeValue{}
	r.eventually("the crasher's dead letter", func() bool { r.dead(dead); return len(dead[ids[2]]) == 0 && hasKey(dead, ids[2]) })
	for i, id := range ids {
		if i != 2 && r.runs(id) == 0 {
			t.Errorf("batch mate %d was not done", i)
		}
		if i != 2 && hasKey(dead, id) {
			t.Logf("batch mate %d came to the dead letters with the crasher, done", i)
		}
	}
}

// Whatever a job does to its process, the other tasks are done, and it ends among the dead letters itself.
func TestBadJobsLoseNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		act  tasks.Act
		says string // in the message of the dead letter; "" if the queue moves it and so nobody can tell why
	}{
		"E1 panic":    {tasks.Act{Panic: true}, "was asked to panic"},
		"E3 os.Exit":  {tasks.Act{Exit: true}, ""},
		"E5 for ever": {tasks.Act{Loop: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			acts := make([]tasks.Act, 6)
			acts[3] = c.act
			ids := r.fire(r.queue("OFFLOAD_TASKS_URL"), acts...)
			dead := map[string]map[string]types.MessageAttributeValue{}
			r.eventually("the dead letter", func() bool { r.dead(dead); return hasKey(dead, ids[3]) })
			if got := aws.ToString(dead[ids[3]]["Offload.Message"].StringValue); !strings.Contains(got, c.says) {
				t.Errorf("the dead letter says %q, want %q", got, c.says)
			}
			for i, id := range ids {
				if i != 3 && r.runs(id) == 0 {
					t.Errorf("batch mate %d was not done", i)
				}
			}
		})
	}
}

// An asynchronous event has no caller who could be told: the screen tells, and after the retries Lambda's record around
// the event is in the destination.
func TestD7_AsynchronousCrashIsToldAndKept(t *testing.T) {
	r := start(t)
	id := r.fire(r.direct(), tasks.Act{Exit: true})[0]
	api, url := sqs.NewFromConfig(r.aws), r.env["OFFLOAD_DEAD_URL"]
	r.eventually("the record of the event", func() bool {
		got, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Messages) == 1 && strings.Contains(aws.ToString(got.Messages[0].Body), `"requestPayload":{"specversion":"1.0","id":"`+id)
	})
	if n := strings.Count(r.logs.String(), "WARN invocation crashed function=Worker"); n != 3 {
		t.Errorf("%d crashes were told, want the first try and two retries", n)
	}
}

// A function that dies at start takes no task with it: the queue keeps them, and the log says why.
func TestD9_FunctionThatDiesAtStart(t *testing.T) {
	r := startWith(t, map[string]string{"DIE_AT_START": "1"})
	ids := r.fire(r.queue("OFFLOAD_TASKS_URL"), tasks.Act{})
	r.eventually("the reason in the log", func() bool {
		return strings.Contains(r.logs.String(), "was asked to die at start") && strings.Contains(r.logs.String(), "ended before it asked for its first event")
	})
	dead := map[string]map[string]types.MessageAttributeValue{}
	r.eventually("the task, by redrive", func() bool { r.dead(dead); return hasKey(dead, ids[0]) })
}

func hasKey[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// Lambda does not read the answer of a function whose mapping lacks ReportBatchItemFailures: it deletes the whole batch.
// That the emulator does so too is what proves a template before it is deployed.
func TestD3_MappingWithoutTheSettingLoses(t *testing.T) {
	r := start(t)
	ids := r.fire(r.queue("OFFLOAD_CARELESS_URL"), tasks.Act{Fail: true})
	r.eventually("the attempt", func() bool { return strings.Contains(r.logs.String(), "attempt 1 of "+ids[0]) })
	api, url := sqs.NewFromConfig(r.aws), r.env["OFFLOAD_CARELESS_URL"]
	r.eventually("the queue to be empty", func() bool {
		got, err := api.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		a := got.Attributes
		return a["ApproximateNumberOfMessages"] == "0" && a["ApproximateNumberOfMessagesNotVisible"] == "0"
	})
	dead := map[string]map[string]types.MessageAttributeValue{}
	r.dead(dead)
	if hasKey(dead, ids[0]) || r.runs(ids[0]) != 0 || strings.Contains(r.logs.String(), "attempt 2 of") {
		t.Fatal("the failed task was not lost: the emulator is kinder than AWS")
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	_, err = emulator.Start(t.Context(), &emulator.Options{Template: "testdata/e2e/template.yaml", Port: &port, Output: io.Discard})
	if want := fmt.Sprintf("port %d: is in use", port); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("err = %v, want %q", err, want)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ template, says string }{
		"no file":      {"", "template.yaml"},
		"bad property": {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibilityTimout: 3\n", "template.yaml:5"},
		"does not build": {"Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: go1.x}\n" +
			"    Properties: {CodeUri: ., Handler: bootstrap, Runtime: provided.al2023}\n", "F"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "template.yaml")
			if c.template != "" {
				if err := os.WriteFile(file, []byte(c.template), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			port := 0
			_, err := emulator.Start(t.Context(), &emulator.Options{Template: file, Port: &port})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("err = %v, want it to say %q", err, c.says)
			}
		})
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
