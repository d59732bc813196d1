package doctor

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live"
)

// Where the names of resources and the template that was deployed come from.
const (
	SourceCloudFormation = "cloudformation"
	SourceTemplate       = "template" // the endpoint has no CloudFormation
)

// Version is that of the JSON form. It is raised when a field changes its meaning or goes; new fields may come without.
const Version = 1

// A Report is what offload doctor --json prints. Lists are never null, except Undeployed when there was nothing to compare with.
type Report struct {
	Version    int                `json:"version"`
	Stack      string             `json:"stack"`
	Region     string             `json:"region"`
	Account    string             `json:"account"`
	Status     string             `json:"status,omitempty"` // of the stack: UPDATE_COMPLETE
	Source     string             `json:"source"`           // cloudformation or template
	Resources  Resources          `json:"resources"`        // how many there are
	Rules      int                `json:"rules"`            // how many were checked wholly
	Incomplete int                `json:"incomplete"`       // how many were checked in part, or not at all: see NotChecked
	Findings   []infra.Finding    `json:"findings"`         // the worst first
	Gone       []string           `json:"gone"`             // resources that were deployed and are not there
	Drift      []infra.Difference `json:"drift"`            // want: what was deployed; have: what is in force
	Undeployed []infra.Difference `json:"undeployed"`       // want: what the file says; have: what was deployed
	NotChecked []NotChecked       `json:"notChecked"`
}

// Resources counts what the rules are about.
type Resources struct {
	Queues    int `json:"queues"`
	Functions int `json:"functions"`
	Mappings  int `json:"mappings"`
	Alarms    int `json:"alarms"`
}

// NotChecked is a part that could not be read: nobody knows whether it is good.
type NotChecked struct {
	Path  string   `json:"path"` // Roles.WorkerRole.Statements; drift or undeployed for a comparison as a whole
	Why   string   `json:"why"`
	Rules []string `json:"rules"` // that need it
}

func newReport(d *live.Deployment, s *infra.Stack) *Report {
	checked := infra.Check(s)
	r := &Report{
		Version: Version, Stack: d.Name, Region: d.Region, Account: d.Account, Status: d.Status, Source: SourceCloudFormation,
		Rules: checked.Checked, Incomplete: checked.Incomplete, Findings: checked.Findings, Drift: []infra.Difference{}, NotChecked: []NotChecked{},
		Gone:      append([]string{}, live.Gone(d, s)...),
		Resources: Resources{Queues: len(s.Queues), Functions: len(s.Functions), Mappings: len(s.Mappings), Alarms: len(s.Alarms)},
	}
	r.unread(s)
	for _, skip := range checked.Skipped {
		path := skip.Path
		for unread := range s.Unread {
			if path == unread || strings.HasPrefix(path, unread+".") {
				path = unread
			}
		}
		r.notChecked(path, skip.Why, skip.Rule)
	}
	return r
}

// unread adds what a reader could not see.
func (r *Report) unread(s *infra.Stack) {
	for _, path := range slices.Sorted(maps.Keys(s.Unread)) {
		r.notChecked(path, s.Unread[path])
	}
}

func (r *Report) notChecked(path, why string, rules ...string) {
	i := slices.IndexFunc(r.NotChecked, func(n NotChecked) bool { return n.Path == path && n.Why == why })
	if i < 0 {
		i = len(r.NotChecked)
		r.NotChecked = append(r.NotChecked, NotChecked{Path: path, Why: why, Rules: []string{}})
	}
	for _, rule := range rules {
		if n := &r.NotChecked[i]; !slices.Contains(n.Rules, rule) {
			n.Rules = append(n.Rules, rule)
		}
	}
}

// done brings the lists into their order.
func (r *Report) done() *Report {
	if r.Drift == nil {
		r.Drift = []infra.Difference{}
	}
	r.Gone = append(r.Gone, gone(r.Drift)...)
	slices.Sort(r.Gone)
	r.Gone = slices.Compact(r.Gone)
	slices.SortStableFunc(r.NotChecked, func(a, b NotChecked) int { return cmp.Compare(a.Path, b.Path) })
	return r
}

// Count is how many findings have a severity.
func (r *Report) Count(s infra.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Failed says that work is, or will be, lost or leaked: there is an error, or a resource is gone.
func (r *Report) Failed() bool { return r.Count(infra.Error) > 0 || len(r.Gone) > 0 }

// Unsure says that nobody knows whether work is lost or leaked: a rule whose findings are errors was not wholly checked, at an endpoint
// that has CloudFormation and so could tell. What runs on a laptop has no alarms and no roles to read.
func (r *Report) Unsure() bool {
	if r.Source != SourceCloudFormation {
		return false
	}
	for _, rule := range infra.Rules() {
		if rule.Severity == infra.Error && slices.ContainsFunc(r.NotChecked, func(n NotChecked) bool { return slices.Contains(n.Rules, rule.ID) }) {
			return true
		}
	}
	return false
}
