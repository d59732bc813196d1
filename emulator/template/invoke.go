package template

import (
	"strings"
	"time"

	"github.com/offloadhq/offload/internal/cfn"
)

// readServerlessAsync reads the EventInvokeConfig of a serverless function. SAM binds it to the alias when there is one.
func (b *builder) readServerlessAsync(res *cfn.Resource, fn *Function) *pendingDestination {
	p := b.Properties(res)
	if p.V.Get("EventInvokeConfig").Kind == cfn.Absent {
		return nil
	}
	config := p.Sub("EventInvokeConfig")
	config.Check("EventInvokeConfig", []string{"MaximumEventAgeInSeconds", "MaximumRetryAttempts", "DestinationConfig"})
	fn.AsyncQualifier = fn.Alias
	destinations := readAsync(config, fn)
	failure := destinations.Sub("OnFailure")
	failure.Check("OnFailure", []string{"Type", "Destination"})
	if failure.V.Kind != cfn.Map {
		return nil
	}
	types := []string{"SQS", "SNS", "EventBridge", "Lambda", "S3Bucket"}
	kind := failure.Choice("Type", types...)
	switch {
	case failure.V.Get("Type").Kind == cfn.Absent:
		b.Fail(failure.V.Line, failure.Key("Type"), "is missing; use one of %s", strings.Join(types, ", "))
		return nil
	case kind != "SQS":
		b.Warn(failure.V.Line, failure.Path, "a destination of type %s is not emulated; events that fail for good are dropped", kind)
		return nil
	case failure.V.Get("Destination").Kind == cfn.Absent:
		fn.Async.OnFailure = b.Attribute(res.ID+cfn.GeneratedQueue, "Arn", failure.V.Line, failure.Path).Text
		return nil
	}
	fn.Async.OnFailure = failure.Text("Destination")
	return &pendingDestination{fn, failure.Line("Destination"), failure.Key("Destination")}
}

// A pendingDestination is an OnFailure destination whose queue is looked up once all queues are read.
type pendingDestination struct {
	fn   *Function
	line int
	key  string
}

// readAsync reads what the two forms of the configuration share, and gives the destinations.
func readAsync(p cfn.Reader, fn *Function) cfn.Reader {
	fn.Async.MaxRetries = p.Integer("MaximumRetryAttempts", 0, 2)
	if n := p.Integer("MaximumEventAgeInSeconds", 60, 21_600); n != nil {
		fn.Async.MaxAge = time.Duration(*n) * time.Second
	}
	destinations := p.Sub("DestinationConfig")
	destinations.Check("DestinationConfig", []string{"OnFailure", "OnSuccess"})
	if destinations.V.Has("OnSuccess") {
		p.Warn(destinations.Line("OnSuccess"), destinations.Key("OnSuccess"), "not emulated; nothing is sent when an event succeeds")
	}
	return destinations
}

// readInvokeConfig reads an AWS::Lambda::EventInvokeConfig.
func (b *builder) readInvokeConfig(res *cfn.Resource) *pendingDestination {
	p := b.Properties(res)
	p.Check(res.Type, []string{"DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"})
	fn, inName := b.function(p)
	if fn == nil {
		return nil
	}
	qualifier := p.Text("Qualifier")
	if inName != "" {
		qualifier = inName
	}
	b.checkQualifier(fn, qualifier, p.Line("Qualifier"), p.Key("Qualifier"))
	if b.configured[fn] {
		b.Warn(res.Line, res.Path(), "%s has an event invoke configuration already; this one is not emulated", fn.LogicalID)
		return nil
	}
	b.configured[fn] = true
	fn.AsyncQualifier = qualifier
	failure := readAsync(p, fn).Sub("OnFailure")
	failure.Check("OnFailure", []string{"Destination"})
	arn := failure.Text("Destination")
	if arn == "" {
		return nil
	}
	if !strings.HasPrefix(arn, "arn:aws:sqs:") {
		b.Warn(failure.V.Line, failure.Path, "the destination %.100q is no queue and not emulated; events that fail for good are dropped", arn)
		return nil
	}
	fn.Async.OnFailure = arn
	return &pendingDestination{fn, failure.Line("Destination"), failure.Key("Destination")}
}

// readAlias reads an AWS::Lambda::Alias.
func (b *builder) readAlias(res *cfn.Resource) {
	p := b.Properties(res)
	p.Check(res.Type, []string{"Description", "FunctionName", "FunctionVersion", "Name", "ProvisionedConcurrencyConfig", "RoutingConfig"})
	fn, _ := b.function(p)
	if fn == nil {
		return
	}
	name := p.Text("Name")
	if !aliasName.MatchString(name) || digits.MatchString(name) {
		b.Fail(p.Line("Name"), p.Key("Name"), "%.100q is no alias name", name)
		return
	}
	if p.V.Has("RoutingConfig") {
		b.Warn(p.Line("RoutingConfig"), p.Key("RoutingConfig"), "not emulated; every invocation runs the one build of the function")
	}
	if fn.Alias == "" {
		fn.Alias = name
	}
	fn.Aliases = append(fn.Aliases, name)
}
