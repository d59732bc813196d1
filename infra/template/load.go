package template

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/internal/cfn"
)

// Options say how a template is read. The zero value, and nil, mean the documented defaults.
type Options struct {
	// Parameters override the defaults of the template's parameters. A name that the template does not declare is an error.
	Parameters map[string]string

	Region    string // default us-east-1
	AccountID string // 12 digits; default 000000000000
	StackName string // default offload
}

// Load reads the template in file. It reads that file and nothing else, and may be called concurrently.
// The error joins every problem found, each with file, line and key.
func Load(file string, opts *Options) (*infra.Stack, error) {
	data, _, err := cfn.Open(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, data, opts)
}

// Parse reads a template that is in memory, as AWS CloudFormation gives it. The name stands in for the file in errors.
func Parse(name string, data []byte, opts *Options) (*infra.Stack, error) {
	if opts == nil {
		opts = &Options{}
	}
	o, err := cfn.Options{Parameters: opts.Parameters, Region: opts.Region, AccountID: opts.AccountID, StackName: opts.StackName}.Filled()
	if err != nil {
		return nil, err
	}
	o.QueueURL = func(queue string) string {
		return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", o.Region, o.AccountID, queue)
	}
	report := cfn.NewReport(name)
	root := cfn.Parse(report, data)
	if root == nil || len(report.Problems) > 0 {
		return nil, report.Err()
	}
	l := &loader{
		Resolver: cfn.Resolve(report, root, &o), functions: make(map[string]*infra.Function),
		stack: &infra.Stack{Name: o.StackName, Region: o.Region, Account: o.AccountID, Outputs: make(map[string]string)},
	}
	l.read(root)
	if err := report.Err(); err != nil {
		return nil, err
	}
	return l.stack, nil
}

// A loader fills the model from the resources.
type loader struct {
	*cfn.Resolver
	stack     *infra.Stack
	functions map[string]*infra.Function // by name, while what hangs on them is read
	order     []*infra.Function
}

// readers are the types that become lists of the model, and how each is read.
var readers = map[string]struct {
	list string
	read func(*loader, props)
}{
	cfn.TypeQueue:              {"Queues", (*loader).readQueue},
	cfn.TypeFunction:           {"Functions", (*loader).readFunction},
	cfn.TypeServerlessFunction: {"Functions", (*loader).readServerless},
	cfn.TypeMapping:            {"Mappings", (*loader).readMapping},
	"AWS::IAM::Role":           {"Roles", (*loader).readRole},
	"AWS::IAM::ManagedPolicy":  {"Policies", (*loader).readManagedPolicy},
	"AWS::CloudWatch::Alarm":   {"Alarms", (*loader).readAlarm},
	"AWS::S3::Bucket":          {"Buckets", (*loader).readBucket},
	"AWS::Logs::LogGroup":      {"LogGroups", (*loader).readLogGroup},
}

// parts are read after the resources that they belong to; list is what cannot be known when their condition cannot.
var parts = map[string]struct {
	list string
	read func(*loader, props)
}{
	cfn.TypeAlias:                 {"Functions", (*loader).readAlias},
	cfn.TypeInvokeConfig:          {"Functions", (*loader).readInvokeConfig},
	"AWS::Lambda::Url":            {"Functions", (*loader).readURL},
	"AWS::Lambda::Permission":     {"Functions", (*loader).readPermission},
	"AWS::IAM::Policy":            {"Roles", (*loader).readPolicy},
	"AWS::IAM::RolePolicy":        {"Roles", (*loader).readRolePolicy},
	"AWS::SQS::QueuePolicy":       {"Queues", (*loader).readQueuePolicy},
	"AWS::SQS::QueueInlinePolicy": {"Queues", (*loader).readQueuePolicy},
	"AWS::S3::BucketPolicy":       {"Buckets", (*loader).readBucketPolicy},
}

func (l *loader) read(root *cfn.Value) {
	l.GenerateQueues()
	l.each(func(res *cfn.Resource) {
		switch kind, ok := readers[res.Type]; {
		case ok:
			kind.read(l, l.props(res, kind.list))
		case !infra.IsPart(res.Type):
			l.stack.Others = append(l.stack.Others, l.resource(res))
		}
	}, func(typ string) string { return readers[typ].list })
	l.each(func(res *cfn.Resource) {
		if part, ok := parts[res.Type]; ok {
			part.read(l, l.props(res, part.list))
		}
	}, func(typ string) string { return parts[typ].list })
	l.Current = ""
	l.finishFunctions()
	l.readOutputs(root.Get("Outputs"))
	l.sort()
}

// each calls read for every resource that its condition does not leave out. list names what is not known when the
// condition is not.
func (l *loader) each(read func(*cfn.Resource), list func(typ string) string) {
	for _, id := range slices.Clone(l.Order) {
		res := l.Resources[id]
		switch {
		case res.When == cfn.No:
		case res.When == cfn.Yes:
			l.Current = id
			read(res)
		case list(res.Type) != "":
			l.stack.NotRead(list(res.Type), "whether "+id+" exists cannot be known: "+res.Why.Why)
		}
	}
}

func (l *loader) readOutputs(section *cfn.Value) {
	for _, e := range cfn.SectionEntries(l.Report, section, "Outputs") {
		path := "Outputs." + e.Key
		if c := e.Value.Get("Condition"); c.Kind == cfn.Text {
			switch when, why := l.Named(c.Text, c.Line, path+".Condition"); when {
			case cfn.No:
				continue
			case cfn.Maybe:
				l.stack.NotRead(path, why.Why)
				continue
			}
		}
		switch v := l.Eval(e.Value.Get("Value"), path+".Value"); {
		case v.Kind == cfn.Unknown:
			l.stack.NotRead(path, v.Why)
		case v.Scalar():
			l.stack.Outputs[e.Key] = v.Text
		}
	}
}

// sort gives each list the order of the logical ids, so that two readings of one stack are equal.
func (l *loader) sort() {
	s := l.stack
	sortByID(s.Queues, func(q *infra.Queue) string { return q.ID })
	sortByID(s.Functions, func(f *infra.Function) string { return f.ID })
	sortByID(s.Mappings, func(m *infra.Mapping) string { return m.ID })
	sortByID(s.Roles, func(r *infra.Role) string { return r.ID })
	sortByID(s.Policies, func(p *infra.ManagedPolicy) string { return p.ID })
	sortByID(s.Alarms, func(a *infra.Alarm) string { return a.ID })
	sortByID(s.Buckets, func(b *infra.Bucket) string { return b.ID })
	sortByID(s.LogGroups, func(g *infra.LogGroup) string { return g.ID })
	sortByID(s.Others, func(r *infra.Resource) string { return r.ID })
}

func sortByID[T any](list []T, id func(*T) string) {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(id(&a), id(&b)) })
}
