package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/spf13/cobra"

	"github.com/offloadhq/offload/emulator/template"
)

// envFormats are how offload env writes one variable, by the name of the format.
var envFormats = map[string]func(name, value string) string{
	"shell": func(name, value string) string {
		return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	},
	"plain": func(name, value string) string { return name + "=" + value },
}

func newEnv() *cobra.Command {
	var stack, format string
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print the outputs of a deployed stack as environment variables",
		Long: `Print each output FooBar of a deployed stack as the variable OFFLOAD_FOO_BAR: the names that offload dev gives on a laptop, so
a program that runs there runs on AWS too.

The format shell is for eval; plain is NAME=value, a line each, for environment files (docker --env-file, systemd). It reads
the stack only: cloudformation:DescribeStacks. Region, credentials and endpoint are read as every AWS tool reads them.`,
		Example: `  eval "$(offload env --stack offload)"
  offload env --stack offload --format plain > offload.env`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, ok := envFormats[format]
			if !ok {
				return fmt.Errorf("--format %q: must be shell or plain", format)
			}
			cfg, err := awsConfig(cmd.Context())
			if err != nil {
				return err
			}
			return printEnv(cmd.Context(), cfg, stack, write, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&stack, "stack", "offload", "name of the stack")
	cmd.Flags().StringVar(&format, "format", "shell", "shell or plain")
	return cmd
}

func printEnv(ctx context.Context, cfg aws.Config, stack string, write func(name, value string) string, out io.Writer) error {
	found, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && e.HTTPStatusCode() == http.StatusNotImplemented {
		return fmt.Errorf("stack %q: this endpoint has no CloudFormation; offload dev gives the variables to the COMMAND that it runs", stack)
	}
	if err != nil {
		return fmt.Errorf("stack %q in region %q: %w", stack, cfg.Region, err)
	}
	if len(found.Stacks) == 0 || len(found.Stacks[0].Outputs) == 0 {
		return fmt.Errorf("stack %q in region %q: has no outputs: is it the stack of template.yaml, and is its deployment done?", stack, cfg.Region)
	}
	var lines []string
	for _, o := range found.Stacks[0].Outputs {
		value := aws.ToString(o.OutputValue)
		if strings.ContainsAny(value, "\r\n\x00") {
			return fmt.Errorf("stack %q: output %s holds a line break, which no environment file can", stack, aws.ToString(o.OutputKey))
		}
		lines = append(lines, write(template.EnvName(aws.ToString(o.OutputKey)), value))
	}
	slices.Sort(lines)
	_, err = fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}
