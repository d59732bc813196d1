package livetest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/offloadhq/offload/infra"
)

// inline makes a break that adds a policy with one statement to the worker's role. It is on the task queue when it names no resource.
func inline(s infra.Statement) func(context.Context, *Target) (Undo, error) {
	return func(ctx context.Context, t *Target) (Undo, error) {
		if len(s.Resources) == 0 {
			s.Resources = []string{t.queue("TaskQueue").ARN}
		}
		name, policy := t.role("WorkerRole").Name, "misconfiguration"
		_, err := t.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
			RoleName: &name, PolicyName: &policy, PolicyDocument: aws.String(document([]infra.Statement{s})),
		})
		return func(ctx context.Context) error {
			_, err := t.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &policy})
			return err
		}, err
	}
}

// lessForHosts takes the right to invoke away from the policy of web hosts.
func lessForHosts(ctx context.Context, t *Target) (Undo, error) {
	p := find(t.Model.Policies, "ProducerPolicy", func(p infra.ManagedPolicy) string { return p.ID })
	var kept []infra.Statement
	for _, s := range p.Statements {
		if s.Actions[0] != "lambda:InvokeFunction" {
			kept = append(kept, s)
		}
	}
	before, err := t.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &p.ARN})
	if err != nil {
		return nil, err
	}
	made, err := t.IAM.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &p.ARN, PolicyDocument: aws.String(document(kept)), SetAsDefault: true})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if _, err := t.IAM.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &p.ARN, VersionId: before.Policy.DefaultVersionId}); err != nil {
			return err
		}
		_, err := t.IAM.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &p.ARN, VersionId: made.PolicyVersion.VersionId})
		return err
	}, nil
}

// trust lets another account take the role of the bulk function.
func trust(ctx context.Context, t *Target) (Undo, error) {
	role := t.role("BulkRole")
	put := func(ctx context.Context, statements []infra.Statement) error {
		_, err := t.IAM.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &role.Name, PolicyDocument: aws.String(document(statements))})
		return err
	}
	stranger := infra.Statement{Effect: "Allow", Principals: []string{"AWS:arn:aws:iam::111111111111:root"}, Actions: []string{"sts:AssumeRole"}}
	return func(ctx context.Context) error { return put(ctx, role.Trust) }, put(ctx, append([]infra.Statement{stranger}, role.Trust...))
}

func attach(ctx context.Context, t *Target) (Undo, error) {
	name, arn := t.role("WorkerRole").Name, "arn:aws:iam::aws:policy/AdministratorAccess"
	_, err := t.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: &arn})
	return func(ctx context.Context) error {
		_, err := t.IAM.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &arn})
		return err
	}, err
}

var roleMisconfigurations = []Misconfiguration{
	{Rule: "H3-worker", What: "denied", At: "WorkerRole", Break: inline(infra.Statement{Effect: "Deny", Actions: []string{"sqs:DeleteMessage"}})},
	{Rule: "H3-producer", What: "cannot invoke", At: "ProducerPolicy", Break: lessForHosts},
	{Rule: "J3-actions", What: "the worker may purge", At: "WorkerRole", Break: inline(infra.Statement{Effect: "Allow", Actions: []string{"sqs:PurgeQueue"}})},
	{
		Rule: "J3-wildcard", What: "every resource", At: "WorkerRole",
		Break: inline(infra.Statement{Effect: "Allow", Actions: []string{"sqs:SendMessage"}, Resources: []string{"*"}}),
	},
	{Rule: "J3-kms", What: "a key from anywhere", At: "WorkerRole", Also: []string{"J3-actions"}, Break: inline(infra.Statement{
		Effect: "Allow", Actions: []string{"kms:Decrypt"}, Resources: []string{"arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"},
	})},
	{Rule: "J3-managed", What: "administrator", At: "WorkerRole", Break: attach},
	{Rule: "J3-trust", What: "another account", At: "BulkRole", Break: trust},
}
