// Command offload is the command line: dev and demo run a template on this machine, fire sends a task, env tells a program of
// a deployed stack, journal empties what a host has left.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/offloadhq/offload/internal/cli"
)

func main() {
	ctx, _ := cli.WithSignals(context.Background()) // watched to the end of the process
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns the exit status: 0, 1 after an error that is printed to stderr, that of the
// command which offload dev ran, or what the help of offload doctor says.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "offload",
		Short:         "Move long jobs off a Go web host: run, try and fire tasks",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(newDev(), newDemo(), newFire(), newEnv(), newDoctor(), newJournal(), newVersion())
	err := root.ExecuteContext(ctx)
	var ended *commandError
	if errors.As(err, &ended) {
		return cli.ExitCode(ended.err)
	}
	status := 1
	if exit, ok := errors.AsType[*exitError](err); ok {
		if status = exit.status; exit.err == nil {
			return status
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "offload:", err)
		return status
	}
	return 0
}

// usage has an error about the number of arguments say which there are.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fmt.Errorf("%w: write %s; %s --help tells more", err, cmd.UseLine(), cmd.CommandPath())
		}
		return nil
	}
}

// commandError is the end of the command that offload dev ran: its own output has told why.
type commandError struct{ err error }

func (e *commandError) Error() string { return e.err.Error() }

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "offload", version())
			return err
		},
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
