package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// settings are the outputs of template.yaml that the host needs, by the names under which they are exported.
var settings = []struct{ name, output string }{
	{"OFFLOAD_QUEUE_URL", "QueueUrl"},
	{"OFFLOAD_BULK_QUEUE_URL", "BulkQueueUrl"},
	{"OFFLOAD_WORKER_FUNCTION", "WorkerFunction"},
}

func checkSettings(getenv func(string) string) error {
	var missing []error
	for _, s := range settings {
		if getenv(s.name) == "" {
			missing = append(missing, fmt.Errorf("%s is not set: start with `make run`, or export the output %s of the stack under this name", s.name, s.output))
		}
	}
	return errors.Join(missing...)
}

// tasks is the client of this host, and what it needs open: the place of large payloads, and in the mode Journaled its journal.
type tasks struct {
	client   *client.Client
	journal  *journal.Journal
	payloads payloads
}

func openTasks(ctx context.Context, getenv func(string) string, log *slog.Logger) (*tasks, error) {
	if err := checkSettings(getenv); err != nil {
		return nil, err
	}
	t := &tasks{}
	if err := t.open(ctx, getenv, log); err != nil {
		return nil, errors.Join(err, t.close(ctx))
	}
	return t, nil
}

func (t *tasks) open(ctx context.Context, getenv func(string) string, log *slog.Logger) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("AWS configuration: %w", err)
	}
	if t.payloads, err = openPayloads(cfg, getenv); err != nil {
		return err
	}
	queue, bulk, direct, err := t.roads(cfg, getenv)
	if err != nil {
		return err
	}
	opts := &client.Options{
		Source: "offload-example-api",
		Routes: map[string]transport.Sender{jobs.ClassBulk: bulk, jobs.ClassDirect: direct},
		Logger: log,

		ConfirmTimeout: waits.confirm, AttemptTimeout: waits.attempt,
	}
	if err := setMode(opts, getenv); err != nil {
		return err
	}
	t.journal = opts.Journal
	if t.client, err = client.New(queue, opts); err != nil {
		return err
	}
	return t.client.Check(jobs.Analytics, jobs.Webhook, jobs.Thumbnail, jobs.Export)
}

// roads sets up a queue for most tasks, another for those that take minutes, and the function itself for those that should
// start at once; each with a claim check in front, for payloads that are too large for a message.
func (t *tasks) roads(cfg aws.Config, getenv func(string) string) (queue, bulk, direct transport.Sender, err error) {
	queues := sqstransport.NewClient(cfg)
	standardQueue, err1 := sqstransport.New(queues, getenv("OFFLOAD_QUEUE_URL"), nil)
	bulkQueue, err2 := sqstransport.New(queues, getenv("OFFLOAD_BULK_QUEUE_URL"), nil)
	function, err3 := lambdatransport.New(lambdatransport.NewClient(cfg), getenv("OFFLOAD_WORKER_FUNCTION"), nil)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, nil, nil, err
	}
	queue, err1 = t.payloads.check(standardQueue)
	bulk, err2 = t.payloads.check(bulkQueue)
	direct, err3 = t.payloads.check(function)
	return queue, bulk, direct, errors.Join(err1, err2, err3)
}

// setMode reads what a 202 is to mean, and how many tasks may wait in memory (OFFLOAD_MAX_PENDING, for tests of the bound).
func setMode(opts *client.Options, getenv func(string) string) (err error) {
	if n := getenv("OFFLOAD_MAX_PENDING"); n != "" {
		if opts.MaxPending, err = strconv.Atoi(n); err != nil {
			return fmt.Errorf("OFFLOAD_MAX_PENDING %q: set it to a number of tasks", n)
		}
	}
	switch mode := getenv("OFFLOAD_MODE"); mode {
	case "", client.Confirmed.String():
	case client.Buffered.String():
		opts.Mode = client.Buffered
	case client.Journaled.String():
		opts.Mode = client.Journaled
		dir := getenv("OFFLOAD_JOURNAL")
		if dir == "" {
			return errors.New("OFFLOAD_JOURNAL is not set: set it to a directory that outlives this process")
		}
		if opts.Journal, err = journal.Open(dir, nil); err != nil {
			return err
		}
	default:
		return fmt.Errorf("OFFLOAD_MODE %q: set it to %v, %v or %v", mode, client.Confirmed, client.Buffered, client.Journaled)
	}
	return nil
}

// promise says what a kill of this process loses of the tasks that were answered with 202.
func (t *tasks) promise() string {
	s := t.client.Stats()
	if s.Bound == (client.Amount{}) {
		return fmt.Sprintf("mode %v: a kill of this process loses no task", s.Mode)
	}
	return fmt.Sprintf("mode %v: a kill of this process loses at most %d tasks, of %d MiB", s.Mode, s.Bound.Tasks, s.Bound.Bytes>>20)
}

// close delivers what waits, in the time that ctx gives.
func (t *tasks) close(ctx context.Context) (err error) {
	if t.client != nil {
		err = t.client.Close(ctx)
	}
	if t.journal != nil {
		err = errors.Join(err, t.journal.Close())
	}
	return errors.Join(err, t.payloads.close())
}
