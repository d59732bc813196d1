// Command bench measures Offload beside what people would use instead, and writes the page of it.
//
//	bench [-quick] [-require-peers] [-page FILE]   measure, write the page and its plots; exit 1 if a ratio, a count or allocations miss their target
//	bench -results FILE [-page FILE]               write the page again, from the results of an earlier run
//
// It runs itself in further ways: "child" for each case, "fire" for processes that are killed, "serve" for the fake SQS.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/offloadhq/offload/bench/internal/crash"
	"github.com/offloadhq/offload/bench/internal/fakesqs"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "fire" { // it handles SIGTERM itself
		os.Exit(fire(os.Args[2]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == "child" {
		return child(ctx, args[1])
	}
	if len(args) == 2 && args[0] == "serve" {
		return serve(ctx, args[1])
	}
	return compare(ctx, args)
}

func fire(text string) int {
	var p crash.Plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		fmt.Fprintln(os.Stderr, "bench: plan:", err)
		return 1
	}
	return crash.Main(context.Background(), p)
}

func child(ctx context.Context, text string) error {
	var o plan.Order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	sample, err := o.Run(ctx)
	if err != nil {
		sample.Failures++
		sample.Problem = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(sample)
}

// serve runs the fake SQS until its standard input ends, which it does with the process that started it.
func serve(ctx context.Context, roundTrip string) error {
	d, err := time.ParseDuration(roundTrip)
	if err != nil {
		return fmt.Errorf("round trip: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		_, _ = os.Stdin.Read(make([]byte, 1)) // nothing is ever written
	}()
	var told error
	err = fakesqs.Serve(ctx, &fakesqs.Server{RoundTrip: d}, func(url string, certificate []byte) {
		told = json.NewEncoder(os.Stdout).Encode(queue.Server{Address: url, Certificate: string(certificate), Queue: "bench", PID: os.Getpid()})
	})
	return errors.Join(err, told)
}
