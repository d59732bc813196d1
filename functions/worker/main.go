// Command worker is the Lambda function of template.yaml: it runs the tasks of package jobs, from the queue and from
// asynchronous invocations.
//
// It reads OFFLOAD_QUEUE_URL, OFFLOAD_DEAD_LETTER_QUEUE_URL, WEBHOOK_SECRET and OUT, the directory of the results.
// OFFLOAD_DEV=1, which offload dev sets, allows webhooks to loopback addresses. OFFLOAD_MAX_BACKOFF, a duration, shortens
// the waits between attempts: the demo sets it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/analytics"
	"github.com/offloadhq/offload/jobs/dirstore"
	"github.com/offloadhq/offload/jobs/export"
	"github.com/offloadhq/offload/jobs/thumbnail"
	"github.com/offloadhq/offload/jobs/webhook"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/worker"
)

func main() {
	w, err := newWorker(os.Getenv, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	lambda.Start(w)
}

func newWorker(getenv func(string) string, logs io.Writer) (*worker.Worker, error) {
	queueURL, deadLetterURL := getenv("OFFLOAD_QUEUE_URL"), getenv("OFFLOAD_DEAD_LETTER_QUEUE_URL")
	if queueURL == "" || deadLetterURL == "" {
		return nil, errors.New("OFFLOAD_QUEUE_URL or OFFLOAD_DEAD_LETTER_QUEUE_URL is not set: the function needs both, as in template.yaml")
	}
	log := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{ReplaceAttr: readable}))
	mux, err := newMux(getenv, log)
	if err != nil {
		return nil, err
	}
	cfg, err := sqstransport.LambdaConfig(getenv) // config.LoadDefaultConfig would make the binary half as large again
	if err != nil {
		return nil, err
	}
	queues := sqstransport.NewClient(cfg)
	queue, err := sqstransport.New(queues, queueURL, nil)
	if err != nil {
		return nil, err
	}
	settler, err := sqstransport.NewSettler(queues, sqstransport.Queue{URL: queueURL, DeadLetterURL: deadLetterURL})
	if err != nil {
		return nil, err
	}
	return worker.New(mux, &worker.Options{Settler: settler, Queue: queue, OnOutcome: logOutcome(log), Logger: log})
}

// newMux binds each definition to its handler.
func newMux(getenv func(string) string, log *slog.Logger) (*worker.Mux, error) {
	out := getenv("OUT")
	if out == "" {
		out = filepath.Join(os.TempDir(), "offload")
		log.Warn("OUT is not set: results go to a directory that ends with this execution environment", "out", out)
	}
	store, err := dirstore.Open(out, nil)
	if err != nil {
		return nil, err
	}
	limit, err := maxBackoff(getenv("OFFLOAD_MAX_BACKOFF"))
	if err != nil {
		return nil, err
	}
	pictures, err := thumbnail.New(store, nil)
	if err != nil {
		return nil, err
	}
	deliver, err := webhookHandler(getenv)
	if err != nil {
		return nil, err
	}
	mux := worker.NewMux(limit)
	worker.Handle(mux, jobs.Analytics, analytics.New(store).Handle)
	worker.Handle(mux, jobs.Webhook, deliver)
	worker.Handle(mux, jobs.Thumbnail, pictures.Handle)
	worker.Handle(mux, jobs.Export, export.New(store, &export.Options{Logger: log}).Handle)
	return mux, nil
}

// devSecret signs webhooks under offload dev, where receivers are on this machine.
const devSecret = "offload-dev-webhook-secret-not-for-production"

// webhookHandler delivers webhooks. Without a secret each of them fails, and is tried again, until somebody sets it: the
// other tasks do not suffer.
func webhookHandler(getenv func(string) string) (func(context.Context, jobs.Delivery) error, error) {
	secret, dev := getenv("WEBHOOK_SECRET"), getenv("OFFLOAD_DEV") == "1"
	if secret == "" && dev {
		secret = devSecret
	}
	if secret == "" {
		return func(context.Context, jobs.Delivery) error {
			return errors.New("WEBHOOK_SECRET is not set: set the parameter WebhookSecret of the stack")
		}, nil
	}
	h, err := webhook.New(secret, &webhook.Options{AllowLoopback: dev})
	if err != nil {
		return nil, fmt.Errorf("WEBHOOK_SECRET: %w", err)
	}
	return h.Handle, nil
}
