package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/offloadhq/offload/infra"
)

// ErrNoCloudFormation says that the endpoint has no CloudFormation.
var ErrNoCloudFormation = errors.New("the endpoint has no CloudFormation")

// ErrNoStack says that there is no such stack.
var ErrNoStack = errors.New("there is no such stack")

// A Deployment is a stack as CloudFormation knows it.
type Deployment struct {
	Name       string
	Partition  string // aws
	Region     string
	Account    string
	Status     string            // UPDATE_COMPLETE; "" when it does not come from CloudFormation
	Parameters map[string]string // as given or by default; those with NoEcho are ****
	Outputs    map[string]string
	Resources  []Resource
	Template   []byte // what was deployed, its transforms done where CloudFormation tells; nil when it could not be read
	NoTemplate string // why Template is nil
}

// A Resource is a resource that CloudFormation has made.
type Resource struct {
	ID         string // logical
	Type       string // AWS::SQS::Queue
	PhysicalID string // what Ref gives; of a queue the URL, or its name
}

// Find asks CloudFormation for the stack with a name or an ARN. It is four calls, and one more for each further hundred resources. The error
// wraps ErrNoStack, ErrNoCloudFormation or what the SDK says. A template that may not be read is no error.
func Find(ctx context.Context, c CloudFormation, name string) (*Deployment, error) {
	d, err := find(ctx, c, name)
	if err != nil {
		return nil, fmt.Errorf("stack %q: %w", name, err)
	}
	return d, nil
}

func find(ctx context.Context, c CloudFormation, name string) (*Deployment, error) {
	out, err := c.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case kindOf(err) == unserved:
		return nil, fmt.Errorf("%w: %w", ErrNoCloudFormation, err)
	case codeOf(err) == "ValidationError" && strings.Contains(err.Error(), "does not exist"):
		return nil, ErrNoStack
	case err != nil:
		return nil, errors.New(reason("cloudformation:DescribeStacks", err))
	case len(out.Stacks) == 0:
		return nil, ErrNoStack
	}
	d := described(&out.Stacks[0])
	if d.Status == string(types.StackStatusDeleteComplete) { // asked for by its ARN
		return nil, ErrNoStack
	}
	for next := (*string)(nil); ; {
		page, err := c.ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: &name, NextToken: next})
		if err != nil {
			return nil, errors.Join(ctx.Err(), errors.New(reason("cloudformation:ListStackResources", err)))
		}
		for _, r := range page.StackResourceSummaries {
			if r.ResourceStatus != types.ResourceStatusDeleteComplete && aws.ToString(r.PhysicalResourceId) != "" {
				d.Resources = append(d.Resources, Resource{ID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType), PhysicalID: aws.ToString(r.PhysicalResourceId)})
			}
		}
		if next = page.NextToken; next == nil {
			break
		}
	}
	if len(d.Resources) == 0 {
		return nil, fmt.Errorf("it is %s and has no resources: is its deployment done?", d.Status)
	}
	if d.Template, err = deployedTemplate(ctx, c, name); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d.NoTemplate = err.Error()
	}
	return d, nil
}

func described(s *types.Stack) *Deployment {
	d := &Deployment{
		Name: aws.ToString(s.StackName), Status: string(s.StackStatus), Parameters: make(map[string]string), Outputs: make(map[string]string),
	}
	if arn := strings.Split(aws.ToString(s.StackId), ":"); len(arn) > 5 {
		d.Partition, d.Region, d.Account = arn[1], arn[3], arn[4]
	}
	for _, p := range s.Parameters {
		d.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
		if p.ResolvedValue != nil { // of a parameter that names one of SSM
			d.Parameters[*p.ParameterKey] = *p.ResolvedValue
		}
	}
	for _, o := range s.Outputs {
		d.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return d
}

// FromTemplate is the deployment of a template's model on an endpoint without CloudFormation, where resources have the
// names that the model gives them.
func FromTemplate(s *infra.Stack) *Deployment {
	d := &Deployment{Name: s.Name, Partition: "aws", Region: s.Region, Account: s.Account, Outputs: s.Outputs}
	arns := make(map[string]string) // of those whose Ref is their ARN
	for _, p := range s.Policies {
		arns[p.ID] = p.ARN
	}
	for _, o := range s.Others {
		arns[o.ID] = o.ARN
	}
	for _, r := range s.Resources() {
		d.Resources = append(d.Resources, Resource{ID: r.ID, Type: r.Type, PhysicalID: cmp.Or(arns[r.ID], r.Name)})
	}
	return d
}

// arn is the ARN of something in the deployment's region, made of its service and what follows the account.
func (d *Deployment) arn(service, rest string) string {
	return "arn:" + d.Partition + ":" + service + ":" + d.Region + ":" + d.Account + ":" + rest
}
