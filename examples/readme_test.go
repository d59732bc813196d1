package examples_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/memtransport"
	"github.com/offloadhq/offload/worker"
)

// README.md shows what stands between the two marks, to the letter.

// begin

// Both sides share the definition: a name, a type, defaults.
var Welcome = task.Define[Email]("email.welcome", task.MaxAttempts(5))

type Email struct{ To string }

// The web host fires, and answers at once.
func signup(c *client.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		receipt, err := c.Fire(r.Context(), Welcome.With(Email{To: r.FormValue("to")}))
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintln(w, receipt.ID)
	}
}

// The function runs it. Its main is lambda.Start(w).
func newWorker() (*worker.Worker, error) {
	mux := worker.NewMux()
	worker.Handle(mux, Welcome, func(ctx context.Context, e Email) error {
		return greet(ctx, e.To) // nil: done; an error: tried again
	})
	return worker.New(mux, nil) // Options.Settler adds backoff, MaxAttempts and task.Permanent: see functions/worker
}

// end

var greeted = make(chan string, 1)

func greet(_ context.Context, name string) error {
	greeted <- name
	return nil
}

// Both sides in one process, with the queue in memory: the way to try an idea, or to test both together.
func Example() {
	queue := memtransport.New(nil)
	c, _ := client.New(queue, nil)
	w, _ := newWorker()
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() {
		stopped <- queue.Consume(ctx, func(ctx context.Context, ds []transport.Delivery) []bool {
			return worker.Acked(w.Process(ctx, ds))
		})
	}()

	form := strings.NewReader("to=ann@example.com")
	request := httptest.NewRequest(http.MethodPost, "/signup", form)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response := httptest.NewRecorder()
	signup(c)(response, request)
	fmt.Println(response.Code)
	fmt.Println("welcome,", <-greeted)

	_ = c.Close(ctx)
	stop()
	<-stopped
	// Output:
	// 202
	// welcome, ann@example.com
}

func TestReadmeShowsThisCode(t *testing.T) {
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "\n// begin\n\n")
	code, _, found := strings.Cut(rest, "\n// end\n")
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !found || !strings.Contains(string(readme), "```go\n"+code+"```\n") {
		t.Fatalf("README.md does not show the code of examples/readme_test.go:\n%s", code)
	}
}
