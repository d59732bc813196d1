package template

import (
	"cmp"
	"slices"
	"strings"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/internal/cfn"
)

// document reads the statements of a policy document.
// Source: IAM User Guide, "IAM JSON policy elements reference".
func (p props) document(name, field string) []infra.Statement {
	return statements(p.value(name, field).Get("Statement"))
}

func statements(v *cfn.Value) []infra.Statement {
	items := v.Items
	if v.Kind == cfn.Map {
		items = []*cfn.Value{v}
	}
	var out []infra.Statement
	for _, item := range items {
		if item.Kind != cfn.Map {
			continue
		}
		out = append(out, infra.Statement{
			Sid: item.Get("Sid").Text, Effect: item.Get("Effect").Text,
			Principals: principals(item.Get("Principal")), NotPrincipals: principals(item.Get("NotPrincipal")),
			Actions: texts(item.Get("Action")), NotActions: texts(item.Get("NotAction")),
			Resources: texts(item.Get("Resource")), NotResources: texts(item.Get("NotResource")),
			Conditions: conditions(item.Get("Condition")),
		})
	}
	return out
}

func principals(v *cfn.Value) []string {
	if v.Scalar() {
		return []string{v.Text}
	}
	var out []string
	for _, e := range v.Keys {
		for _, id := range texts(e.Value) {
			out = append(out, e.Key+":"+id)
		}
	}
	slices.Sort(out)
	return out
}

func conditions(v *cfn.Value) []infra.Condition {
	var out []infra.Condition
	for _, operator := range v.Keys {
		for _, e := range operator.Value.Keys {
			out = append(out, infra.Condition{Operator: operator.Key, Key: e.Key, Values: texts(e.Value)})
		}
	}
	slices.SortFunc(out, func(a, b infra.Condition) int {
		return cmp.Or(cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.Key, b.Key))
	})
	return out
}

func (l *loader) readRole(p props) {
	r := infra.Role{
		Resource: p.base(), Trust: p.document("AssumeRolePolicyDocument", "Trust"),
		ManagedPolicies: p.texts("ManagedPolicyArns", "ManagedPolicies"),
	}
	for _, policy := range p.value("Policies", "Statements").Items {
		r.Statements = append(r.Statements, statements(policy.Get("PolicyDocument").Get("Statement"))...)
	}
	l.stack.Roles = append(l.stack.Roles, r)
}

func (l *loader) readManagedPolicy(p props) {
	m := infra.ManagedPolicy{Resource: p.base(), Statements: p.document("PolicyDocument", "Statements")}
	l.stack.Policies = append(l.stack.Policies, m)
}

// readPolicy reads an AWS::IAM::Policy, which is part of the roles that it names.
func (l *loader) readPolicy(p props) { p.addToRoles(p.texts("Roles", "Statements")) }

func (l *loader) readRolePolicy(p props) { p.addToRoles(p.texts("RoleName", "Statements")) }

func (p props) addToRoles(names []string) {
	for i := range p.stack.Roles {
		if r := &p.stack.Roles[i]; slices.Contains(names, r.Name) {
			at := p
			at.at = "Roles." + r.ID
			r.Statements = append(r.Statements, at.document("PolicyDocument", "Statements")...)
		}
	}
}

// readPermission reads an AWS::Lambda::Permission as the statement that AWS makes of it.
// Source: Lambda API reference, AddPermission.
func (l *loader) readPermission(p props) {
	fn, qualifier := l.function(p.text("FunctionName", "Policy", ""))
	if fn == nil {
		return
	}
	p.at = "Functions." + fn.ID
	principal := p.text("Principal", "Policy", "")
	switch {
	case strings.HasSuffix(principal, ".amazonaws.com"):
		principal = "Service:" + principal
	case principal != "*":
		principal = "AWS:" + principal
	}
	s := infra.Statement{Effect: "Allow", Principals: []string{principal}, Actions: p.texts("Action", "Policy"), Resources: []string{qualified(fn.ARN, qualifier)}}
	for _, c := range []struct{ prop, operator, key string }{
		{"SourceArn", "ArnLike", "AWS:SourceArn"},
		{"EventSourceToken", "StringEquals", "lambda:EventSourceToken"},
		{"FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"},
		{"PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"},
		{"SourceAccount", "StringEquals", "AWS:SourceAccount"},
		{"InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"},
	} {
		if v := p.text(c.prop, "Policy", ""); v != "" {
			s.Conditions = append(s.Conditions, infra.Condition{Operator: c.operator, Key: c.key, Values: []string{v}})
		}
	}
	fn.Policy = append(fn.Policy, s)
}
