package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

type WelcomeArgs struct {
	UserID int `json:"userId"`
}

// Welcome is a definition, as both the web host and the worker import it.
var Welcome = task.Define[WelcomeArgs]("email.welcome", task.MaxAttempts(5))

// printer is a transport that prints what it is given. Programs use one of the packages below transport.
type printer struct{}

func (printer) Limits() transport.Limits { return transport.Limits{Items: 10, MessageBytes: 1 << 10} }

func (printer) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	for i, e := range batch {
		fmt.Printf("sent %s %s\n", e.Name(), e.Data())
		results[i] = transport.Result{Outcome: transport.Accepted}
	}
	return results, nil
}

// down is a transport whose queue is gone.
type down struct{ printer }

func (down) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	for i := range batch {
		results[i] = transport.Result{Outcome: transport.Rejected, Err: &transport.Error{
			Kind: transport.Misconfigured, Target: `queue "tasks"`, Code: "QueueDoesNotExist", Err: errors.New("no such queue"), Hint: "check the queue URL",
		}}
	}
	return results, results[0].Err
}

// Fire returns once the transport has the task.
func Example() {
	c, err := client.New(printer{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := c.Fire(context.Background(), Welcome.With(WelcomeArgs{UserID: 7}))
	fmt.Println(receipt.Name, len(receipt.ID), err)
	fmt.Println(c.Close(context.Background()))
	// Output:
	// sent email.welcome {"userId":7}
	// email.welcome 26 <nil>
	// <nil>
}

// In the mode Buffered Fire returns at once. The client tells how much a crash may cost: at most the bound, and now what
// waits or is in flight. A full buffer is an error and never a wait.
func Example_buffered() {
	gate := make(gated)
	c, err := client.New(gate, &client.Options{
		Mode: client.Buffered, MaxPending: 3,
		OnDrop: func(r client.Receipt) { fmt.Println("dropped", r.Name) },
	})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 4 { // the transport does not answer
		_, err := c.Fire(context.Background(), Welcome.With(WelcomeArgs{UserID: i}))
		fmt.Println(err == nil, errors.Is(err, client.ErrBufferFull))
	}
	s := c.Stats()
	fmt.Printf("a crash loses at most %d tasks in %d bytes, and now %d\n", s.Bound.Tasks, s.Bound.Bytes, s.AtRisk().Tasks)

	close(gate) // now it does
	fmt.Println(c.Close(context.Background()))
	s = c.Stats()
	fmt.Printf("fired %d: accepted %d, dropped %d; at risk %d\n", s.Fired, s.Accepted, s.Dropped, s.AtRisk().Tasks)
	// Output:
	// true false
	// true false
	// true false
	// dropped email.welcome
	// false true
	// a crash loses at most 3 tasks in 67108864 bytes, and now 3
	// <nil>
	// fired 4: accepted 3, dropped 1; at risk 0
}

// In the mode Journaled Fire returns when the task is on this host's disk. What a process leaves behind, the next one sends.
func Example_journaled() {
	dir, err := os.MkdirTemp("", "journal-") // a host has a directory that outlives it
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	quiet := slog.New(slog.DiscardHandler)
	run := func(sender transport.Sender, shutdown time.Duration, serve func(*client.Client)) {
		j, err := journal.Open(dir, &journal.Options{Logger: quiet})
		if err != nil {
			log.Fatal(err)
		}
		c, err := client.New(sender, &client.Options{Mode: client.Journaled, Journal: j, Logger: quiet})
		if err != nil {
			log.Fatal(err)
		}
		serve(c)
		ctx, cancel := context.WithTimeout(context.Background(), shutdown)
		defer cancel()
		if err := errors.Join(c.Close(ctx), j.Close()); err != nil { // the journal after the client
			log.Fatal(err)
		}
	}

	run(down{}, 0, func(c *client.Client) { // the queue is away
		_, err := c.Fire(context.Background(), Welcome.With(WelcomeArgs{UserID: 7}))
		fmt.Println(err)
	})
	run(printer{}, time.Minute, func(*client.Client) {})
	// Output:
	// <nil>
	// sent email.welcome {"userId":7}
}

// gated is a transport that answers when it is closed.
type gated chan struct{}

func (gated) Limits() transport.Limits { return transport.Limits{Items: 10} }

func (g gated) Send(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
	<-g
	return slices.Repeat([]transport.Result{{Outcome: transport.Accepted}}, len(batch)), nil
}

// Health says how the way to the queue is, why, and what to do: for a readiness page, or an alarm.
func ExampleClient_Health() {
	c, err := client.New(down{}, &client.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(context.Background())
	fmt.Println(c.Health().State)
	_, err = c.Fire(context.Background(), Welcome.With(WelcomeArgs{UserID: 7}))
	fmt.Println(errors.Is(err, client.ErrNotSent))
	h := c.Health()
	fmt.Println(h.State)
	fmt.Println(h.Err)
	fmt.Println(h.Todo)
	// Output:
	// healthy
	// true
	// blocked
	// queue "tasks": QueueDoesNotExist: no such queue (check the queue URL)
	// check the queue URL
}

// A batch may mix kinds. Each task has its own receipt, and one that fails leaves the others alone.
func ExampleClient_FireBatch() {
	c, err := client.New(printer{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(context.Background())
	note := task.Define[string]("note.write")
	receipts, err := c.FireBatch(context.Background(), []task.Task{
		Welcome.With(WelcomeArgs{UserID: 7}),
		note.With(strings.Repeat("too long ", 1000)),
		note.With("short"),
	})
	for _, r := range receipts {
		fmt.Println(r.Name, errors.Is(r.Err, task.ErrTooLarge))
	}
	var batch *client.BatchError
	if errors.As(err, &batch) {
		fmt.Println(len(batch.Failed), "of", batch.Tasks, "failed")
	}
	// Output:
	// sent email.welcome {"userId":7}
	// sent note.write "short"
	// email.welcome false
	// note.write true
	// note.write false
	// 1 of 3 failed
}

// The package-level Fire needs no client at hand: SetDefault at start, Fire from anywhere.
func ExampleFire() {
	c, err := client.New(printer{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(context.Background())
	client.SetDefault(c)

	signUp := func(ctx context.Context, userID int) error {
		_, err := client.Fire(ctx, Welcome.With(WelcomeArgs{UserID: userID}))
		return err
	}
	fmt.Println(signUp(context.Background(), 7))
	// Output:
	// sent email.welcome {"userId":7}
	// <nil>
}

// A web handler answers 202 with the id, 400 to what no retry mends, and 503 to the rest. An unconfirmed task keeps its
// id: whoever comes back with it fires the same task, not a second one.
func ExampleError() {
	answer := func(w http.ResponseWriter, receipt client.Receipt, err error) {
		switch {
		case err == nil:
			w.WriteHeader(http.StatusAccepted)
		case errors.Is(err, task.ErrInvalid):
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		case errors.Is(err, client.ErrUnconfirmed):
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusServiceUnavailable) // fire again with task.ID(receipt.ID)
		default: // client.ErrNotSent: fire again with any id
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"id": receipt.ID})
	}
	try := func(s transport.Sender, t task.Task) {
		c, err := client.New(s, &client.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			log.Fatal(err)
		}
		defer c.Close(context.Background())
		receipt, err := c.Fire(context.Background(), t)
		w := httptest.NewRecorder()
		answer(w, receipt, err)
		fmt.Println(w.Code, errors.Is(err, client.ErrNotSent))
	}
	try(printer{}, Welcome.With(WelcomeArgs{UserID: 7}))
	try(printer{}, task.Define[any]("bad.args").With(func() {}))
	try(down{}, Welcome.With(WelcomeArgs{UserID: 7}))
	// Output:
	// sent email.welcome {"userId":7}
	// 202 false
	// 400 true
	// 503 true
}

// At the end of a program the server goes first, so that no handler fires any more, and then the client. What it could
// not deliver in time, Close returns, with what it takes to save it.
func ExampleClient_Close() {
	sigterm := make(chan os.Signal, 2) // signal.Notify(sigterm, syscall.SIGTERM) in a program; here it comes with the end of a task
	c, err := client.New(stuck{}, &client.Options{
		Mode: client.Buffered, Logger: slog.New(slog.DiscardHandler),
		Hooks: client.Hooks{Ended: func(client.Receipt, time.Duration) { sigterm <- syscall.SIGTERM }},
	})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	userID := 0
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		userID++
		if _, err := c.Fire(r.Context(), Welcome.With(WelcomeArgs{UserID: userID})); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})}
	go func() { _ = server.Serve(listener) }()
	for range 2 {
		response, err := http.Post("http://"+listener.Addr().String(), "", nil)
		if err != nil {
			log.Fatal(err)
		}
		_ = response.Body.Close()
		fmt.Println(response.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()

	<-sigterm
	within := func(d time.Duration, end func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		return end(ctx)
	}
	if err := within(time.Minute, server.Shutdown); err != nil {
		fmt.Println(err)
	}
	err = within(100*time.Millisecond, c.Close) // a service gives it seconds
	if closed, ok := errors.AsType[*client.CloseError](err); ok {
		for _, r := range closed.Undelivered {
			saved := string(r.Envelope.Body()) // to a file, say; at the next start task.Parse and Sender.Send take it
			fmt.Println("not delivered:", r.Name, errors.Is(r.Err, client.ErrUnconfirmed), strings.HasSuffix(saved, `"data":{"userId":2}}`))
		}
	}
	_, err = c.Fire(context.Background(), Welcome.With(WelcomeArgs{UserID: 8}))
	fmt.Println(errors.Is(err, client.ErrClosed))
	// Unordered output:
	// sent {"userId":1}
	// 202
	// 202
	// not delivered: email.welcome true true
	// true
}

// stuck is a transport that takes user 1 and has no answer for others.
type stuck struct{ printer }

func (stuck) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	results := make([]transport.Result, len(batch))
	for i, e := range batch {
		if string(e.Data()) != `{"userId":1}` {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		fmt.Printf("sent %s\n", e.Data())
		results[i] = transport.Result{Outcome: transport.Accepted}
	}
	return results, nil
}
