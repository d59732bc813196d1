package memtransport_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/memtransport"
	"github.com/offloadhq/offload/worker"
)

// Client and worker in one process, with nothing between them but the queue.
func Example() {
	type Signup struct{ Email string }
	welcome := task.Define[Signup]("email.welcome", task.Backoff(task.Constant(time.Millisecond)))

	queue := memtransport.New(nil)
	c, err := client.New(queue, nil)
	if err != nil {
		panic(err)
	}

	mux := worker.NewMux()
	worker.Handle(mux, welcome, func(ctx context.Context, s Signup) error {
		info, _ := task.InfoFromContext(ctx)
		switch {
		case s.Email == "":
			return task.Permanent(errors.New("no address"))
		case info.Attempt == 1:
			return errors.New("mail server is busy") // tried again
		}
		fmt.Println("welcome,", s.Email)
		return nil
	})
	w, err := worker.New(mux, &worker.Options{Settler: queue, Queue: queue})
	if err != nil {
		panic(err)
	}

	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	consumed := make(chan error, 1)
	go func() {
		consumed <- queue.Consume(ctx, func(ctx context.Context, ds []transport.Delivery) []bool {
			return worker.Acked(w.Process(ctx, ds))
		})
	}()

	for _, email := range []string{"ada@example.com", ""} {
		if _, err := c.Fire(ctx, welcome.With(Signup{Email: email})); err != nil {
			panic(err)
		}
	}
	for queue.Len() > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if err := c.Close(ctx); err != nil {
		panic(err)
	}
	stop()
	<-consumed
	for _, d := range queue.DeadLetters() {
		fmt.Println("dead:", d.Reason.Code)
	}
	// Output:
	// welcome, ada@example.com
	// dead: permanent
}
