// Command worker is a Lambda function as small as it gets with the whole retry policy: one task, a settler, and the queue
// that direct invocations go on through. `make size` says how many bytes that is.
//
// It reads OFFLOAD_QUEUE_URL and OFFLOAD_DEAD_LETTER_QUEUE_URL, and what Lambda sets.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/worker"
)

// hello is the task. A program that fires it shares the definition: put it into a package of its own.
var hello = task.Define[string]("example.hello")

func main() {
	w, err := newWorker(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	lambda.Start(w)
}

func newWorker(getenv func(string) string) (*worker.Worker, error) {
	cfg, err := sqstransport.LambdaConfig(getenv)
	if err != nil {
		return nil, err
	}
	queues := sqstransport.NewClient(cfg)
	queueURL := getenv("OFFLOAD_QUEUE_URL")
	queue, err := sqstransport.New(queues, queueURL, nil)
	if err != nil {
		return nil, err
	}
	settler, err := sqstransport.NewSettler(queues, sqstransport.Queue{URL: queueURL, DeadLetterURL: getenv("OFFLOAD_DEAD_LETTER_QUEUE_URL")})
	if err != nil {
		return nil, err
	}
	mux := worker.NewMux()
	worker.Handle(mux, hello, func(_ context.Context, name string) error {
		fmt.Println("hello,", name)
		return nil
	})
	return worker.New(mux, &worker.Options{Settler: settler, Queue: queue})
}
