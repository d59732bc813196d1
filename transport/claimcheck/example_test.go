package claimcheck_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/dirstore"
	"github.com/offloadhq/offload/transport/memtransport"
	"github.com/offloadhq/offload/worker"
)

type reportArgs struct {
	Title string
	Text  string
}

var report = task.Define[reportArgs]("report.print")

// A report of three megabytes goes through a queue that takes one: the host puts its payload into a directory, and the
// worker reads it from there. Neither the definition nor the handler knows of it.
func Example() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	payloads, err := dirstore.Open(dir, nil) // on AWS: s3store.New
	if err != nil {
		fmt.Println(err)
		return
	}
	defer payloads.Close()
	queue := memtransport.New(nil) // on AWS: sqstransport.New

	// The host.
	sender, err := claimcheck.NewSender(queue, payloads, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	tasks, err := client.New(sender, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var text strings.Builder
	for i := 0; text.Len() < 3<<20; i++ {
		fmt.Fprintf(&text, "line %d of the report\n", i)
	}
	if _, err := tasks.Fire(context.Background(), report.With(reportArgs{"July", text.String()})); err != nil {
		fmt.Println(err)
	}
	_ = tasks.Close(context.Background())

	// The worker.
	resolver, err := claimcheck.NewResolver(payloads, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := worker.NewMux()
	worker.Handle(mux, report, func(_ context.Context, a reportArgs) error {
		fmt.Println(a.Title, len(a.Text) >= 3<<20)
		return nil
	})
	w, err := worker.New(mux, &worker.Options{Payloads: resolver, Settler: queue, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	ds, _ := queue.Receive(context.Background(), 10)
	fmt.Println(len(ds), "message of less than 1 MiB:", len(ds[0].Body) < 1<<20)
	outcomes := w.Process(context.Background(), ds)
	_ = queue.Ack(ds...)
	fmt.Println(outcomes[0].State)
	// Output:
	// 1 message of less than 1 MiB: true
	// July true
	// done
}

// A lower threshold keeps large payloads out of the queue, which bills every 64 KiB of a message as a request of its own.
func ExampleNewSender() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	payloads, err := dirstore.Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer payloads.Close()
	var queue transport.Sender = memtransport.New(nil)
	sender, err := claimcheck.NewSender(queue, payloads, &claimcheck.Options{Threshold: 500 << 10, MaxBytes: 64 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(queue.Limits().MessageBytes>>10, "KiB became", sender.Limits().MessageBytes>>20, "MiB")
	// Output: 1016 KiB became 64 MiB
}
