package infra

import (
	"slices"
	"strings"
)

// A Stack is one deployment of a template: the resources that the rules are about, with the values that are in force. A
// reader fills in AWS's own defaults (a visibility timeout of 30 s, say), so that a template and an account that say the
// same give equal models. It is plain data: whoever made it may change it, and only then.
//
// What a reader could not see is named in Unread. A zero value elsewhere means what it says: no dead-letter queue, not
// reserved, no filter.
type Stack struct {
	Name      string
	Region    string
	Account   string
	Queues    []Queue
	Functions []Function
	Mappings  []Mapping
	Roles     []Role
	Policies  []ManagedPolicy
	Alarms    []Alarm
	Buckets   []Bucket
	LogGroups []LogGroup
	Others    []Resource        // resources of other types; their settings are not read
	Outputs   map[string]string // by name
	Unread    map[string]string // what was not read, by path, with the reason: see NotRead
}

// A Resource is what every resource has. ID is its logical id in the template, and what two models of one template have in
// common: names and ARNs differ with the account.
type Resource struct {
	ID                  string
	Type                string // as CloudFormation names it: AWS::SQS::Queue
	Name                string // physical name
	ARN                 string // without a qualifier; "" for a type that has none
	DeletionPolicy      string // Delete when the template does not say
	UpdateReplacePolicy string // Delete when the template does not say
	Line                int    // line in the template; 0 when the reader has none
}

// base lets code that is about all kinds of resources reach what they share.
func (r Resource) base() Resource { return r }

// NotRead notes that a part of the stack could not be read, and why. A path is the name of a list ("Alarms"), a resource in it
// ("Alarms.DeadLetters") or one of its fields ("Queues.TaskQueue.Policy"). A rule that needs it is then reported as not checked.
func (s *Stack) NotRead(path, why string) {
	if s.Unread == nil {
		s.Unread = make(map[string]string)
	}
	s.Unread[path] = why
}

// WhyUnread says whether the part at path, or a part that holds it, was not read, and why.
func (s *Stack) WhyUnread(path string) (why string, unread bool) {
	for {
		if why, unread = s.Unread[path]; unread {
			return why, true
		}
		cut := strings.LastIndexByte(path, '.')
		if cut < 0 {
			return "", false
		}
		path = path[:cut]
	}
}

// Queue gives the queue with an ARN, or nil.
func (s *Stack) Queue(arn string) *Queue {
	return find(s.Queues, func(q *Queue) bool { return arn != "" && q.ARN == arn })
}

// Function gives the function that an ARN names and the qualifier in it ("" for none), or nil.
func (s *Stack) Function(arn string) (fn *Function, qualifier string) {
	fn = find(s.Functions, func(f *Function) bool { return f.ARN != "" && (arn == f.ARN || strings.HasPrefix(arn, f.ARN+":")) })
	if fn == nil {
		return nil, ""
	}
	return fn, strings.TrimPrefix(strings.TrimPrefix(arn, fn.ARN), ":")
}

// Role gives the role with an ARN, or nil.
func (s *Stack) Role(arn string) *Role {
	return find(s.Roles, func(r *Role) bool { return arn != "" && r.ARN == arn })
}

// MappingsOf gives the mappings that read the queue.
func (s *Stack) MappingsOf(q *Queue) []*Mapping {
	var out []*Mapping
	for i := range s.Mappings {
		if s.Mappings[i].QueueARN == q.ARN {
			out = append(out, &s.Mappings[i])
		}
	}
	return out
}

// SourcesOf gives the other queues whose redrive policy names the queue.
func (s *Stack) SourcesOf(q *Queue) []*Queue {
	var out []*Queue
	for i := range s.Queues {
		if s.Queues[i].DeadLetterARN == q.ARN && s.Queues[i].ARN != q.ARN {
			out = append(out, &s.Queues[i])
		}
	}
	return out
}

// IsDeadLetterQueue says whether a redrive policy or an OnFailure destination of the stack ends in the queue.
func (s *Stack) IsDeadLetterQueue(q *Queue) bool {
	if len(s.SourcesOf(q)) > 0 {
		return true
	}
	return slices.ContainsFunc(s.Functions, func(f Function) bool {
		return f.DeadLetterARN == q.ARN || slices.ContainsFunc(f.Async, func(a Async) bool { return a.OnFailure == q.ARN })
	})
}

func find[T any](list []T, is func(*T) bool) *T {
	for i := range list {
		if is(&list[i]) {
			return &list[i]
		}
	}
	return nil
}

// Resources gives what all resources of the stack have in common, list by list.
func (s *Stack) Resources() []Resource {
	var out []Resource
	out = bases(out, s.Queues)
	out = bases(out, s.Functions)
	out = bases(out, s.Mappings)
	out = bases(out, s.Roles)
	out = bases(out, s.Policies)
	out = bases(out, s.Alarms)
	out = bases(out, s.Buckets)
	out = bases(out, s.LogGroups)
	return bases(out, s.Others)
}

func bases[T interface{ base() Resource }](out []Resource, list []T) []Resource {
	for _, r := range list {
		out = append(out, r.base())
	}
	return out
}

// parts are the types of resources that a Stack holds as parts of others.
var parts = []string{
	"AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Url", "AWS::Lambda::Permission",
	"AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy", "AWS::S3::BucketPolicy",
}

// IsPart says whether a type of resources stands in the model as a part of others (an alias of its function, a queue policy of
// its queue), and so not in Others.
func IsPart(typ string) bool { return slices.Contains(parts, typ) }
