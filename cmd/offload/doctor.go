package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"github.com/offloadhq/offload/cmd/offload/internal/doctor"
	"github.com/offloadhq/offload/infra/live"
	"github.com/offloadhq/offload/internal/awserr"
)

// The exit statuses of offload doctor.
const (
	doctorFound  = 1 // an error, or a resource that is gone
	doctorUnread = 2 // the stack could not be read, or the command line is wrong
	doctorUnsure = 3 // no error, but a rule whose findings are errors was not wholly checked
)

const (
	doctorAttempts = 6                // of one call: a large account throttles
	doctorTimeout  = 15 * time.Second // of one attempt
	slowReading    = 2 * time.Second  // after which progress is told
)

func newDoctor() *cobra.Command {
	var o doctor.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check a deployed stack for settings that lose work, leak it or hide its failures",
		Long: `Read a live stack and hold it against every rule that keeps work from being lost: visibility and retention of queues,
dead letters, event source mappings, the settings of asynchronous invocations, permissions, encryption, alarms. Each finding
comes with its reason, its fix and the AWS page. Nothing is changed, and the variables of functions are not kept or printed.

What is in force is compared with the template that was deployed, as CloudFormation keeps it: a difference (drift) is a setting
that somebody has changed since, by hand. With --template FILE that deployed template is compared with the file too, under the
stack's parameter values: what sam deploy would change. A parameter with NoEcho counts with its default, unless --parameter gives it.

Region, credentials and endpoint are read as every AWS tool reads them: AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL. An endpoint
without CloudFormation, as offload dev is, is checked as far as it answers: names and settings are then those of --template FILE.

A call that is denied or not answered makes that part "not checked", with the missing permission; it never counts as good.
These permissions read everything:

` + indented(live.Actions) + `

--json prints one object: version (1), stack, region, account, status, source (cloudformation, or template where there is no
CloudFormation), resources (how many), rules (how many were checked wholly), incomplete (how many were not), findings (rule, severity, title, resource, name, field, text, why, fix, page; the
worst first), gone, drift and undeployed (path, want, have; undeployed is null without --template), notChecked (path, why, rules).
Fields may be added; version is raised when one changes or goes.

Exit status: 0 no error was found (warnings and differences may have been); 1 an error was found, or a resource that was deployed is
gone; 2 the stack could not be read, or the command line is wrong; 3 no error was found, but a rule whose findings are errors was not
wholly checked (an endpoint without CloudFormation, which has no roles and alarms to read, ends with 0).`,
		Example: `  offload doctor --stack offload
  offload doctor --stack offload --template template.yaml --json
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 offload doctor --template template.yaml`,
		Args: func(cmd *cobra.Command, args []string) error { return unread(cobra.NoArgs(cmd, args)) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctor(cmd.Context(), &o, asJSON, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return unread(err) })
	cmd.Flags().StringVar(&o.Stack, "stack", "offload", "name or ARN of the stack")
	cmd.Flags().StringVar(&o.Template, "template", "", "compare what was deployed with this file")
	cmd.Flags().StringToStringVar(&o.Parameters, "parameter", nil, "a parameter of the file, NAME=VALUE, instead of the stack's value; may be given more than once")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

// indented writes a list of words, a few lines long.
func indented(words []string) string {
	var out strings.Builder
	width := 0
	for i, word := range words {
		if i == 0 || width+len(word) > 116 {
			if i > 0 {
				out.WriteString("\n")
			}
			out.WriteString(" ")
			width = 0
		}
		out.WriteString(" " + word)
		width += len(word) + 1
	}
	return out.String()
}

func runDoctor(ctx context.Context, o *doctor.Options, asJSON bool, stdout, stderr io.Writer) error {
	cfg, err := awsConfig(ctx,
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(doctorTimeout)),
		config.WithRetryer(func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), doctorAttempts) }))
	if err != nil {
		return unread(err)
	}
	cfg.HTTPClient = new(awserr.Call).Watch(cfg.HTTPClient) // which keeps an early answer from costing the connection
	o.Region = cfg.Region
	o.Progress = progress(stderr, time.Now())
	report, err := doctor.Examine(ctx, live.NewClients(cfg), o)
	if err != nil {
		return unread(fmt.Errorf("region %q: %w", cfg.Region, err))
	}
	if asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(report)
	} else {
		err = report.Print(stdout, o.Template)
	}
	if err != nil {
		return unread(err)
	}
	if report.Failed() {
		return &exitError{status: doctorFound}
	}
	if report.Unsure() {
		return &exitError{status: doctorUnsure}
	}
	return nil
}

// progress tells how far the reading has come, once it takes long.
func progress(w io.Writer, began time.Time) func(done, all int) {
	return func(done, all int) {
		if time.Since(began) > slowReading {
			fmt.Fprintf(w, "offload doctor: %d of %d read\n", done, all)
		}
	}
}

func unread(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{status: doctorUnread, err: err}
}

// exitError ends the program with a status of its own. Without err the output has told why.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "exit status " + fmt.Sprint(e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }
