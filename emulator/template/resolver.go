package template

import (
	"slices"
	"strings"
)

// A resolver evaluates the values of one template. Evaluation is lazy: only what the model asks for is looked at.
type resolver struct {
	*report
	opts       *Options
	parameters map[string]*value
	mappings   *value
	conditions map[string]*condition
	resources  map[string]*resource
	order      []string // logical ids in the order of the template
	sam        bool     // the template names the SAM transform
	opaque     bool     // a macro or a loop makes resources that are not seen here

	names   map[string]*value // physical names and other single properties, once computed, by "LogicalID.Property"
	naming  map[string]bool   // those being computed
	current string            // logical id of the resource being read
	edges   map[string][]edge
	budget  int // bytes of text that evaluation may still make
}

// An edge is a reference from one resource to another.
type edge struct {
	to   string
	line int
}

// A resource is one entry of the Resources section, after Globals and Condition.
type resource struct {
	id, typ string
	line    int
	node    *value
	props   *value // with Globals merged in
	when    truth  // what its Condition says
	why     *value // when is maybe: the unknown value
}

func (res *resource) path() string { return "Resources." + res.id }

// dynamicReference starts a value that CloudFormation reads from Systems Manager or Secrets Manager.
const dynamicReference = "{{resolve:"

// maxText bounds the text that the functions of one template can make.
const maxText = 16 << 20

// eval gives a value without calls. Parts that only AWS knows are unknown; keys and items without a value are left out.
// key is the path for problems.
func (r *resolver) eval(v *value, key string) *value {
	switch v.kind {
	case text:
		if strings.Contains(v.text, dynamicReference) {
			return r.unknown(v.line, v.text, "the dynamic reference "+describe(v)+" is read by AWS")
		}
	case list:
		out := &value{kind: list, line: v.line}
		for _, item := range v.items {
			if e := r.eval(item, key); e.kind != absent {
				out.items = append(out.items, e)
			}
		}
		return out
	case mapping:
		out := &value{kind: mapping, line: v.line}
		for _, e := range v.keys {
			if item := r.eval(e.value, join(key, e.key)); item.kind != absent {
				out.keys = append(out.keys, entry{e.key, e.line, item})
			}
		}
		return out
	case call:
		return r.call(v, key).at(v.line)
	}
	return v
}

// unknown gives the value that the user gave for a name, or a value that cannot be computed.
func (r *resolver) unknown(line int, needs, why string) *value {
	if s, ok := r.opts.Values[needs]; ok {
		return textValue(line, s)
	}
	return unknownValue(line, needs, why)
}

// bad reports a problem and gives a value that nothing more is said about.
func (r *resolver) bad(line int, key, format string, args ...any) *value {
	r.fail(line, key, format, args...)
	return &value{kind: unknown, line: line}
}

// spend counts text made by a function against the budget.
func (r *resolver) spend(line int, key, s string) *value {
	if r.budget -= len(s); r.budget < 0 {
		return r.bad(line, key, "the functions of the template make more than %d MiB of text", maxText>>20)
	}
	return textValue(line, s)
}

// call evaluates one intrinsic function.
// Source: CloudFormation User Guide, "Intrinsic function reference".
func (r *resolver) call(v *value, key string) *value {
	if len(r.problems) >= maxProblems {
		return silent
	}
	switch v.text {
	case "Ref":
		return r.refCall(v, key)
	case "Fn::GetAtt":
		return r.getAttCall(v, key)
	case "Fn::Sub":
		return r.sub(v, key)
	case "Fn::Join":
		return r.join(v, key)
	case "Fn::Split":
		return r.split(v, key)
	case "Fn::Select":
		return r.selectItem(v, key)
	case "Fn::FindInMap":
		return r.findInMap(v, key)
	case "Fn::Base64":
		return r.base64(v, key)
	case "Fn::If":
		return r.ifCall(v, key)
	case "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition":
		t, why := r.truth(v, key)
		if t == maybe {
			return why
		}
		return boolValue(v.line, t == yes)
	case "Fn::ImportValue":
		name := r.eval(v.arg, key)
		if name.scalar() {
			return r.unknown(v.line, name.text, "the export "+describe(name)+" belongs to another stack")
		}
		return r.unknown(v.line, v.text, "an export belongs to another stack")
	}
	for _, long := range functions {
		if long == v.text {
			return r.unknown(v.line, v.text, v.text+" is not computed here")
		}
	}
	var known []string
	for _, long := range functions {
		known = append(known, long)
	}
	slices.Sort(known)
	return r.bad(v.line, key, "unknown function %s%s", v.text, suggest(v.text, known))
}

func (r *resolver) refCall(v *value, key string) *value {
	name := v.arg
	if !name.scalar() || name.text == "" {
		return r.bad(v.line, key, "Ref takes a name, not %s", name.kind)
	}
	return r.ref(name.text, v.line, key)
}

func (r *resolver) getAttCall(v *value, key string) *value {
	if v.arg.kind != list || len(v.arg.items) != 2 || v.arg.items[0].kind != text {
		return r.bad(v.line, key, "GetAtt takes a resource and an attribute, such as !GetAtt Work.Arn")
	}
	attr := r.eval(v.arg.items[1], key)
	switch {
	case attr.kind == unknown:
		return attr
	case !attr.scalar():
		return r.bad(v.line, key, "GetAtt takes the name of an attribute, not %s", attr.kind)
	}
	return r.attribute(v.arg.items[0].text, attr.text, v.line, key)
}

// ref gives the value of a Ref to a pseudo parameter, a parameter or a resource.
func (r *resolver) ref(name string, line int, key string) *value {
	if v, ok := r.pseudo(name, line); ok {
		return v
	}
	if s, ok := r.opts.Values[name]; ok {
		return textValue(line, s)
	}
	if v, ok := r.parameters[name]; ok {
		return v.at(line)
	}
	return r.resourceRef(name, line, key)
}

func (r *resolver) pseudo(name string, line int) (*value, bool) {
	switch name {
	case "AWS::Region":
		return textValue(line, r.opts.Region), true
	case "AWS::AccountId":
		return textValue(line, r.opts.AccountID), true
	case "AWS::StackName":
		return textValue(line, r.opts.StackName), true
	case "AWS::StackId":
		// The last part is random on AWS; here it is fixed, so that two runs give the same environment.
		return textValue(line, "arn:aws:cloudformation:"+r.opts.Region+":"+r.opts.AccountID+":stack/"+r.opts.StackName+"/00000000-0000-0000-0000-000000000000"), true
	case "AWS::Partition":
		return textValue(line, "aws"), true
	case "AWS::URLSuffix":
		return textValue(line, "amazonaws.com"), true
	case "AWS::NoValue":
		return nothing, true
	case "AWS::NotificationARNs":
		return &value{kind: list, line: line}, true
	}
	return nil, false
}
