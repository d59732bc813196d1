package livetest

import (
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/offloadhq/offload/infra"
)

type role struct {
	arn, trust string
	inline     map[string]string // documents by name
	attached   []string          // ARNs
}

type policy struct {
	versions map[string]string // documents by version
	current  string
}

func newRole(r *infra.Role) *role {
	out := &role{arn: r.ARN, trust: document(r.Trust), inline: map[string]string{}, attached: slices.Clone(r.ManagedPolicies)}
	for i, s := range r.Statements { // one policy each, so that there are pages
		out.inline["policy"+strconv.Itoa(i)] = document([]infra.Statement{s})
	}
	return out
}

// asRole makes an operation of what is done with its role.
func asRole(do func(r *role, in object) (object, *failure)) operation {
	return func(a *account, in object) (object, *failure) {
		r := a.roles[str(in["RoleName"])]
		if r == nil {
			return nil, missing("NoSuchEntity")
		}
		return do(r, in)
	}
}

// asPolicy makes an operation of what is done with its managed policy.
func asPolicy(do func(p *policy, in object) (object, *failure)) operation {
	return func(a *account, in object) (object, *failure) {
		p := a.policies[str(in["PolicyArn"])]
		if p == nil {
			return nil, missing("NoSuchEntity")
		}
		return do(p, in)
	}
}

// truncated is paged in the manner of IAM.
func truncated(list []any, marker any, name string) object {
	out := paged(list, marker, name, "Marker")
	out["IsTruncated"] = out["Marker"] != nil
	return out
}

var roleOperations = map[string]operation{
	"GetRole": asRole(func(r *role, in object) (object, *failure) {
		return object{"Role": object{"RoleName": in["RoleName"], "Arn": r.arn, "AssumeRolePolicyDocument": url.QueryEscape(r.trust)}}, nil
	}),
	"UpdateAssumeRolePolicy": asRole(func(r *role, in object) (object, *failure) {
		r.trust = str(in["PolicyDocument"])
		return object{}, nil
	}),
	"ListRolePolicies": asRole(func(r *role, in object) (object, *failure) {
		names := []any{}
		for _, name := range slices.Sorted(maps.Keys(r.inline)) {
			names = append(names, name)
		}
		return truncated(names, in["Marker"], "PolicyNames"), nil
	}),
	"GetRolePolicy": asRole(func(r *role, in object) (object, *failure) {
		name := str(in["PolicyName"])
		return object{"RoleName": in["RoleName"], "PolicyName": name, "PolicyDocument": url.QueryEscape(r.inline[name])}, nil
	}),
	"PutRolePolicy": asRole(func(r *role, in object) (object, *failure) {
		r.inline[str(in["PolicyName"])] = str(in["PolicyDocument"])
		return object{}, nil
	}),
	"DeleteRolePolicy": asRole(func(r *role, in object) (object, *failure) {
		delete(r.inline, str(in["PolicyName"]))
		return object{}, nil
	}),
	"ListAttachedRolePolicies": asRole(func(r *role, in object) (object, *failure) {
		list := []any{}
		for _, arn := range r.attached {
			list = append(list, object{"PolicyArn": arn})
		}
		return truncated(list, in["Marker"], "AttachedPolicies"), nil
	}),
	"AttachRolePolicy": asRole(func(r *role, in object) (object, *failure) {
		r.attached = append(r.attached, str(in["PolicyArn"]))
		return object{}, nil
	}),
	"DetachRolePolicy": asRole(func(r *role, in object) (object, *failure) {
		r.attached = slices.DeleteFunc(r.attached, func(arn string) bool { return arn == in["PolicyArn"] })
		return object{}, nil
	}),
	"GetPolicy": asPolicy(func(p *policy, in object) (object, *failure) {
		return object{"Policy": object{"Arn": in["PolicyArn"], "DefaultVersionId": p.current}}, nil
	}),
	"GetPolicyVersion": asPolicy(func(p *policy, in object) (object, *failure) {
		return object{"PolicyVersion": object{"VersionId": in["VersionId"], "Document": url.QueryEscape(p.versions[str(in["VersionId"])])}}, nil
	}),
	"CreatePolicyVersion": asPolicy(func(p *policy, in object) (object, *failure) {
		version := "v" + strconv.Itoa(len(p.versions)+1)
		p.versions[version] = str(in["PolicyDocument"])
		if in["SetAsDefault"] == "true" {
			p.current = version
		}
		return object{"PolicyVersion": object{"VersionId": version}}, nil
	}),
	"SetDefaultPolicyVersion": asPolicy(func(p *policy, in object) (object, *failure) {
		p.current = str(in["VersionId"])
		return object{}, nil
	}),
	"DeletePolicyVersion": asPolicy(func(p *policy, in object) (object, *failure) {
		delete(p.versions, str(in["VersionId"]))
		return object{}, nil
	}),
}
