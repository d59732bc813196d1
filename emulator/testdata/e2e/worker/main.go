// Command worker is the function of the tests' template.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/offloadhq/offload/emulator/testdata/e2e/tasks"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/worker"
)

func main() {
	if os.Getenv("DIE_AT_START") != "" {
		log.Fatal("was asked to die at start")
	}
	cfg, err := config.LoadDefaultConfig(context.Background())
	check(err)
	api := sqstransport.NewClient(cfg)
	queueURL := os.Getenv("QUEUE_URL")
	settler, err := sqstransport.NewSettler(api, sqstransport.Queue{URL: queueURL, DeadLetterURL: os.Getenv("DEAD_URL")})
	check(err)
	queue, err := sqstransport.New(api, queueURL, nil)
	check(err)
	mux := worker.NewMux()
	worker.Handle(mux, tasks.Write, write)
	w, err := worker.New(mux, &worker.Options{Settler: settler, Queue: queue, MaxReceiveCount: 3})
	check(err)
	lambda.Start(w)
}

func write(ctx context.Context, a tasks.Act) error {
	info, _ := task.InfoFromContext(ctx)
	fmt.Println("attempt", info.Attempt, "of", info.ID)
	switch {
	case a.Fail:
		return errors.New("was asked to fail")
	case a.Panic:
		panic("was asked to panic")
	case a.Exit:
		await(ctx, a.After)
		os.Exit(3)
	case a.Stop:
		check(syscall.Kill(os.Getpid(), syscall.SIGSTOP))
		fallthrough // the other threads run for a moment more
	case a.Loop:
		for {
			time.Sleep(time.Millisecond)
		}
	case a.Crash && (!a.OnlyOne || info.Attempt == 1):
		await(ctx, a.After)
		check(syscall.Kill(os.Getpid(), syscall.SIGKILL))
	}
	// One byte an attempt: what ran twice can be told.
	f, err := os.OpenFile(filepath.Join(os.Getenv("OUT"), info.ID), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(".")
	return errors.Join(err, f.Close())
}

// await waits until so many tasks are done, or the context of this one ends.
func await(ctx context.Context, tasks int) {
	for ctx.Err() == nil {
		done, err := os.ReadDir(os.Getenv("OUT"))
		check(err)
		if len(done) >= tasks {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
