package infra

import (
	"maps"
	"slices"
	"strings"
)

const (
	pageRecursion    = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html"
	pageDestinations = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
)

var functionRules = []Rule{
	{
		ID: "D6-recursion", Severity: Warning,
		Title: "Lambda stops a function that starts itself again and again",
		Why: "A task that fires itself runs for ever and is paid for. The worker's hop budget stops it after 100 hops, but not what reaches the function " +
			"by another way.",
		Fix:  "set RecursiveLoop of the function to Terminate, or leave it out",
		Page: pageRecursion, check: checkRecursion,
	},
	{
		ID: "D7-onfailure", Severity: Error,
		Title: "asynchronous events that fail for good go to a standard queue of the stack",
		Why:   "An event that crashes, times out or is throttled for six hours is dropped.",
		Fix:   "set EventInvokeConfig.DestinationConfig.OnFailure of the function to the ARN of its dead-letter queue",
		Page:  pageDestinations, check: checkOnFailure,
	},
	{
		ID: "D7-qualifier", Severity: Error,
		Title: "callers, the event source mapping and the event invoke configuration name the same qualifier of a function",
		Why: "An event invoke configuration belongs to one qualifier, and SAM binds it to the alias. An event sent to another one, the function without its " +
			"alias for instance, has no OnFailure destination: it is dropped when it fails.",
		Fix:  "use !Ref Function.Alias in the output, in the producer's policy and in the mapping",
		Page: pageDestinations, check: checkQualifier,
	},
}

func checkRecursion(r *run) {
	if !r.known("Functions") {
		return
	}
	for i := range r.Functions {
		if fn := &r.Functions[i]; r.known("Functions."+fn.ID+".RecursiveLoop") && fn.RecursiveLoop == "Allow" {
			r.found(fn, "RecursiveLoop", "Allow: the recursion stop is off")
		}
	}
}

// A lane is a way by which asynchronous events reach a function: an output that hosts call, or a policy that lets them.
type lane struct {
	fn        *Function
	qualifier string // as Async names it
	by        string // Output WorkerFunction
	at        *ManagedPolicy
}

// lanes gives the lanes to functions that run tasks, in a fixed order. Those run tasks that a queue feeds, and the one that
// the output WorkerFunction names.
func (s *Stack) lanes() []lane {
	var out []lane
	tasks := s.workers()
	if fn, _ := s.Function(s.Outputs[directLane]); fn != nil {
		tasks = append(tasks, fn)
	}
	add := func(arn, by string, at *ManagedPolicy) {
		fn, qualifier := s.Function(arn)
		if slices.Contains(tasks, fn) && !wild(qualifier) { // wildcards have a rule of their own
			if qualifier == "" {
				qualifier = unqualified
			}
			out = append(out, lane{fn, qualifier, by, at})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Outputs)) {
		add(s.Outputs[name], "Output "+name, nil)
	}
	for i := range s.Policies {
		p := &s.Policies[i]
		for _, st := range p.Statements {
			if st.Effect == "Allow" && slices.Contains(st.Actions, "lambda:InvokeFunction") {
				for _, arn := range st.Resources {
					add(arn, "policy "+p.ID, p)
				}
			}
		}
	}
	return out
}

const unqualified = "$LATEST"

func (f *Function) async(qualifier string) *Async {
	return find(f.Async, func(a *Async) bool { return a.Qualifier == qualifier })
}

func checkOnFailure(r *run) {
	if !r.known("Outputs", "Policies", "Functions", "Mappings") {
		return
	}
	_ = r.known(append(r.policyPaths(), r.mappingPaths()...)...) // lanes that are known are judged
	done := make(map[*Function]bool)
	for _, l := range r.lanes() {
		fn := l.fn
		if done[fn] || !r.known("Functions."+fn.ID+".Async") {
			continue
		}
		done[fn] = true
		if len(fn.Async) == 0 {
			r.found(fn, "Async", "there is no event invoke configuration, and %s leads to the function", l.by)
		}
		for _, a := range fn.Async {
			switch q := r.Queue(a.OnFailure); {
			case a.OnFailure == "":
				r.found(fn, "Async", "the configuration of %s has no OnFailure destination", a.Qualifier)
			case q == nil:
				r.found(fn, "Async", "the OnFailure destination of %s is no queue of the stack: %s", a.Qualifier, a.OnFailure)
			case q.FIFO:
				r.found(fn, "Async", "the OnFailure destination of %s is the FIFO queue %s, and Lambda takes standard ones only", a.Qualifier, q.ID)
			}
		}
	}
}

func checkQualifier(r *run) {
	if !r.known("Outputs", "Policies", "Functions", "Mappings") {
		return
	}
	_ = r.known(append(r.policyPaths(), r.mappingPaths()...)...) // lanes that are known are judged
	called := make(map[*Function][]string)
	for _, l := range r.lanes() {
		if !r.known("Functions." + l.fn.ID + ".Async") {
			continue
		}
		called[l.fn] = append(called[l.fn], l.qualifier)
		if len(l.fn.Async) == 0 || l.fn.async(l.qualifier) != nil { // no configuration at all is D7-onfailure
			continue
		}
		var at interface{ base() Resource } = l.fn
		if l.at != nil {
			at = l.at
		}
		r.found(at, "", "%s leads to %s of %s, and the event invoke configuration is that of %s", l.by, l.qualifier, l.fn.ID, l.fn.Async[0].Qualifier)
	}
	for i := range r.Mappings {
		m := &r.Mappings[i]
		fn, qualifier := r.Function(m.FunctionARN)
		if qualifier == "" {
			qualifier = unqualified
		}
		if fn != nil && len(called[fn]) > 0 && fn.async(qualifier) == nil && len(fn.Async) > 0 && r.known("Mappings."+m.ID+".FunctionARN") {
			r.found(m, "FunctionARN", "the mapping calls %s of %s, and hosts call %s", qualifier, fn.ID, strings.Join(called[fn], " and "))
		}
	}
}
