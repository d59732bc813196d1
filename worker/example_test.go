package worker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

type welcomeArgs struct {
	UserID int `json:"user_id"`
}

var welcome = task.Define[welcomeArgs]("email.welcome", task.MaxAttempts(5))

// message is what a queue delivers for a task.
func message(id string, tk task.Task) transport.Delivery {
	e, err := tk.Encode(id, "/api", time.Now())
	if err != nil {
		panic(err)
	}
	return transport.Delivery{Source: "queue", MessageID: "message of " + id, Body: e.Body(), Receives: 1}
}

func ExampleHandle() {
	mux := worker.NewMux()
	worker.Handle(mux, welcome, func(ctx context.Context, a welcomeArgs) error {
		info, _ := task.InfoFromContext(ctx)
		fmt.Printf("task %s, attempt %d of %d: welcome, user %d\n", info.ID, info.Attempt, info.MaxAttempts, a.UserID)
		return nil
	})
	w, err := worker.New(mux, nil)
	if err != nil {
		panic(err)
	}
	for _, o := range w.Process(context.Background(), []transport.Delivery{message("t1", welcome.With(welcomeArgs{UserID: 7}))}) {
		fmt.Println(o.ID, o.State)
	}
	// Output:
	// task t1, attempt 1 of 5: welcome, user 7
	// t1 done
}

// The answer to a batch from Amazon SQS lists what failed, and nothing else.
func ExampleWorker_Invoke() {
	mux := worker.NewMux()
	worker.Handle(mux, welcome, func(_ context.Context, a welcomeArgs) error {
		if a.UserID == 0 {
			return errors.New("no such user")
		}
		return nil
	})
	w, err := worker.New(mux, nil)
	if err != nil {
		panic(err)
	}
	answer, err := w.Invoke(context.Background(), []byte(`{"Records": [
		{"messageId": "one", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:tasks",
		 "body": "{\"specversion\":\"1.0\",\"id\":\"t1\",\"source\":\"/api\",\"type\":\"email.welcome\",\"data\":{\"user_id\":7}}"},
		{"messageId": "two", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:tasks",
		 "body": "{\"specversion\":\"1.0\",\"id\":\"t2\",\"source\":\"/api\",\"type\":\"email.welcome\",\"data\":{\"user_id\":0}}"}]}`))
	fmt.Println(string(answer), err)
	// Output: {"batchItemFailures":[{"itemIdentifier":"two"}]} <nil>
}

// The first middleware is the outermost, and those of the Mux stand around those of the handler.
func ExampleMiddleware() {
	trace := func(name string) worker.Middleware {
		return func(next worker.Handler) worker.Handler {
			return worker.HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
				fmt.Println(name, "in")
				err := next.Handle(ctx, d)
				fmt.Println(name, "out")
				return err
			})
		}
	}
	mux := worker.NewMux(trace("a"), trace("b"))
	worker.Handle(mux, welcome, func(context.Context, welcomeArgs) error {
		fmt.Println("handler")
		return nil
	}, trace("c"))
	w, err := worker.New(mux, nil)
	if err != nil {
		panic(err)
	}
	w.Process(context.Background(), []transport.Delivery{message("t1", welcome.With(welcomeArgs{}))})
	// Output:
	// a in
	// b in
	// c in
	// handler
	// c out
	// b out
	// a out
}

// A goroutine of a handler belongs to it: its panic fails the record and leaves the process alive.
func ExampleGo() {
	mux := worker.NewMux()
	worker.Handle(mux, welcome, func(ctx context.Context, _ welcomeArgs) error {
		worker.Go(ctx, func(context.Context) error { panic("template not found") })
		return nil
	})
	w, err := worker.New(mux, nil)
	if err != nil {
		panic(err)
	}
	o := w.Process(context.Background(), []transport.Delivery{message("t1", welcome.With(welcomeArgs{}))})[0]
	fmt.Println(o.Err)
	// Output: panic: template not found
}
