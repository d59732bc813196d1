package template

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const responseType = "ReportBatchItemFailures"

// readEvents reads the events of a serverless function: SQS events become mappings, the others are named in one warning.
func (b *builder) readEvents(res *resource, fn *Function) {
	path := res.path() + ".Properties.Events"
	events := res.props.get("Events")
	if events.kind != absent && events.kind != mapping {
		b.fail(events.line, path, "must be a map, not %s", events.kind)
		return
	}
	var others []string
	first := 0
	for _, e := range events.keys {
		p := reader{b.resolver, e.value, join(path, e.key)}
		if e.value.kind != mapping {
			b.fail(e.line, p.path, "an event is a map with a Type, not %s", e.value.kind)
			continue
		}
		p.check("an event", []string{"Type", "Properties"})
		switch kind := p.text("Type"); {
		case kind == "SQS":
			b.current = fn.LogicalID + e.key
			b.readEvent(fn, e, p)
		case p.v.get("Type").kind == absent:
			b.fail(e.line, p.key("Type"), "is missing")
		case kind != "":
			if first == 0 {
				first = e.line
			}
			others = append(others, e.key+" ("+kind+")")
		}
	}
	if len(others) > 0 {
		b.warn(first, path, "not emulated: %s; call the function with Invoke instead", few(others))
	}
}

// few joins names and cuts a long list short.
func few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most-1], ", ") + " and " + strconv.Itoa(len(names)-most+1) + " more"
}

func (b *builder) readEvent(fn *Function, e entry, event reader) {
	p := reader{b.resolver, event.v.get("Properties"), event.key("Properties")}
	if p.v.kind == mapping && p.v.has("MaximumConcurrency") {
		b.fail(p.line("MaximumConcurrency"), p.key("MaximumConcurrency"), "an SQS event has it inside of ScalingConfig: write \"ScalingConfig: {MaximumConcurrency: N}\"")
		p.v = without(p.v, "MaximumConcurrency")
	}
	p.check("an SQS event", mappingUsed, mappingIgnored, []string{"Queue"})
	m := &Mapping{LogicalID: fn.LogicalID + e.key, FunctionName: fn.Name, Qualifier: fn.Alias, Line: e.line}
	m.QueueARN = p.text("Queue")
	if p.v.get("Queue").kind == absent {
		b.fail(e.line, p.key("Queue"), "is missing; name the queue's ARN, such as !GetAtt Work.Arn")
	}
	b.readMapping(p, m)
	b.addMapping(m, fn, p.line("Queue"), p.key("Queue"))
}

func without(v *value, key string) *value {
	c := *v
	c.index, c.keys = nil, slices.DeleteFunc(slices.Clone(v.keys), func(e entry) bool { return e.key == key })
	return &c
}

// readSourceMapping reads an AWS::Lambda::EventSourceMapping.
func (b *builder) readSourceMapping(res *resource) {
	p := reader{b.resolver, res.props, res.path() + ".Properties"}
	for _, name := range otherSource {
		if p.v.has(name) {
			b.warn(res.line, res.path(), "a mapping from a stream or a broker is not emulated; only queues are")
			return
		}
	}
	fn, qualifier := b.function(p)
	if fn == nil {
		return
	}
	p.check(typeMapping, mappingUsed, mappingIgnored, []string{"EventSourceArn", "FunctionName", "Tags"})
	m := &Mapping{LogicalID: res.id, FunctionName: fn.Name, Qualifier: qualifier, Line: res.line}
	b.checkQualifier(fn, qualifier, p.line("FunctionName"), p.key("FunctionName"))
	m.QueueARN = p.text("EventSourceArn")
	switch {
	case p.v.get("EventSourceArn").kind == absent:
		b.fail(res.line, p.key("EventSourceArn"), "is missing; name the queue's ARN, such as !GetAtt Work.Arn")
	case strings.HasPrefix(m.QueueARN, "arn:") && !strings.HasPrefix(m.QueueARN, "arn:aws:sqs:"):
		b.warn(res.line, res.path(), "a mapping from %.100q is not emulated; only queues are", m.QueueARN)
		return
	}
	b.readMapping(p, m)
	b.addMapping(m, fn, p.line("EventSourceArn"), p.key("EventSourceArn"))
}

// readMapping reads what the two forms of a mapping share.
// Source: Lambda API reference, CreateEventSourceMapping.
func (b *builder) readMapping(p reader, m *Mapping) {
	m.BatchSize, m.Enabled = 10, p.boolean("Enabled", true)
	if n := p.integer("BatchSize", 1, 10_000); n != nil {
		m.BatchSize = *n
	}
	if n := p.integer("MaximumBatchingWindowInSeconds", 0, 300); n != nil {
		m.Window = time.Duration(*n) * time.Second
	}
	if m.BatchSize > 10 && m.Window == 0 {
		b.fail(p.line("BatchSize"), p.key("BatchSize"), "%d is more than 10, so MaximumBatchingWindowInSeconds must be at least 1", m.BatchSize)
	}
	scaling := p.sub("ScalingConfig")
	scaling.check("ScalingConfig", []string{"MaximumConcurrency"})
	if n := scaling.integer("MaximumConcurrency", 2, 1000); n != nil {
		m.MaximumConcurrency = *n
		if p.v.has("ProvisionedPollerConfig") && p.get("ProvisionedPollerConfig").kind != absent {
			b.fail(p.line("ProvisionedPollerConfig"), p.key("ProvisionedPollerConfig"), "excludes ScalingConfig.MaximumConcurrency; keep one of them")
		}
	}
	for _, kind := range p.texts("FunctionResponseTypes") {
		if kind != responseType {
			b.fail(p.line("FunctionResponseTypes"), p.key("FunctionResponseTypes"), "unknown type %q%s", kind, suggest(kind, []string{responseType}))
		}
		m.ReportBatchItemFailures = true
	}
	if p.v.has("FilterCriteria") {
		b.warn(p.line("FilterCriteria"), p.key("FilterCriteria"), "not emulated; the function gets every message, while on AWS those that do not match are deleted")
	}
}

// addMapping checks a mapping against its queue and adds it.
func (b *builder) addMapping(m *Mapping, fn *Function, line int, key string) {
	if m.QueueARN == "" {
		return
	}
	q := b.queues[m.QueueARN]
	if q == nil {
		b.fail(line, key, "no queue of the template has the ARN %s%s", m.QueueARN, suggest(m.QueueARN, b.queueARNs()))
		return
	}
	if seconds := int(fn.Timeout / time.Second); seconds > q.visibility {
		b.fail(m.Line, key, "Queue visibility timeout: %d seconds is less than Function timeout: %d seconds; raise VisibilityTimeout of %s, best to six times the function's Timeout",
			q.visibility, seconds, q.LogicalID)
	}
	for _, other := range b.template.Mappings {
		if other.QueueARN == m.QueueARN && other.FunctionName == m.FunctionName {
			b.fail(m.Line, key, "%s maps this queue to this function already (line %d)", other.LogicalID, other.Line)
		}
	}
	b.template.Mappings = append(b.template.Mappings, *m)
}

// function finds the function that the property FunctionName means: a name, an ARN, or part of one, with a qualifier or without.
// It gives nil when the function does not run here; then everything is said.
func (b *builder) function(p reader) (*Function, string) {
	given := p.text("FunctionName")
	if given == "" {
		if p.v.get("FunctionName").kind == absent {
			p.fail(p.v.line, p.key("FunctionName"), "is missing")
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
	p.fail(p.line("FunctionName"), p.key("FunctionName"), "no function of the template has the name %q%s", name, suggest(name, known))
	return nil, ""
}

func (b *builder) checkQualifier(fn *Function, qualifier string, line int, key string) {
	if qualifier != "" && qualifier != "$LATEST" && !digits.MatchString(qualifier) && !slices.Contains(fn.Aliases, qualifier) {
		b.fail(line, key, "%s has no alias %q%s", fn.LogicalID, qualifier, suggest(qualifier, fn.Aliases))
	}
}
