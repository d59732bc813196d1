package livetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/infra"
)

// A Misconfiguration is what somebody may do to a stack that was deployed from template.yaml of this repository.
type Misconfiguration struct {
	Rule string // that it breaks
	What string
	At   string   // logical id of the resource of a finding; "" for whichever
	Also []string // rules that it breaks too
	// Break makes the calls, and gives what takes them back.
	Break func(context.Context, *Target) (Undo, error)
	// Refused says why a real service, and LocalStack, refuses the calls. "": it obeys. [AWS] obeys everything.
	Refused string
}

// Name is that of its subtest.
func (m *Misconfiguration) Name() string { return "misconfiguration/" + m.Rule + "-" + m.What }

// Undo takes a misconfiguration back.
type Undo func(context.Context) error

// A Target is the stack that is broken.
type Target struct {
	Model *infra.Stack // as it was read while it was whole

	CloudFormation *cloudformation.Client
	SQS            *sqs.Client
	Lambda         *lambda.Client
	CloudWatch     *cloudwatch.Client
	IAM            *iam.Client
	Logs           *cloudwatchlogs.Client
	S3             *s3.Client
}

// NewTarget is a stack behind an endpoint.
func NewTarget(cfg aws.Config, model *infra.Stack) *Target {
	return &Target{
		Model: model, CloudFormation: cloudformation.NewFromConfig(cfg), SQS: sqs.NewFromConfig(cfg), Lambda: lambda.NewFromConfig(cfg),
		CloudWatch: cloudwatch.NewFromConfig(cfg), IAM: iam.NewFromConfig(cfg), Logs: cloudwatchlogs.NewFromConfig(cfg),
		S3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

// Misconfigurations gives one or more for every rule of package infra.
func Misconfigurations() []Misconfiguration {
	return slices.Concat(queueMisconfigurations, mappingMisconfigurations, functionMisconfigurations, roleMisconfigurations,
		alarmMisconfigurations(), storageMisconfigurations)
}

func (t *Target) queue(id string) infra.Queue {
	return find(t.Model.Queues, id, func(q infra.Queue) string { return q.ID })
}

func (t *Target) function(id string) infra.Function {
	return find(t.Model.Functions, id, func(f infra.Function) string { return f.ID })
}

func (t *Target) mapping(id string) infra.Mapping {
	return find(t.Model.Mappings, id, func(m infra.Mapping) string { return m.ID })
}

func (t *Target) role(id string) infra.Role {
	return find(t.Model.Roles, id, func(r infra.Role) string { return r.ID })
}

// find panics when the stack is not that of template.yaml: a mistake in the table.
func find[T any](list []T, id string, of func(T) string) T {
	for _, item := range list {
		if of(item) == id {
			return item
		}
	}
	panic(fmt.Sprintf("the stack has no %s", id))
}
