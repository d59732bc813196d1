package live

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/offloadhq/offload/infra"
)

func (r *reader) readRole(ctx context.Context, res Resource) {
	name, path := res.PhysicalID, "Roles."+res.ID
	role := infra.Role{Resource: infra.Resource{ID: res.ID, Type: res.Type, Name: name, ARN: "arn:" + r.deployment.Partition + ":iam::" + r.deployment.Account + ":role/" + name}}
	got, err := r.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	switch kindOf(err) {
	case absent:
		return
	case fine:
		role.ARN = aws.ToString(got.Role.Arn)
		role.Trust = r.policy(path+".Trust", "iam:GetRole", aws.ToString(got.Role.AssumeRolePolicyDocument))
	default:
		r.note(path+".Trust", "iam:GetRole", err)
	}
	if kindOf(err) != unserved {
		r.readRolePolicies(ctx, &role)
		r.readAttached(ctx, &role)
	}
	r.add(func(s *infra.Stack) { s.Roles = append(s.Roles, role) })
}

func (r *reader) readRolePolicies(ctx context.Context, role *infra.Role) {
	path := "Roles." + role.ID + ".Statements"
	for next := (*string)(nil); ; {
		page, err := r.IAM.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role.Name, Marker: next})
		if err != nil {
			r.note(path, "iam:ListRolePolicies", err)
			return
		}
		for _, policy := range page.PolicyNames {
			got, err := r.IAM.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role.Name, PolicyName: &policy})
			if err != nil {
				r.note(path, "iam:GetRolePolicy", err)
				return
			}
			role.Statements = append(role.Statements, r.policy(path, "iam:GetRolePolicy", aws.ToString(got.PolicyDocument))...)
		}
		if next = page.Marker; !page.IsTruncated {
			return
		}
	}
}

func (r *reader) readAttached(ctx context.Context, role *infra.Role) {
	for next := (*string)(nil); ; {
		page, err := r.IAM.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role.Name, Marker: next})
		if err != nil {
			r.note("Roles."+role.ID+".ManagedPolicies", "iam:ListAttachedRolePolicies", err)
			return
		}
		for _, p := range page.AttachedPolicies {
			role.ManagedPolicies = append(role.ManagedPolicies, aws.ToString(p.PolicyArn))
		}
		if next = page.Marker; !page.IsTruncated {
			slices.Sort(role.ManagedPolicies)
			return
		}
	}
}

// readManagedPolicy reads the version of a managed policy that is in force.
func (r *reader) readManagedPolicy(ctx context.Context, res Resource) {
	arn, path := res.PhysicalID, "Policies."+res.ID+".Statements"
	policy := infra.ManagedPolicy{Resource: infra.Resource{ID: res.ID, Type: res.Type, Name: arn[strings.LastIndexByte(arn, '/')+1:], ARN: arn}}
	got, err := r.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	switch kindOf(err) {
	case absent:
		return
	case fine:
		version, err := r.IAM.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: got.Policy.DefaultVersionId})
		if err != nil {
			r.note(path, "iam:GetPolicyVersion", err)
			break
		}
		policy.Statements = r.policy(path, "iam:GetPolicyVersion", aws.ToString(version.PolicyVersion.Document))
	default:
		r.note(path, "iam:GetPolicy", err)
	}
	r.add(func(s *infra.Stack) { s.Policies = append(s.Policies, policy) })
}
