package emulator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/offloadhq/offload/emulator/lambda"
	"github.com/offloadhq/offload/emulator/mapping"
	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/emulator/template"
)

// startFunctions makes the functions known. A process starts with the first invocation that needs one.
func (e *Emulator) startFunctions(binaries map[string]string) error {
	service, err := lambda.New(&lambda.Options{
		Region:       region,
		AccountID:    account,
		Env:          e.functionEnvironment(),
		Concurrency:  functionConcurrency,
		RetryDelays:  e.options.RetryDelays,
		Deliver:      e.deliver,
		OnLog:        e.log,
		OnInvocation: e.tellFailure,
		Logger:       e.options.Logger,
	})
	if err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	e.lambda = service
	for _, f := range e.template.Functions {
		if _, err := service.AddFunction(function(f, binaries[f.LogicalID])); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", e.template.File, f.Line, f.LogicalID, err)
		}
	}
	return nil
}

func (e *Emulator) functionEnvironment() map[string]string {
	env := e.awsEnvironment()
	for name, value := range e.options.Env {
		env[name] = value
	}
	return env
}

func function(f template.Function, dir string) lambda.Function {
	aliases := map[string]string{}
	for _, alias := range f.Aliases {
		aliases[alias] = "1"
	}
	async := map[string]lambda.AsyncConfig{}
	if f.Async != (template.Async{}) {
		async[f.AsyncQualifier] = lambda.AsyncConfig{MaxRetries: f.Async.MaxRetries, MaxAge: f.Async.MaxAge, OnFailure: f.Async.OnFailure}
	}
	return lambda.Function{
		Name:           f.Name,
		Dir:            dir,
		Handler:        f.Handler,
		Runtime:        f.Runtime,
		Architectures:  f.Architectures,
		Env:            f.Env,
		MemoryMB:       f.MemoryMB,
		Timeout:        f.Timeout,
		Reserved:       f.Reserved,
		Aliases:        aliases,
		AllowRecursion: f.AllowRecursion,
		Async:          async,
	}
}

// deliver puts the record of an asynchronous invocation that failed into its destination.
func (e *Emulator) deliver(ctx context.Context, arn string, record []byte) error {
	_, err := e.sqs.Send(ctx, arn, sqs.Outgoing{Body: string(record)})
	return err
}

func (e *Emulator) log(l lambda.LogLine) {
	if e.options.OnLog != nil {
		e.options.OnLog(l.Function, l.Text)
		return
	}
	fmt.Fprint(e.options.Output, line(time.Now(), l.Function, l.Text))
}

// advice is what to do about an invocation that ended its process. Outcomes without advice are the function's own.
var advice = map[lambda.Outcome]string{
	lambda.TimedOut:    "raise the function's Timeout, or make the handler heed its context",
	lambda.Crashed:     "look above for what the process said last",
	lambda.OutOfMemory: "raise the function's MemorySize",
	lambda.InitFailed:  "look above for what the process said at its start",
}

// tellFailure tells of an invocation that had no answer. Those of a mapping are told with their batch.
func (e *Emulator) tellFailure(r lambda.InvocationReport) {
	if todo, ok := advice[r.Outcome]; ok && r.Kind != lambda.EventSource {
		e.options.Logger.Warn("invocation "+string(r.Outcome), "function", r.Function, "request", r.RequestID,
			"kind", string(r.Kind), "after", r.Duration.Round(time.Millisecond).String(), "todo", todo)
	}
}

func (e *Emulator) startMappings() error {
	ctx, stop := context.WithCancel(context.Background())
	e.stopMappings = stop
	for _, m := range e.template.Mappings {
		if !m.ReportBatchItemFailures {
			fmt.Fprintf(e.options.Output, "warning: %s:%d: %s: has no FunctionResponseTypes: [ReportBatchItemFailures]: as on AWS, "+
				"tasks that the function names as failed are deleted\n", e.template.File, m.Line, m.LogicalID)
		}
		run, err := mapping.New(source{e.sqs, m.QueueARN}, target{e.lambda, m.FunctionName, m.Qualifier}, &mapping.Options{
			Name:                    m.LogicalID,
			QueueARN:                m.QueueARN,
			BatchSize:               m.BatchSize,
			Window:                  m.Window,
			MaximumConcurrency:      m.MaximumConcurrency,
			Limit:                   e.concurrency(m.FunctionName),
			ReportBatchItemFailures: m.ReportBatchItemFailures,
			Disabled:                !m.Enabled,
			Logger:                  e.options.Logger,
		})
		if err != nil {
			return fmt.Errorf("%s:%d: %w", e.template.File, m.Line, err)
		}
		if _, err := e.lambda.AddEventSourceMapping(lambda.EventSourceMapping{
			Function: m.FunctionName, Qualifier: m.Qualifier, EventSourceARN: m.QueueARN,
			BatchSize: m.BatchSize, Window: m.Window, MaximumConcurrency: m.MaximumConcurrency,
			ReportBatchItemFailures: m.ReportBatchItemFailures, Disabled: !m.Enabled,
		}); err != nil {
			return fmt.Errorf("%s:%d: %w", e.template.File, m.Line, err)
		}
		e.mappings.Go(func() { _ = run.Run(ctx) }) // nil, always: it ends when ctx does
	}
	return nil
}

// concurrency is how many processes of the function may run at once.
func (e *Emulator) concurrency(name string) int {
	for _, f := range e.template.Functions {
		if f.Name == name && f.Reserved != nil {
			return *f.Reserved
		}
	}
	return functionConcurrency
}

// target is a function as a mapping sees it.
type target struct {
	lambda    *lambda.Service
	function  string
	qualifier string
}

func (t target) Invoke(ctx context.Context, payload []byte) (response []byte, functionError string, err error) {
	got, err := t.lambda.Invoke(ctx, lambda.Request{
		Function: t.function, Qualifier: t.qualifier, Payload: payload, Kind: lambda.EventSource,
	})
	if errors.Is(err, lambda.ErrThrottled) {
		return nil, "", fmt.Errorf("%w: %w", mapping.ErrThrottled, err)
	}
	return got.Payload, got.FunctionError, err
}
