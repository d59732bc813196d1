package emulator

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"
)

const (
	// DefaultPort is the port of the AWS endpoint.
	DefaultPort = 4566
	// WorkDir is the directory, beside the template, where built functions are kept.
	WorkDir = ".offload"

	region  = "us-east-1"
	account = "000000000000"

	// functionConcurrency is how many processes of a function run at once, unless it reserves another number.
	functionConcurrency = 10
)

// Options say what to run. The zero value of each field is its default, and nil Options are all defaults.
type Options struct {
	// Template is the SAM template. Default "template.yaml".
	Template string
	// Parameters override defaults of the template's parameters.
	Parameters map[string]string
	// Values give what only AWS can compute, by name as the template refers to it: "UserPoolClient" for a Ref,
	// "Api.RootResourceId" for an attribute.
	Values map[string]string
	// Port of the AWS endpoint on 127.0.0.1. Nil is [DefaultPort]; 0 picks a free one.
	Port *int
	// Env is given to every function, besides what the template and Lambda give.
	Env map[string]string
	// RetryDelays are the waits before the retries of asynchronous invocations. Default: 1 and 2 minutes, as on AWS.
	RetryDelays []time.Duration
	// Output gets progress, warnings and, unless OnLog is set, the functions' logs, a line at a time. It must be safe
	// for concurrent use. Default: io.Discard.
	Output io.Writer
	// OnLog gets each line that a function writes, without its end, instead of Output. It is called concurrently and
	// must not block. Default: nil.
	OnLog func(function, line string)
	// Logger gets what the emulator itself has to say: invocations that crashed, timed out or never began, batches that
	// failed as a whole, records that could not be delivered; at the level Debug every request to SQS. Default: warnings
	// and errors go to Output.
	Logger *slog.Logger
}

func (o *Options) filled() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	c.Parameters, c.Values = maps.Clone(c.Parameters), maps.Clone(c.Values)
	c.Env, c.RetryDelays = maps.Clone(c.Env), slices.Clone(c.RetryDelays)
	if c.Template == "" {
		c.Template = "template.yaml"
	}
	if c.Output == nil {
		c.Output = io.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewJSONHandler(lineWriter{c.Output}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	port := DefaultPort
	if c.Port != nil {
		port = *c.Port
	}
	c.Port = &port
	var problems []error
	if port < 0 || port > 65535 {
		problems = append(problems, fmt.Errorf("port %d: must be 0 to 65535", port))
	}
	for _, d := range c.RetryDelays {
		if d < 0 {
			problems = append(problems, fmt.Errorf("retry delay %v: is negative", d))
		}
	}
	return c, errors.Join(problems...)
}

// workDir is the directory for the emulator's own files, beside the template.
func (o *Options) workDir() string { return filepath.Join(filepath.Dir(o.Template), WorkDir) }
