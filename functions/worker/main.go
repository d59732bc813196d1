// Command worker is the program of both functions of template.yaml: it runs the tasks of package jobs, from the function's
// queue and from asynchronous invocations.
//
// The template gives each function its settings: OFFLOAD_QUEUE_URL and OFFLOAD_DEAD_LETTER_QUEUE_URL, the queues of its
// class; OFFLOAD_RESULTS_BUCKET; OFFLOAD_PAYLOADS_BUCKET; WEBHOOK_SECRET, without which webhooks fail. OUT and
// OFFLOAD_PAYLOADS_DIR, directories, take the place of the buckets, and OFFLOAD_DEV=1 allows webhooks to loopback addresses:
// offload dev sets all three. OFFLOAD_MAX_BACKOFF, a duration,
// shortens the waits between attempts: the demo sets it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/analytics"
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
	if err := checkSettings(getenv); err != nil {
		return nil, err
	}
	cfg, err := sqstransport.LambdaConfig(getenv) // config.LoadDefaultConfig would make the binary half as large again
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{ReplaceAttr: readable}))
	store, err := newStore(cfg, getenv)
	if err != nil {
		return nil, err
	}
	payloads, err := newPayloads(cfg, getenv)
	if err != nil {
		return nil, err
	}
	mux, err := newMux(store, getenv, log)
	if err != nil {
		return nil, err
	}
	queues, queueURL := sqstransport.NewClient(cfg), getenv("OFFLOAD_QUEUE_URL")
	queue, err := sqstransport.New(queues, queueURL, &sqstransport.Options{AllowPlaintext: inLocalStack(getenv)})
	if err != nil {
		return nil, err
	}
	settler, err := sqstransport.NewSettler(queues, sqstransport.Queue{
		URL: queueURL, DeadLetterURL: getenv("OFFLOAD_DEAD_LETTER_QUEUE_URL"), AllowPlaintext: inLocalStack(getenv),
	})
	if err != nil {
		return nil, err
	}
	return worker.New(mux, &worker.Options{Settler: settler, Queue: queue, Payloads: payloads, OnOutcome: logOutcome(log), Logger: log})
}

// newMux binds each definition to its handler.
func newMux(store jobs.Store, getenv func(string) string, log *slog.Logger) (*worker.Mux, error) {
	limit, err := maxBackoff(getenv("OFFLOAD_MAX_BACKOFF"))
	if err != nil {
		return nil, err
	}
	pictures, err := thumbnail.New(store, nil)
	if err != nil {
		return nil, err
	}
	deliver, err := webhookHandler(getenv, log)
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
func webhookHandler(getenv func(string) string, log *slog.Logger) (func(context.Context, jobs.Delivery) error, error) {
	secret, dev := getenv("WEBHOOK_SECRET"), getenv("OFFLOAD_DEV") == "1"
	if secret == "" && dev {
		secret = devSecret
	}
	if secret == "" {
		missing := errors.New("WEBHOOK_SECRET is not set: set the parameter WebhookSecret of the stack")
		log.Warn("webhooks fail until there is a secret", "error", missing.Error())
		return func(context.Context, jobs.Delivery) error { return missing }, nil
	}
	h, err := webhook.New(secret, &webhook.Options{AllowLoopback: dev})
	if err != nil {
		return nil, fmt.Errorf("WEBHOOK_SECRET: %w", err)
	}
	return h.Handle, nil
}
