package live

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/offloadhq/offload/infra"
)

// Options say how a stack is read. The zero value, and nil, mean the documented defaults.
type Options struct {
	// Deployed is the model of the template that was deployed. DeletionPolicy and UpdateReplacePolicy come from it, and which alias
	// is the function's. nil: those policies are not checked, and the first alias is.
	Deployed *infra.Stack
	// Concurrency is how many resources are read at once. Default 8.
	Concurrency int
	// Progress, if not nil, is told after each resource how many of how many are read. It is called by one goroutine at a time.
	Progress func(done, all int)
}

const defaultConcurrency = 8

// Read asks the services for the settings of every resource of the deployment. It makes some ten calls for each function,
// four for each role, and one to three for each other resource. What cannot be read is noted in the stack; the only error is that of ctx.
func Read(ctx context.Context, c Clients, d *Deployment, opts *Options) (*infra.Stack, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	r := &reader{
		Clients: c, deployment: d, deployed: o.Deployed,
		stack: &infra.Stack{Name: d.Name, Region: d.Region, Account: d.Account, Outputs: d.Outputs},
	}
	jobs := r.jobs()
	var group errgroup.Group
	group.SetLimit(o.Concurrency)
	done := 0
	for _, job := range jobs {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			job(ctx)
			r.mu.Lock()
			defer r.mu.Unlock()
			if done++; o.Progress != nil {
				o.Progress(done, len(jobs))
			}
			return nil
		})
	}
	if err := cmp.Or(group.Wait(), ctx.Err()); err != nil {
		return nil, err
	}
	r.finish()
	return r.stack, nil
}

// reader is one reading.
type reader struct {
	Clients
	deployment *Deployment
	deployed   *infra.Stack // nil when the template is not known

	mu    sync.Mutex
	stack *infra.Stack // guarded by mu while jobs run
}

// readers are the types that become lists of the model, and how one resource of each is read.
var readers = map[string]struct {
	list string
	read func(*reader, context.Context, Resource)
}{
	"AWS::SQS::Queue":         {"Queues", (*reader).readQueue},
	"AWS::Lambda::Function":   {"Functions", (*reader).readFunction},
	"AWS::IAM::Role":          {"Roles", (*reader).readRole},
	"AWS::IAM::ManagedPolicy": {"Policies", (*reader).readManagedPolicy},
	"AWS::S3::Bucket":         {"Buckets", (*reader).readBucket},
	"AWS::Logs::LogGroup":     {"LogGroups", (*reader).readLogGroup},
}

func (r *reader) jobs() []func(context.Context) {
	var jobs []func(context.Context)
	var alarms []Resource
	for _, res := range r.deployment.Resources {
		switch kind, ok := readers[res.Type]; {
		case ok:
			jobs = append(jobs, func(ctx context.Context) { kind.read(r, ctx, res) })
		case res.Type == typeAlarm:
			alarms = append(alarms, res)
		case res.Type != typeMapping && !infra.IsPart(res.Type):
			r.stack.Others = append(r.stack.Others, r.other(res))
		}
	}
	for part := range slices.Chunk(alarms, maxAlarmNames) {
		jobs = append(jobs, func(ctx context.Context) { r.readAlarms(ctx, part) })
	}
	return jobs
}

// Gone gives the paths of the resources of a deployment that answered, when the stack was read, that they are not there, sorted. What could
// not be read is not among them, and neither are mappings, which are not asked for by name.
func Gone(d *Deployment, s *infra.Stack) []string {
	there := make(map[string]bool)
	for _, res := range s.Resources() {
		there[res.ID] = true
	}
	var paths []string
	for _, res := range d.Resources {
		list := readers[res.Type].list
		if res.Type == typeAlarm {
			list = "Alarms"
		}
		path := list + "." + res.ID
		if _, unread := s.WhyUnread(path); list != "" && !there[res.ID] && !unread {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// other is a resource whose settings are not read.
func (r *reader) other(res Resource) infra.Resource {
	name, arn := res.PhysicalID, ""
	if strings.HasPrefix(name, "arn:") {
		arn = name
		name = name[strings.LastIndexAny(name, ":/")+1:]
	}
	return infra.Resource{ID: res.ID, Type: res.Type, Name: name, ARN: arn}
}

func (r *reader) add(put func(*infra.Stack)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	put(r.stack)
}

// note keeps that a part was not read because of err. A service that the endpoint does not have is noted once, for its list:
// of SQS and Lambda it is single operations that an endpoint lacks.
func (r *reader) note(path, action string, err error) {
	list, _, _ := strings.Cut(path, ".")
	service, _, _ := strings.Cut(action, ":")
	if name, ok := services[service]; ok && kindOf(err) == unserved {
		r.noteText(list, "this endpoint has no "+name)
		return
	}
	r.noteText(path, reason(action, err))
}

// services are those that have a list of the model to themselves, by their prefix in IAM.
var services = map[string]string{"iam": "IAM", "cloudwatch": "CloudWatch", "logs": "CloudWatch Logs", "s3": "S3"}

func (r *reader) noteText(path, why string) {
	r.add(func(s *infra.Stack) { s.NotRead(path, why) })
}

// policy reads a policy document that is at path.
func (r *reader) policy(path, action, document string) []infra.Statement {
	out, err := statements(document)
	if err != nil {
		r.noteText(path, action+": "+err.Error())
	}
	return out
}

// finish adds what the template knows, and gives each list the order of the logical ids.
func (r *reader) finish() {
	s := r.stack
	if r.deployment.Status == "" && r.deployed != nil {
		r.localOutputs()
	}
	finish(r, "Queues", s.Queues, func(q *infra.Queue) *infra.Resource { return &q.Resource })
	finish(r, "Functions", s.Functions, func(f *infra.Function) *infra.Resource { return &f.Resource })
	finish(r, "Mappings", s.Mappings, func(m *infra.Mapping) *infra.Resource { return &m.Resource })
	finish(r, "Roles", s.Roles, func(o *infra.Role) *infra.Resource { return &o.Resource })
	finish(r, "Policies", s.Policies, func(p *infra.ManagedPolicy) *infra.Resource { return &p.Resource })
	finish(r, "Alarms", s.Alarms, func(a *infra.Alarm) *infra.Resource { return &a.Resource })
	finish(r, "Buckets", s.Buckets, func(b *infra.Bucket) *infra.Resource { return &b.Resource })
	finish(r, "LogGroups", s.LogGroups, func(g *infra.LogGroup) *infra.Resource { return &g.Resource })
	finish(r, "Others", s.Others, func(o *infra.Resource) *infra.Resource { return o })
}

// localOutputs puts the URLs of the endpoint's queues where the template's outputs have those of AWS.
func (r *reader) localOutputs() {
	urls := make(map[string]string)
	for _, d := range r.deployed.Queues {
		for _, q := range r.stack.Queues {
			if q.ID == d.ID {
				urls[d.URL] = q.URL
			}
		}
	}
	outputs := make(map[string]string, len(r.stack.Outputs))
	for name, value := range r.stack.Outputs {
		outputs[name] = cmp.Or(urls[value], value)
	}
	r.stack.Outputs = outputs
}

func finish[T any](r *reader, list string, items []T, base func(*T) *infra.Resource) {
	policies := map[string]infra.Resource{}
	if r.deployed != nil {
		for _, res := range r.deployed.Resources() {
			policies[res.ID] = res
		}
	}
	for i := range items {
		b := base(&items[i])
		b.DeletionPolicy, b.UpdateReplacePolicy = "Delete", "Delete"
		if known, ok := policies[b.ID]; ok {
			b.DeletionPolicy, b.UpdateReplacePolicy = known.DeletionPolicy, known.UpdateReplacePolicy
		} else if r.deployed == nil {
			for _, field := range []string{".DeletionPolicy", ".UpdateReplacePolicy"} {
				r.stack.NotRead(list+"."+b.ID+field, cmp.Or(r.deployment.NoTemplate, "the template that was deployed is not known"))
			}
		}
	}
	slices.SortFunc(items, func(a, b T) int { return cmp.Compare(base(&a).ID, base(&b).ID) })
}
