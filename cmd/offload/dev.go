package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/emulator/template"
	"github.com/offloadhq/offload/internal/cli"
)

// stopTimeout bounds each step of an orderly end: first COMMAND, then the functions.
const stopTimeout = 10 * time.Second

// What the user is told of the end.
const (
	stopping = "\noffload dev: stopping; Ctrl-C kills what still runs"
	stopped  = "offload dev: stopped"
)

func newDev() *cobra.Command {
	var file string
	var port int
	var parameters, values map[string]string
	cmd := &cobra.Command{
		Use:   "dev [flags] [-- COMMAND…]",
		Short: "Run a SAM template on this machine, and a command beside it",
		Long: `Run a SAM template on this machine: its queues, its functions and the mappings between them, on an emulator of SQS and
Lambda that any AWS SDK and the AWS CLI can talk to. No AWS account and no Docker.

With COMMAND, such as a web host, start it with the environment that it needs: AWS_ENDPOINT_URL, AWS_REGION, dummy keys,
and each output FooBar of the template as OFFLOAD_FOO_BAR. When COMMAND ends, offload dev ends with its exit status.
Without COMMAND that environment is printed, for programs in another terminal, and the emulator runs until Ctrl-C or
SIGTERM, which drain and stop everything; a second Ctrl-C kills what has not ended by then.

COMMAND and functions get the variables OUT, a directory for results: $OUT, or .offload/out beside the template;
OFFLOAD_PAYLOADS_DIR, a directory for payloads that are too large for a message: the same variable, or .offload/payloads; and the
variables AWS_ENDPOINT_URL_<SERVICE> that are set here, for services other than SQS and Lambda.`,
		Example: "  offload dev\n  offload dev -- go run ./examples/api\n  offload dev --template ../shop/template.yaml --port 0 -- go test ./...",
		RunE: func(cmd *cobra.Command, args []string) error {
			d := dev{
				options: emulator.Options{Template: file, Port: &port, Parameters: parameters, Values: values},
				command: args,
				stdout:  &lockedWriter{w: cmd.OutOrStdout()},
				stderr:  &lockedWriter{w: cmd.ErrOrStderr()},
			}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&file, "template", "template.yaml", "the SAM template")
	cmd.Flags().IntVar(&port, "port", emulator.DefaultPort, "port of the AWS endpoint on 127.0.0.1; 0 picks a free one")
	cmd.Flags().StringToStringVar(&parameters, "parameter", nil, "a parameter of the template, NAME=VALUE; may be given more than once")
	cmd.Flags().StringToStringVar(&values, "value", nil, "what only AWS can compute, NAME=VALUE (UserPool=x, Api.RootResourceId=y); may be given more than once")
	return cmd
}

// dev is one run of offload dev.
type dev struct {
	options        emulator.Options
	command        []string
	stdout, stderr io.Writer
}

func (d *dev) run(ctx context.Context) (err error) {
	if len(d.command) > 0 {
		if _, err := exec.LookPath(d.command[0]); err != nil { // told before the functions are built
			return fmt.Errorf("command %q: %w: write what you would type in a shell after --", d.command[0], err)
		}
	}
	if _, err := os.Stat(d.options.Template); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("template %q: %w: run this where the template is, or name it with --template FILE", d.options.Template, fs.ErrNotExist)
	}
	out, err := workDir("OUT", d.options.Template, "out")
	if err != nil {
		return err
	}
	payloads, err := workDir("OFFLOAD_PAYLOADS_DIR", d.options.Template, "payloads")
	if err != nil {
		return err
	}
	set := map[string]string{"OUT": out, "OFFLOAD_PAYLOADS_DIR": payloads, "OFFLOAD_DEV": "1"}
	d.options.Env = cli.ServiceEndpoints()
	maps.Copy(d.options.Env, set)
	d.options.Output = d.stdout
	e, err := emulator.Start(ctx, &d.options)
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		fmt.Fprintln(d.stdout, stopped) // in the middle of a build
		return nil
	}
	if errors.Is(err, template.ErrUncomputable) {
		err = fmt.Errorf("%w\n(--value NAME=VALUE gives a value, --parameter NAME=VALUE one of a parameter)", err)
	}
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, cli.StopWithin(ctx, stopTimeout, e.Close))
		fmt.Fprintln(d.stdout, stopped)
	}()
	fmt.Fprintf(d.stdout, "\n  AWS endpoint  %s   region %s, any key\n  results       %s\n\n", e.Endpoint(), e.Region(), out)
	env := e.Environment()
	if len(d.command) > 0 {
		maps.Copy(env, set)
		return d.runCommand(ctx, e, env)
	}
	fmt.Fprintf(d.stdout, "  aws --endpoint-url %s sqs list-queues\n\n  For programs in another terminal:\n\n", e.Endpoint())
	env["OFFLOAD_PAYLOADS_DIR"] = payloads
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintln(d.stdout, envFormats["shell"](name, env[name]))
	}
	fmt.Fprint(d.stdout, "\n  Ctrl-C stops.\n\n")
	select {
	case <-ctx.Done():
		fmt.Fprintln(d.stdout, stopping)
		return nil
	case <-e.Done():
		return e.Err()
	}
}

func (d *dev) runCommand(ctx context.Context, e *emulator.Emulator, env map[string]string) error {
	p, err := cli.Start(d.command, cli.Environ(env), d.stdout, d.stderr)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
		if err := p.Err(); err != nil {
			return &commandError{err}
		}
		return nil
	case <-e.Done():
		return errors.Join(e.Err(), cli.StopWithin(ctx, stopTimeout, p.Stop))
	case <-ctx.Done():
		fmt.Fprintln(d.stdout, stopping)
		return cli.StopWithin(ctx, stopTimeout, p.Stop)
	}
}

// workDir is the directory that a variable names, or else one beside the template. It is absolute.
func workDir(variable, template, name string) (string, error) {
	dir := os.Getenv(variable)
	if dir == "" {
		dir = filepath.Join(filepath.Dir(template), emulator.WorkDir, name)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("%s: %w", variable, err)
	}
	return dir, nil
}

// lockedWriter lets the emulator, the functions and COMMAND write at once.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
