package template

import (
	"strings"
	"time"
)

// generatedQueue is what SAM appends to the logical id of a function to name the OnFailure queue that it makes itself.
const generatedQueue = "EventInvokeConfigOnFailureQueue"

// generateQueues adds the queues that SAM makes for functions whose OnFailure destination has the type SQS and no ARN.
// Source: SAM Developer Guide, "Generated CloudFormation resources" of EventInvokeConfig.
func (r *resolver) generateQueues() {
	for _, id := range r.order {
		res := r.resources[id]
		if res.typ != typeServerlessFunction || res.when != yes {
			continue
		}
		path := res.path() + ".Properties.EventInvokeConfig.DestinationConfig.OnFailure"
		raw := res.props.get("EventInvokeConfig").get("DestinationConfig").get("OnFailure")
		if raw.kind != mapping || r.eval(raw.get("Type"), path+".Type").text != "SQS" || r.eval(raw.get("Destination"), path+".Destination").kind != absent {
			continue
		}
		name := id + generatedQueue
		r.resources[name] = &resource{id: name, typ: typeQueue, line: raw.line, node: nothing, props: nothing, when: yes}
		r.order = append(r.order, name)
	}
}

// readServerlessAsync reads the EventInvokeConfig of a serverless function. SAM binds it to the alias when there is one.
func (r *resolver) readServerlessAsync(res *resource, fn *Function) *pendingDestination {
	p := reader{r, res.props, res.path() + ".Properties"}
	if p.v.get("EventInvokeConfig").kind == absent {
		return nil
	}
	config := p.sub("EventInvokeConfig")
	config.check("EventInvokeConfig", []string{"MaximumEventAgeInSeconds", "MaximumRetryAttempts", "DestinationConfig"})
	fn.AsyncQualifier = fn.Alias
	destinations := config.readAsync(fn)
	failure := destinations.sub("OnFailure")
	failure.check("OnFailure", []string{"Type", "Destination"})
	if failure.v.kind != mapping {
		return nil
	}
	types := []string{"SQS", "SNS", "EventBridge", "Lambda", "S3Bucket"}
	kind := failure.choice("Type", types...)
	switch {
	case failure.v.get("Type").kind == absent:
		r.fail(failure.v.line, failure.key("Type"), "is missing; use one of %s", strings.Join(types, ", "))
		return nil
	case kind != "SQS":
		r.warn(failure.v.line, failure.path, "a destination of type %s is not emulated; events that fail for good are dropped", kind)
		return nil
	case failure.v.get("Destination").kind == absent:
		fn.Async.OnFailure = r.attribute(res.id+generatedQueue, "Arn", failure.v.line, failure.path).text
		return nil
	}
	fn.Async.OnFailure = failure.text("Destination")
	return &pendingDestination{fn, failure.line("Destination"), failure.key("Destination")}
}

// A pendingDestination is an OnFailure destination whose queue is looked up once all queues are read.
type pendingDestination struct {
	fn   *Function
	line int
	key  string
}

// readAsync reads what the two forms of the configuration share, and gives the destinations.
func (p reader) readAsync(fn *Function) reader {
	fn.Async.MaxRetries = p.integer("MaximumRetryAttempts", 0, 2)
	if n := p.integer("MaximumEventAgeInSeconds", 60, 21_600); n != nil {
		fn.Async.MaxAge = time.Duration(*n) * time.Second
	}
	destinations := p.sub("DestinationConfig")
	destinations.check("DestinationConfig", []string{"OnFailure", "OnSuccess"})
	if destinations.v.has("OnSuccess") {
		p.warn(destinations.line("OnSuccess"), destinations.key("OnSuccess"), "not emulated; nothing is sent when an event succeeds")
	}
	return destinations
}

// readInvokeConfig reads an AWS::Lambda::EventInvokeConfig.
func (b *builder) readInvokeConfig(res *resource) *pendingDestination {
	p := reader{b.resolver, res.props, res.path() + ".Properties"}
	p.check(res.typ, []string{"DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"})
	fn, inName := b.function(p)
	if fn == nil {
		return nil
	}
	qualifier := p.text("Qualifier")
	if inName != "" {
		qualifier = inName
	}
	b.checkQualifier(fn, qualifier, p.line("Qualifier"), p.key("Qualifier"))
	if b.configured[fn] {
		b.warn(res.line, res.path(), "%s has an event invoke configuration already; this one is not emulated", fn.LogicalID)
		return nil
	}
	b.configured[fn] = true
	fn.AsyncQualifier = qualifier
	failure := p.readAsync(fn).sub("OnFailure")
	failure.check("OnFailure", []string{"Destination"})
	arn := failure.text("Destination")
	if arn == "" {
		return nil
	}
	if !strings.HasPrefix(arn, "arn:aws:sqs:") {
		b.warn(failure.v.line, failure.path, "the destination %.100q is no queue and not emulated; events that fail for good are dropped", arn)
		return nil
	}
	fn.Async.OnFailure = arn
	return &pendingDestination{fn, failure.line("Destination"), failure.key("Destination")}
}

// readAlias reads an AWS::Lambda::Alias.
func (b *builder) readAlias(res *resource) {
	p := reader{b.resolver, res.props, res.path() + ".Properties"}
	p.check(res.typ, []string{"Description", "FunctionName", "FunctionVersion", "Name", "ProvisionedConcurrencyConfig", "RoutingConfig"})
	fn, _ := b.function(p)
	if fn == nil {
		return
	}
	name := p.text("Name")
	if !aliasName.MatchString(name) || digits.MatchString(name) {
		b.fail(p.line("Name"), p.key("Name"), "%.100q is no alias name", name)
		return
	}
	if p.v.has("RoutingConfig") {
		b.warn(p.line("RoutingConfig"), p.key("RoutingConfig"), "not emulated; every invocation runs the one build of the function")
	}
	if fn.Alias == "" {
		fn.Alias = name
	}
	fn.Aliases = append(fn.Aliases, name)
}
