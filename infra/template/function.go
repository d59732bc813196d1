package template

import (
	"slices"
	"strings"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/internal/cfn"
)

const latest = "$LATEST"

// readFunction reads an AWS::Lambda::Function.
func (l *loader) readFunction(p props) {
	fn := p.function()
	fn.DeadLetterARN = p.sub("DeadLetterConfig", "DeadLetterARN").text("TargetArn", "DeadLetterARN", "")
	l.addFunction(fn)
}

func (l *loader) addFunction(fn *infra.Function) {
	l.functions[fn.Name] = fn
	l.order = append(l.order, fn)
}

// function reads what the two types of functions share. Source of the defaults: Lambda API reference, CreateFunction.
func (p props) function() *infra.Function {
	fn := &infra.Function{
		Resource:      p.base(),
		Runtime:       p.text("Runtime", "Runtime", ""),
		Architecture:  "x86_64",
		Timeout:       p.seconds("Timeout", "Timeout", 3),
		MemoryMB:      p.integer("MemorySize", "MemoryMB", 128),
		RecursiveLoop: p.text("RecursiveLoop", "RecursiveLoop", "Terminate"),
		RoleARN:       p.text("Role", "RoleARN", ""),
		KMSKeyARN:     p.text("KmsKeyArn", "KMSKeyARN", ""),
	}
	fn.QueueURL = p.variable("OFFLOAD_QUEUE_URL", "QueueURL")
	fn.DeadLetterQueueURL = p.variable("OFFLOAD_DEAD_LETTER_QUEUE_URL", "DeadLetterQueueURL")
	fn.LogGroup = p.sub("LoggingConfig", "LogGroup").text("LogGroup", "LogGroup", "/aws/lambda/"+fn.Name)
	if a := p.texts("Architectures", "Architecture"); len(a) > 0 {
		fn.Architecture = a[0]
	}
	if v := p.value("ReservedConcurrentExecutions", "ReservedConcurrency"); v.Kind != cfn.Absent {
		n := p.integer("ReservedConcurrentExecutions", "ReservedConcurrency", 0)
		fn.ReservedConcurrency = &n
	}
	return fn
}

// variable reads one of a function's environment.
func (p props) variable(name, field string) string {
	return p.sub("Environment", field).sub("Variables", field).text(name, field, "")
}

// function finds what a name, an ARN or a part of one means, and the qualifier in it.
func (l *loader) function(given string) (fn *infra.Function, qualifier string) {
	name := given
	if _, rest, ok := strings.Cut(given, ":function:"); ok {
		name = rest
	}
	name, qualifier, _ = strings.Cut(name, ":")
	return l.functions[name], qualifier
}

func qualified(arn, qualifier string) string {
	if qualifier == "" || arn == "" {
		return arn
	}
	return arn + ":" + qualifier
}

func (l *loader) readAlias(p props) {
	if fn, _ := l.function(p.text("FunctionName", "Aliases", "")); fn != nil {
		fn.Aliases = append(fn.Aliases, p.text("Name", "Aliases", ""))
	}
}

func (l *loader) readInvokeConfig(p props) {
	fn, inName := l.function(p.text("FunctionName", "Async", ""))
	if fn == nil {
		return
	}
	p.at = "Functions." + fn.ID
	qualifier := p.text("Qualifier", "Async", latest)
	if inName != "" {
		qualifier = inName
	}
	fn.Async = append(fn.Async, p.async(qualifier))
}

// async reads what the two forms of an event invoke configuration share.
// Source of the defaults: Lambda API reference, PutFunctionEventInvokeConfig.
func (p props) async(qualifier string) infra.Async {
	destinations := p.sub("DestinationConfig", "Async")
	return infra.Async{
		Qualifier:  qualifier,
		MaxRetries: p.integer("MaximumRetryAttempts", "Async", 2),
		MaxAge:     p.seconds("MaximumEventAgeInSeconds", "Async", 21_600),
		OnFailure:  destinations.sub("OnFailure", "Async").text("Destination", "Async", ""),
		OnSuccess:  destinations.sub("OnSuccess", "Async").text("Destination", "Async", ""),
	}
}

func (l *loader) readURL(p props) {
	if fn, inName := l.function(p.text("TargetFunctionArn", "URLs", "")); fn != nil {
		fn.URLs = append(fn.URLs, infra.FunctionURL{Qualifier: p.text("Qualifier", "URLs", inName), AuthType: p.text("AuthType", "URLs", "")})
	}
}

// finishFunctions puts the functions into the stack once everything that hangs on them is read.
func (l *loader) finishFunctions() {
	for _, fn := range l.order {
		slices.Sort(fn.Aliases)
		slices.SortFunc(fn.Async, func(a, b infra.Async) int { return strings.Compare(a.Qualifier, b.Qualifier) })
		l.stack.Functions = append(l.stack.Functions, *fn)
	}
}

// readMapping reads an AWS::Lambda::EventSourceMapping from a queue; mappings from streams and brokers are left out.
func (l *loader) readMapping(p props) {
	m := infra.Mapping{Resource: l.resource(p.res), QueueARN: p.text("EventSourceArn", "QueueARN", "")}
	if strings.HasPrefix(m.QueueARN, "arn:") && !strings.Contains(m.QueueARN, ":sqs:") {
		return
	}
	given := p.text("FunctionName", "FunctionARN", "")
	m.FunctionARN = given
	if fn, qualifier := l.function(given); fn != nil {
		m.FunctionARN = qualified(fn.ARN, qualifier)
	}
	p.mapping(&m)
}

// mapping reads what the two forms of a mapping share, and adds it.
// Source of the defaults: Lambda API reference, CreateEventSourceMapping.
func (p props) mapping(m *infra.Mapping) {
	m.BatchSize = p.integer("BatchSize", "BatchSize", 10)
	m.Window = p.seconds("MaximumBatchingWindowInSeconds", "Window", 0)
	m.ReportBatchItemFailures = slices.Contains(p.texts("FunctionResponseTypes", "ReportBatchItemFailures"), "ReportBatchItemFailures")
	m.MaximumConcurrency = p.sub("ScalingConfig", "MaximumConcurrency").integer("MaximumConcurrency", "MaximumConcurrency", 0)
	m.ProvisionedPollers = p.value("ProvisionedPollerConfig", "ProvisionedPollers").Kind == cfn.Map
	for _, f := range p.sub("FilterCriteria", "Filters").value("Filters", "Filters").Items {
		m.Filters = append(m.Filters, f.Get("Pattern").Text)
	}
	m.Enabled = p.boolean("Enabled", "Enabled", true)
	p.stack.Mappings = append(p.stack.Mappings, *m)
}
