package task_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/offloadhq/offload/task"
)

// WelcomeArgs are plain data: no tags, no interface, no base type.
type WelcomeArgs struct {
	UserID int
}

func ExampleDefine() {
	// A package-level variable that the web host and the worker share.
	welcome := task.Define[WelcomeArgs]("email.welcome", task.MaxAttempts(5), task.Timeout(30*time.Second))

	p := welcome.Policy()
	fmt.Println(welcome.Name(), p.MaxAttempts, p.Timeout, p.Backoff(1), p.Backoff(4))
	// Output: email.welcome 5 30s 1s 8s
}

func ExampleDefinition_With() {
	welcome := task.Define[WelcomeArgs]("email.welcome")

	t := welcome.With(WelcomeArgs{UserID: 7}) // an ordinary value: pass it on, or put it in a slice with others
	fmt.Println(t.Name())
	// Output: email.welcome
}

func ExampleTask_Encode() {
	welcome := task.Define[WelcomeArgs]("email.welcome")
	now := time.Date(2026, 3, 1, 12, 30, 45, 0, time.UTC)

	// Clients call Encode; a program calls client.Fire.
	e, err := welcome.With(WelcomeArgs{UserID: 7}).Encode("01KJ7Z3Q5Z", "/shop/api", now, task.Header("tenant", "blue"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", e.Body())

	args, err := welcome.Decode(e)
	fmt.Println(args.UserID, err)
	// Output:
	// {"specversion":"1.0","id":"01KJ7Z3Q5Z","source":"/shop/api","type":"email.welcome","time":"2026-03-01T12:30:45.000000Z","datacontenttype":"application/json","tenant":"blue","data":{"UserID":7}}
	// 7 <nil>
}

// Click is fired for each click, so it encodes itself.
type Click struct {
	Page string `json:"page"`
	X    int    `json:"x"`
}

// AppendJSON writes what encoding/json would. Strings need escapes: here encoding/json makes them.
func (c *Click) AppendJSON(b []byte) ([]byte, error) {
	page, err := json.Marshal(c.Page)
	if err != nil {
		return nil, err
	}
	b = append(append(b, `{"page":`...), page...)
	b = strconv.AppendInt(append(b, `,"x":`...), int64(c.X), 10)
	return append(b, '}'), nil
}

func ExampleJSONAppender() {
	clicked := task.Define[*Click]("page.clicked")

	e, err := clicked.With(&Click{Page: "/cart", X: 17}).Encode("01KJ7Z3Q5Z", "/shop/web", time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", e.Data())

	args, err := clicked.Decode(e)
	fmt.Println(*args, err)
	// Output:
	// {"page":"/cart","x":17}
	// {/cart 17} <nil>
}

func ExamplePermanent() {
	handle := func() error {
		return task.Permanent(errors.New("no such user"))
	}
	err := handle()
	fmt.Println(err, task.IsPermanent(err))
	// Output: no such user true
}

func ExampleRetryAfter() {
	handle := func() error {
		return task.RetryAfter(errors.New("429 Too Many Requests"), 30*time.Second)
	}
	err := handle()
	wait, ok := task.RetryDelay(err)
	fmt.Println(err, wait, ok)
	// Output: 429 Too Many Requests 30s true
}

func ExampleInfoFromContext() {
	handle := func(ctx context.Context, _ WelcomeArgs) error {
		if info, ok := task.InfoFromContext(ctx); ok {
			fmt.Printf("%s, attempt %d of %d\n", info.ID, info.Attempt, info.MaxAttempts)
		}
		return nil
	}
	// A worker calls the handler like this; a test of a handler may, too.
	ctx := task.WithInfo(context.Background(), task.Info{ID: "01KJ7Z3Q5Z", Name: "email.welcome", Attempt: 2, MaxAttempts: 10})
	_ = handle(ctx, WelcomeArgs{UserID: 7})
	// Output: 01KJ7Z3Q5Z, attempt 2 of 10
}

func ExampleExponential() {
	wait := task.Exponential(time.Second, time.Minute)
	fmt.Println(wait(1), wait(2), wait(3), wait(100))
	// Output: 1s 2s 4s 1m0s
}
