package workertest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/worker"
	"github.com/offloadhq/offload/worker/workertest"
)

type welcomeArgs struct {
	UserID int `json:"user_id"`
}

var welcome = task.Define[welcomeArgs]("email.welcome")

// Users' tests have a *testing.T; an example has none.
var t = exampleT{}

type exampleT struct{ testing.TB }

func (exampleT) Helper()                  {}
func (exampleT) Context() context.Context { return context.Background() }

func ExampleRun() {
	mux := worker.NewMux()
	worker.Handle(mux, welcome, func(_ context.Context, a welcomeArgs) error {
		if a.UserID == 0 {
			return task.Permanent(errors.New("there is no user 0"))
		}
		return task.RetryAfter(errors.New("the mail server is busy"), time.Minute)
	})

	busy := workertest.Run(t, mux, welcome.With(welcomeArgs{UserID: 7}), nil)
	fmt.Println(busy.State, busy.Delay)

	nobody := workertest.Run(t, mux, welcome.With(welcomeArgs{}), nil)
	fmt.Println(nobody.State, nobody.DeadLetter.Code, nobody.DeadLetter.Message)

	// Output:
	// retry 1m0s
	// dead-lettered permanent there is no user 0
}
