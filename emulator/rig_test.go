package emulator_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/emulator/testdata/e2e/tasks"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// rig is the tests' template, running, and a client on each of its roads.
type rig struct {
	t    *testing.T
	env  map[string]string
	out  string // directory of the effects
	aws  aws.Config
	logs *buffer

	emulator *emulator.Emulator
	closed   bool // by the test
}

// patience bounds every wait for something to happen. Only what hangs waits so long.
const patience = 2 * time.Minute

func start(t *testing.T) *rig { return startWith(t, nil, nil) }

// short is for tests that wait for the end of the functions' timeout, or for that of a message's visibility.
func short() map[string]string { return map[string]string{"Timeout": "5"} }

// startWith gives parameters to the template, and sets more of the functions' environment. The tests that start a rig mostly
// wait, so they run in parallel.
func startWith(t *testing.T, parameters, env map[string]string) *rig {
	t.Helper()
	t.Parallel()
	out, logs, port := t.TempDir(), &buffer{}, 0
	set := map[string]string{"OUT": out}
	maps.Copy(set, env)
	e, err := emulator.Start(t.Context(), &emulator.Options{
		Template:    "testdata/e2e/template.yaml",
		Parameters:  parameters,
		Port:        &port,
		Env:         set,
		RetryDelays: []time.Duration{10 * time.Millisecond, 10 * time.Millisecond},
		Output:      logs,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, env: e.Environment(), out: out, logs: logs, emulator: e}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Close(ctx); err != nil && !r.closed {
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
	c, err := client.New(s, &client.Options{ConfirmTimeout: patience, SendTimeout: patience})
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
	s, err := sqstransport.New(sqstransport.NewClient(r.aws), r.env[output], nil)
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
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited %v for %s", patience, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func hasKey[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
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
