package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/offloadhq/offload/bench/idle"
	"github.com/offloadhq/offload/bench/internal/payload"
	"github.com/offloadhq/offload/bench/internal/queue"
	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/transport/sqstransport"
)

type offloadEngine struct {
	emulator *emulator.Emulator
	client   *client.Client
}

// openOffload starts the emulator with the template that s.Address names: its function is built and runs as a process of
// its own, and tells when it begins with a task by a line of its log.
func openOffload(ctx context.Context, s queue.Server, started func(fired, begun time.Time)) (Engine, error) {
	port := 0
	e, err := emulator.Start(ctx, &emulator.Options{
		Template: s.Address, Port: &port, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		OnLog: func(_, line string) {
			if fired, begun, ok := idle.Parse(line); ok {
				started(fired, begun)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	sender, err := sqstransport.New(sqstransport.NewClient(aws.Config{
		Region: e.Region(), BaseEndpoint: aws.String(e.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	}), e.Environment()["OFFLOAD_QUEUE_URL"], nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("queue of the template: %w", err), e.Close(ctx))
	}
	c, err := client.New(sender, nil)
	if err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return &offloadEngine{emulator: e, client: c}, nil
}

// Fire implements [Engine].
func (e *offloadEngine) Fire(ctx context.Context) error {
	_, err := e.client.Fire(ctx, payload.Placed.With(payload.New()))
	return err
}

// Close implements [Engine].
func (e *offloadEngine) Close(ctx context.Context) error {
	return errors.Join(e.client.Close(ctx), e.emulator.Close(ctx))
}
