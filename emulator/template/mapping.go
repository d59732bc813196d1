package template

import (
	"slices"
	"strings"
	"time"

	"github.com/offloadhq/offload/internal/cfn"
)

const responseType = "ReportBatchItemFailures"

// readEvents reads the events of a serverless function: SQS events become mappings, the others are named in one warning.
func (b *builder) readEvents(res *cfn.Resource, fn *Function) {
	path := res.Path() + ".Properties.Events"
	events := res.Props.Get("Events")
	if events.Kind != cfn.Absent && events.Kind != cfn.Map {
		b.Fail(events.Line, path, "must be a map, not %s", events.Kind)
		return
	}
	var others []string
	first := 0
	for _, e := range events.Keys {
		p := b.Resolver.Reader(e.Value, cfn.Join(path, e.Key))
		if e.Value.Kind != cfn.Map {
			b.Fail(e.Line, p.Path, "an event is a map with a Type, not %s", e.Value.Kind)
			continue
		}
		p.Check("an event", []string{"Type", "Properties"})
		switch kind := p.Text("Type"); {
		case kind == "SQS":
			b.Current = fn.LogicalID + e.Key
			b.readEvent(fn, e, p)
		case p.V.Get("Type").Kind == cfn.Absent:
			b.Fail(e.Line, p.Key("Type"), "is missing")
		case kind != "":
			if first == 0 {
				first = e.Line
			}
			others = append(others, e.Key+" ("+kind+")")
		}
	}
	if len(others) > 0 {
		b.Warn(first, path, "not emulated: %s; call the function with Invoke instead", cfn.Few(others))
	}
}

func (b *builder) readEvent(fn *Function, e cfn.Entry, event cfn.Reader) {
	p := b.Resolver.Reader(event.V.Get("Properties"), event.Key("Properties"))
	if p.V.Kind == cfn.Map && p.V.Has("MaximumConcurrency") {
		b.Fail(p.Line("MaximumConcurrency"), p.Key("MaximumConcurrency"), "an SQS event has it inside of ScalingConfig: write \"ScalingConfig: {MaximumConcurrency: N}\"")
		p.V = p.V.Without("MaximumConcurrency")
	}
	p.Check("an SQS event", mappingUsed, mappingIgnored, []string{"Queue"})
	m := &Mapping{LogicalID: fn.LogicalID + e.Key, FunctionName: fn.Name, Qualifier: fn.Alias, Line: e.Line}
	m.QueueARN = p.Text("Queue")
	if p.V.Get("Queue").Kind == cfn.Absent {
		b.Fail(e.Line, p.Key("Queue"), "is missing; name the queue's ARN, such as !GetAtt Work.Arn")
	}
	b.readMapping(p, m)
	b.addMapping(m, fn, p.Line("Queue"), p.Key("Queue"))
}

// readSourceMapping reads an AWS::Lambda::EventSourceMapping.
func (b *builder) readSourceMapping(res *cfn.Resource) {
	p := b.Properties(res)
	for _, name := range otherSource {
		if p.V.Has(name) {
			b.Warn(res.Line, res.Path(), "a mapping from a stream or a broker is not emulated; only queues are")
			return
		}
	}
	fn, qualifier := b.function(p)
	if fn == nil {
		return
	}
	p.Check(cfn.TypeMapping, mappingUsed, mappingIgnored, []string{"EventSourceArn", "FunctionName", "Tags"})
	m := &Mapping{LogicalID: res.ID, FunctionName: fn.Name, Qualifier: qualifier, Line: res.Line}
	b.checkQualifier(fn, qualifier, p.Line("FunctionName"), p.Key("FunctionName"))
	m.QueueARN = p.Text("EventSourceArn")
	switch {
	case p.V.Get("EventSourceArn").Kind == cfn.Absent:
		b.Fail(res.Line, p.Key("EventSourceArn"), "is missing; name the queue's ARN, such as !GetAtt Work.Arn")
	case strings.HasPrefix(m.QueueARN, "arn:") && !strings.HasPrefix(m.QueueARN, "arn:aws:sqs:"):
		b.Warn(res.Line, res.Path(), "a mapping from %.100q is not emulated; only queues are", m.QueueARN)
		return
	}
	b.readMapping(p, m)
	b.addMapping(m, fn, p.Line("EventSourceArn"), p.Key("EventSourceArn"))
}

// readMapping reads what the two forms of a mapping share.
// Source: Lambda API reference, CreateEventSourceMapping.
func (b *builder) readMapping(p cfn.Reader, m *Mapping) {
	m.BatchSize, m.Enabled = 10, p.Boolean("Enabled", true)
	if n := p.Integer("BatchSize", 1, 10_000); n != nil {
		m.BatchSize = *n
	}
	if n := p.Integer("MaximumBatchingWindowInSeconds", 0, 300); n != nil {
		m.Window = time.Duration(*n) * time.Second
	}
	if m.BatchSize > 10 && m.Window == 0 {
		b.Fail(p.Line("BatchSize"), p.Key("BatchSize"), "%d is more than 10, so MaximumBatchingWindowInSeconds must be at least 1", m.BatchSize)
	}
	scaling := p.Sub("ScalingConfig")
	scaling.Check("ScalingConfig", []string{"MaximumConcurrency"})
	if n := scaling.Integer("MaximumConcurrency", 2, 1000); n != nil {
		m.MaximumConcurrency = *n
		if p.V.Has("ProvisionedPollerConfig") && p.Get("ProvisionedPollerConfig").Kind != cfn.Absent {
			b.Fail(p.Line("ProvisionedPollerConfig"), p.Key("ProvisionedPollerConfig"), "excludes ScalingConfig.MaximumConcurrency; keep one of them")
		}
	}
	for _, kind := range p.Texts("FunctionResponseTypes") {
		if kind != responseType {
			b.Fail(p.Line("FunctionResponseTypes"), p.Key("FunctionResponseTypes"), "unknown type %q%s", kind, cfn.Suggest(kind, []string{responseType}))
		}
		m.ReportBatchItemFailures = true
	}
	if p.V.Has("FilterCriteria") {
		b.Warn(p.Line("FilterCriteria"), p.Key("FilterCriteria"), "not emulated; the function gets every message, while on AWS those that do not match are deleted")
	}
}

// addMapping checks a mapping against its queue and adds it.
func (b *builder) addMapping(m *Mapping, fn *Function, line int, key string) {
	if m.QueueARN == "" {
		return
	}
	q := b.queues[m.QueueARN]
	if q == nil {
		b.Fail(line, key, "no queue of the template has the ARN %s%s", m.QueueARN, cfn.Suggest(m.QueueARN, b.queueARNs()))
		return
	}
	if seconds := int(fn.Timeout / time.Second); seconds > q.visibility {
		b.Fail(m.Line, key, "Queue visibility timeout: %d seconds is less than Function timeout: %d seconds; raise VisibilityTimeout of %s, best to six times the function's Timeout",
			q.visibility, seconds, q.LogicalID)
	}
	for _, other := range b.template.Mappings {
		if other.QueueARN == m.QueueARN && other.FunctionName == m.FunctionName {
			b.Fail(m.Line, key, "%s maps this queue to this function already (line %d)", other.LogicalID, other.Line)
		}
	}
	b.template.Mappings = append(b.template.Mappings, *m)
}

// function finds the function that the property FunctionName means: a name, an ARN, or part of one, with a qualifier or without.
// It gives nil when the function does not run here; then everything is said.
func (b *builder) function(p cfn.Reader) (*Function, string) {
	given := p.Text("FunctionName")
	if given == "" {
		if p.V.Get("FunctionName").Kind == cfn.Absent {
			p.Fail(p.V.Line, p.Key("FunctionName"), "is missing")
		}
		return nil, ""
	}
	name := given
	if _, rest, ok := strings.Cut(given, ":function:"); ok {
		name = rest
	}
	name, qualifier, _ := strings.Cut(name, ":")
	if b.skipped[name] {
		return nil, ""
	}
	for _, fn := range b.functions {
		if fn.Name == name {
			return fn, qualifier
		}
	}
	var known []string
	for _, fn := range b.functions {
		known = append(known, fn.Name)
	}
	p.Fail(p.Line("FunctionName"), p.Key("FunctionName"), "no function of the template has the name %q%s", name, cfn.Suggest(name, known))
	return nil, ""
}

func (b *builder) checkQualifier(fn *Function, qualifier string, line int, key string) {
	if qualifier != "" && qualifier != "$LATEST" && !digits.MatchString(qualifier) && !slices.Contains(fn.Aliases, qualifier) {
		b.Fail(line, key, "%s has no alias %q%s", fn.LogicalID, qualifier, cfn.Suggest(qualifier, fn.Aliases))
	}
}
