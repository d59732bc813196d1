// Package doctor is offload doctor: it reads a live stack, holds it against the rules, compares it with what was deployed,
// and tells what it found and what it could not check.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live"
	"github.com/offloadhq/offload/infra/template"
)

// Options say what is looked at.
type Options struct {
	Stack string // name or ARN
	// Template is a file that the deployed stack is compared with; where there is no CloudFormation it gives the names of
	// everything too. "": no comparison.
	Template string
	// Parameters of the file. Default: the stack's values, and the file's own defaults.
	Parameters map[string]string
	Region     string // of the endpoint, for an endpoint without CloudFormation
	// Progress is told how many of how many resources are read. nil: nobody is.
	Progress func(done, all int)
}

// Examine reads the stack and judges it. An error means that it could not be read at all; what could not be read in part is in
// the report.
func Examine(ctx context.Context, c live.Clients, o *Options) (*Report, error) {
	d, err := live.Find(ctx, c.CloudFormation, o.Stack)
	if errors.Is(err, live.ErrNoCloudFormation) {
		return examineLocal(ctx, c, o)
	}
	if err != nil {
		return nil, err
	}
	deployed := deployedModel(d)
	s, err := live.Read(ctx, c, d, &live.Options{Deployed: deployed, Progress: o.Progress})
	if err != nil {
		return nil, fmt.Errorf("stack %q: %w", o.Stack, err)
	}
	if err := worthIt(d, s); err != nil {
		return nil, err
	}
	r := newReport(d, s)
	if deployed == nil {
		r.notChecked("drift", d.NoTemplate)
	} else {
		r.Drift = infra.Diff(deployed, s)
		r.unread(deployed)
	}
	if o.Template != "" {
		file, err := fileModel(o, d)
		if err != nil {
			return nil, err
		}
		if deployed == nil {
			r.notChecked("undeployed", d.NoTemplate)
		} else {
			r.Undeployed = append([]infra.Difference{}, infra.Diff(file, deployed)...) // not nil: it was compared
		}
	}
	return r.done(), nil
}

// examineLocal is for an endpoint without CloudFormation: the file says what there is.
func examineLocal(ctx context.Context, c live.Clients, o *Options) (*Report, error) {
	if o.Template == "" {
		return nil, fmt.Errorf("stack %q: %w: name the template that runs there with --template FILE", o.Stack, live.ErrNoCloudFormation)
	}
	file, err := template.Load(o.Template, &template.Options{Parameters: o.Parameters, Region: o.Region, StackName: o.Stack})
	if err != nil {
		return nil, err
	}
	d := live.FromTemplate(file)
	s, err := live.Read(ctx, c, d, &live.Options{Deployed: file, Progress: o.Progress})
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", o.Template, err)
	}
	r := newReport(d, s)
	r.Source = SourceTemplate
	r.Drift = infra.Diff(file, s)
	r.unread(file)
	return r.done(), nil
}

// worthIt refuses a stack of something else: no rule would find anything in it, and that would look good.
func worthIt(d *live.Deployment, s *infra.Stack) error {
	for _, r := range d.Resources {
		if r.Type == "AWS::SQS::Queue" || r.Type == "AWS::Lambda::Function" {
			return nil
		}
	}
	return fmt.Errorf("stack %q: has no queue and no function, so there is nothing to check: is it the right stack?", s.Name)
}

// deployedModel reads the template that was deployed; nil with a reason in d when it cannot be.
func deployedModel(d *live.Deployment) *infra.Stack {
	if d.Template == nil {
		return nil
	}
	s, err := template.Parse("the deployed template", d.Template, templateOptions(d, d.Template, nil))
	if err != nil {
		d.NoTemplate = err.Error()
		return nil
	}
	return s
}

// fileModel reads the file as it would be deployed to the stack.
func fileModel(o *Options, d *live.Deployment) (*infra.Stack, error) {
	data, err := os.ReadFile(o.Template)
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", o.Template, err)
	}
	return template.Load(o.Template, templateOptions(d, data, o.Parameters))
}

// hidden is what CloudFormation tells of a parameter with NoEcho.
const hidden = "****"

// templateOptions are those of a template for the stack: its parameters have the stack's values, as far as the template has them and
// CloudFormation tells, or those that are given.
func templateOptions(d *live.Deployment, data []byte, given map[string]string) *template.Options {
	var declares struct {
		Parameters map[string]yaml.Node `yaml:"Parameters"`
	}
	_ = yaml.Unmarshal(data, &declares) // the reader of templates says what is wrong
	parameters := maps.Clone(d.Parameters)
	maps.DeleteFunc(parameters, func(name, value string) bool {
		_, declared := declares.Parameters[name]
		return !declared || value == hidden
	})
	for name, value := range given {
		if parameters == nil {
			parameters = make(map[string]string)
		}
		parameters[name] = value
	}
	return &template.Options{Parameters: parameters, Region: d.Region, AccountID: d.Account, StackName: d.Name}
}

// gone gives the resources that were deployed and are not there. A mapping is seen here only: live.Gone does not ask for it by name.
func gone(drift []infra.Difference) []string {
	var paths []string
	for _, d := range drift {
		if d.Have == "" && d.Want == "the resource" {
			paths = append(paths, d.Path)
		}
	}
	return paths
}
