package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// fire is one run of offload fire.
type fire struct {
	queueURL, function string
	delay              time.Duration
	id                 string
	headers            map[string]string
}

func newFire() *cobra.Command {
	var f fire
	cmd := &cobra.Command{
		Use:   "fire NAME [JSON|-]",
		Short: "Fire one task by name",
		Long: `Fire one task: NAME as its definition has it, and its arguments as JSON (default {}; - reads them from standard input).

It goes to the queue --queue-url, or as an asynchronous invocation to --function; $OFFLOAD_QUEUE_URL is the default.
Region, credentials and endpoint are read as every AWS tool reads them: AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL.
What is too large for a message goes to the directory OFFLOAD_PAYLOADS_DIR or the bucket OFFLOAD_PAYLOADS_BUCKET, if one is set.
Prints the task id once the task is stored.`,
		Example: `  offload fire analytics.record '{"name":"signup"}'
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 offload fire analytics.record '{"name":"signup"}' --function WorkerFunction:live
  offload fire export.write '{"rows":1000}' --delay 1m --queue-url http://127.0.0.1:4566/000000000000/BulkQueue`,
		Args: usage(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, arguments := args[0], "{}"
			if len(args) == 2 {
				arguments = args[1]
			}
			if arguments == "-" {
				all, err := io.ReadAll(cmd.InOrStdin())
				if err != nil {
					return fmt.Errorf("standard input: %w", err)
				}
				arguments = string(all)
			}
			id, err := f.run(cmd.Context(), name, arguments)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), id)
			return err
		},
	}
	cmd.Flags().StringVar(&f.queueURL, "queue-url", os.Getenv("OFFLOAD_QUEUE_URL"), "the queue's URL")
	cmd.Flags().StringVar(&f.function, "function", "", "name or ARN of a function, with its alias: invoke it asynchronously instead")
	cmd.Flags().DurationVar(&f.delay, "delay", 0, "do not start before this long from now; at most 15m, on a queue only")
	cmd.Flags().StringVar(&f.id, "id", "", "the task id, to fire an unconfirmed task again; default: a new one")
	cmd.Flags().StringToStringVar(&f.headers, "header", nil, "a header of the task, key=value; may be given more than once")
	return cmd
}

func (f *fire) run(ctx context.Context, name, arguments string) (id string, err error) {
	if err := task.CheckName(name); err != nil {
		return "", err
	}
	if !json.Valid([]byte(arguments)) {
		return "", fmt.Errorf("task %q: the arguments are not JSON: %.80q", name, arguments)
	}
	sender, err := f.sender(ctx)
	if err != nil {
		return "", err
	}
	c, err := client.New(sender, &client.Options{Source: "offload-fire", Logger: slog.New(slog.DiscardHandler)}) // the error has it all
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	opts := []task.FireOption{task.Delay(f.delay)}
	if f.id != "" {
		opts = append(opts, task.ID(f.id))
	}
	for key, value := range f.headers {
		opts = append(opts, task.Header(key, value))
	}
	receipt, err := c.Fire(ctx, task.Define[json.RawMessage](name).With(json.RawMessage(arguments)), opts...)
	return receipt.ID, err
}

func (f *fire) sender(ctx context.Context) (transport.Sender, error) {
	if f.queueURL == "" && f.function == "" {
		return nil, errors.New("where to? give --queue-url or --function, or set OFFLOAD_QUEUE_URL")
	}
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	road, err := f.road(cfg)
	if err != nil {
		return nil, err
	}
	return withPayloads(cfg, road)
}

func (f *fire) road(cfg aws.Config) (transport.Sender, error) {
	if f.function != "" {
		return lambdatransport.New(lambdatransport.NewClient(cfg), f.function, nil)
	}
	return sqstransport.New(sqstransport.NewClient(cfg), f.queueURL, nil)
}
