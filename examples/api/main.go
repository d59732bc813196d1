// Command api is a web host that moves its long jobs off itself: every handler fires a task and answers 202 with its id.
//
//	POST /events                 {"name": "signup", "properties": {"plan": "free"}}   straight to the function
//	POST /webhooks               {"url": "https://…", "payload": {"order": 1}}        the queue
//	POST /thumbnails?width=200   an image: JPEG, PNG, GIF or WebP                     the queue
//	POST /exports                {"rows": 1000000}                                    the queue of long tasks
//	GET  /healthz
//
// A request with an Idempotency-Key makes a task of that id, so that one that is sent again is the same task.
//
// It reads ADDR (default 127.0.0.1:8080), OFFLOAD_QUEUE_URL, OFFLOAD_BULK_QUEUE_URL and OFFLOAD_WORKER_FUNCTION, the
// outputs of template.yaml: offload dev sets them, and on AWS they are exported from the stack. OFFLOAD_MODE is what its
// 202 means: confirmed (default), buffered, or journaled with the directory OFFLOAD_JOURNAL; at its start it prints what that
// may lose. OFFLOAD_PAYLOADS_BUCKET, an output too, is where tasks of more than 1 MiB leave their payload; offload dev sets
// OFFLOAD_PAYLOADS_DIR, a directory, which goes first. The AWS SDK reads the rest (region, credentials, endpoint) from its own variables.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// waits bounds what takes long. At its end the host waits for requests, and as long again for tasks on their way: both fit
// into the ten seconds that offload dev gives. Of the client's waits zero is the default. Tests on busy machines have longer.
var waits = struct{ shutdown, confirm, attempt time.Duration }{shutdown: 4 * time.Second}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string, stdout, logs io.Writer) error {
	log := slog.New(slog.NewTextHandler(logs, nil))
	tasks, err := openTasks(ctx, getenv, log)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, tasks.promise())
	addr := getenv("ADDR")
	if addr == "" {
		addr = "127.0.0.1:8080"
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Join(fmt.Errorf("ADDR %q: set it to an address that is free: %w", addr, err), closeWithin(ctx, tasks.close))
	}
	server := &http.Server{
		Handler:           newHandler(tasks.client, log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	url := "http://" + listener.Addr().String()
	log.Info("api listens", "url", url)
	if getenv("OFFLOAD_DEV") == "1" {
		fmt.Fprintf(stdout, welcome, url)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return errors.Join(err, closeWithin(ctx, tasks.close))
	case <-ctx.Done():
	}
	// First the requests end, then the tasks that they fired: after Close nothing is on its way any more.
	err = closeWithin(ctx, server.Shutdown)
	<-served
	return errors.Join(err, closeWithin(ctx, tasks.close))
}

// closeWithin gives an orderly end its time, also when ctx has ended: that is why there is an end.
func closeWithin(ctx context.Context, end func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), waits.shutdown)
	defer cancel()
	return end(ctx)
}

// welcome is for whoever sits before the screen of offload dev.
const welcome = `
  API           %[1]s   try:

  curl -d '{"name":"signup","properties":{"plan":"free"}}' %[1]s/events
  curl -d '{"rows":1000000}' %[1]s/exports
  curl -d '{"url":"http://127.0.0.1:9/nobody-listens","payload":{"order":1}}' %[1]s/webhooks

  Each line below is what became of a task. Ctrl-C stops everything.

`
