package template

import (
	"maps"
	"slices"
	"strings"

	"github.com/offloadhq/offload/internal/cfn"
)

// A builder makes the model from the resources.
type builder struct {
	*cfn.Resolver
	template   *Template
	queues     map[string]*queueRead // by ARN
	read       []*queueRead
	functions  []*Function
	skipped    map[string]bool // names of functions that do not run here
	configured map[*Function]bool
	pending    []*pendingDestination
}

func newBuilder(r *cfn.Resolver, file, dir string) *builder {
	return &builder{
		Resolver: r, template: &Template{File: file, Dir: dir}, queues: make(map[string]*queueRead), skipped: make(map[string]bool),
		configured: make(map[*Function]bool),
	}
}

// build reads the resources kind by kind, because each kind refers to those before it.
func (b *builder) build(root *cfn.Value) {
	b.GenerateQueues()
	b.each(b.addQueue, cfn.TypeQueue)
	b.each(b.addFunction, cfn.TypeServerlessFunction, cfn.TypeFunction)
	b.each(b.readAlias, cfn.TypeAlias)
	b.each(func(res *cfn.Resource) {
		if d := b.readInvokeConfig(res); d != nil {
			b.pending = append(b.pending, d)
		}
	}, cfn.TypeInvokeConfig)
	b.eachRunning(b.readEvents)
	b.each(b.readSourceMapping, cfn.TypeMapping)
	b.Current = ""
	b.checkQueues()
	b.checkDestinations()
	b.checkCycles()
	b.readOutputs(root.Get("Outputs"))
	b.warnOthers()
	for _, q := range b.creationOrder() {
		b.template.Queues = append(b.template.Queues, q.Queue)
	}
	for _, fn := range b.functions {
		b.template.Functions = append(b.template.Functions, *fn)
	}
	b.checkAnything()
}

// each calls read for each resource of the types that its Condition does not leave out.
func (b *builder) each(read func(*cfn.Resource), types ...string) {
	for _, id := range slices.Clone(b.Order) {
		res := b.Resources[id]
		if !slices.Contains(types, res.Type) || res.When == cfn.No {
			continue
		}
		b.Current = id
		if res.When == cfn.Maybe {
			b.Uncomputable(res.Why.At(res.Line), res.Path()+".Condition")
			continue
		}
		read(res)
	}
}

func (b *builder) eachRunning(read func(*cfn.Resource, *Function)) {
	for _, fn := range b.functions {
		if res := b.Resources[fn.LogicalID]; res.Type == cfn.TypeServerlessFunction {
			read(res, fn)
		}
	}
}

func (b *builder) addQueue(res *cfn.Resource) {
	q := b.readQueue(res)
	if q.Name == "" {
		return
	}
	if first := b.queues[q.ARN]; first != nil {
		b.Fail(res.Line, q.path+".QueueName", "%s has the name %q already (line %d)", first.LogicalID, q.Name, first.Line)
		return
	}
	b.queues[q.ARN] = q
	b.read = append(b.read, q)
}

func (b *builder) addFunction(res *cfn.Resource) {
	if reason := b.skipReason(res); reason != "" {
		b.Warn(res.Line, res.Path(), "skipped: %s, and only Go programs and other executables for provided.al2023 run here", reason)
		b.skipped[b.PhysicalName(res).Text] = true
		return
	}
	fn := b.readFunction(res, b.template.Dir)
	if fn.Name == "" {
		return
	}
	for _, other := range b.functions {
		if other.Name == fn.Name {
			b.Fail(res.Line, res.Path()+".Properties.FunctionName", "%s has the name %q already (line %d)", other.LogicalID, fn.Name, other.Line)
			return
		}
	}
	b.functions = append(b.functions, fn)
	if res.Type == cfn.TypeServerlessFunction && res.Props.Has("EventInvokeConfig") {
		b.configured[fn] = true
		b.Current = res.ID + "EventInvokeConfig"
		if d := b.readServerlessAsync(res, fn); d != nil {
			b.pending = append(b.pending, d)
		}
	}
}

// queueARNs gives the ARNs that a misspelt one may mean.
func (b *builder) queueARNs() []string {
	if len(b.queues) > cfn.MaxKnown {
		return nil
	}
	return slices.Sorted(maps.Keys(b.queues))
}

// checkQueues holds the redrive policies against the queues that they name.
// Source: SQS Developer Guide, "Configure a dead-letter queue" and "Dead-letter queue redrive allow policy".
func (b *builder) checkQueues() {
	for _, q := range b.read {
		if q.target == "" {
			continue
		}
		key := q.path + ".RedrivePolicy.deadLetterTargetArn"
		target := b.queues[q.target]
		switch {
		case target == nil:
			b.Fail(q.targetLine, key, "no queue of the template has the ARN %s%s", q.target, cfn.Suggest(q.target, b.queueARNs()))
		case target == q:
			b.Fail(q.targetLine, key, "a queue cannot be its own dead-letter queue")
		case target.permission == "denyAll", target.permission == "byQueue" && !slices.Contains(target.sources, q.ARN):
			b.Fail(q.targetLine, key, "the RedriveAllowPolicy of %s does not let %s use it as a dead-letter queue", target.LogicalID, q.LogicalID)
		}
	}
}

func (b *builder) checkDestinations() {
	for _, d := range b.pending {
		if arn := d.fn.Async.OnFailure; arn != "" && b.queues[arn] == nil {
			b.Fail(d.line, d.key, "no queue of the template has the ARN %s%s", arn, cfn.Suggest(arn, b.queueARNs()))
		}
	}
}

// creationOrder gives the queues with each dead-letter queue before those that name it, else in the order of the template.
func (b *builder) creationOrder() []*queueRead {
	var out []*queueRead
	placed := make(map[*queueRead]bool)
	var place func(q *queueRead)
	place = func(q *queueRead) {
		if q == nil || placed[q] {
			return
		}
		placed[q] = true
		place(b.queues[q.target])
		out = append(out, q)
	}
	for _, q := range b.read {
		place(q)
	}
	return out
}

// checkCycles finds references in a circle, which CloudFormation refuses.
func (b *builder) checkCycles() {
	state := make(map[string]int) // 1: on the way, 2: done
	var way []string
	var visit func(id string)
	visit = func(id string) {
		state[id] = 1
		way = append(way, id)
		for _, e := range b.Edges[id] {
			switch state[e.To] {
			case 0:
				visit(e.To)
			case 1:
				circle := append(slices.Clone(way[slices.Index(way, e.To):]), e.To)
				hint := "build one of the ARNs with !Sub from a fixed name"
				if e.To == id && strings.HasSuffix(b.Resources[id].Type, "::Function") {
					hint = "a function finds its own name in AWS_LAMBDA_FUNCTION_NAME"
				}
				b.Fail(e.Line, "Resources."+id, "circular dependency, which CloudFormation refuses: %s; %s", strings.Join(circle, " -> "), hint)
			}
		}
		way = way[:len(way)-1]
		state[id] = 2
	}
	for _, id := range slices.Sorted(maps.Keys(b.Edges)) {
		if state[id] == 0 {
			visit(id)
		}
	}
}

// checkAnything reports a template in which nothing runs.
func (b *builder) checkAnything() {
	if len(b.template.Queues)+len(b.template.Functions) > 0 || len(b.Problems) > 0 {
		return
	}
	if len(b.skipped) > 0 {
		b.Fail(0, "Resources", "nothing in the template runs here: it has no queue, and its functions are not Go programs (%s)",
			cfn.Few(slices.Sorted(maps.Keys(b.skipped))))
		return
	}
	b.Fail(0, "Resources", "nothing in the template runs here: it has no queue and no function")
}
