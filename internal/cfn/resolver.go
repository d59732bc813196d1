package cfn

import (
	"slices"
	"strings"
)

// A Resolver evaluates the values of one template. Evaluation is lazy: only what the model asks for is looked at.
type Resolver struct {
	*Report
	Options    *Options
	global     []string // properties of Globals.Function
	parameters map[string]*Value
	mappings   *Value
	conditions map[string]*condition
	Resources  map[string]*Resource
	Order      []string // logical ids in the order of the template
	sam        bool     // the template names the SAM transform
	opaque     bool     // a macro or a loop makes resources that are not seen here

	names   map[string]*Value // physical names and other single properties, once computed, by "LogicalID.Property"
	naming  map[string]bool   // those being computed
	Current string            // logical id of the resource being read
	Edges   map[string][]edge
	budget  int // bytes of text that evaluation may still make
}

// An edge is a reference from one resource to another.
type edge struct {
	To   string
	Line int
}

// A Resource is one entry of the Resources section, after Globals and Condition.
type Resource struct {
	ID, Type string
	Line     int
	Node     *Value
	Props    *Value // with Globals merged in
	When     Truth  // what its Condition says
	Why      *Value // when is maybe: the unknown value
}

// Path is the path of the resource in the template.
func (res *Resource) Path() string { return "Resources." + res.ID }

// dynamicReference starts a value that CloudFormation reads from Systems Manager or Secrets Manager.
const dynamicReference = "{{resolve:"

// maxText bounds the text that the functions of one template can make.
const maxText = 16 << 20

// Eval gives a value without calls. Parts that only AWS knows are unknown; keys and items without a value are left out.
// key is the path for problems.
func (r *Resolver) Eval(v *Value, key string) *Value {
	switch v.Kind {
	case Text:
		if strings.Contains(v.Text, dynamicReference) {
			return r.unknown(v.Line, v.Text, "the dynamic reference "+describe(v)+" is read by AWS")
		}
	case List:
		out := &Value{Kind: List, Line: v.Line}
		for _, item := range v.Items {
			if e := r.Eval(item, key); e.Kind != Absent {
				out.Items = append(out.Items, e)
			}
		}
		return out
	case Map:
		out := &Value{Kind: Map, Line: v.Line}
		for _, e := range v.Keys {
			if item := r.Eval(e.Value, Join(key, e.Key)); item.Kind != Absent {
				out.Keys = append(out.Keys, Entry{e.Key, e.Line, item})
			}
		}
		return out
	case call:
		return r.call(v, key).At(v.Line)
	}
	return v
}

// unknown gives the value that the user gave for a name, or a value that cannot be computed.
func (r *Resolver) unknown(line int, needs, why string) *Value {
	if s, ok := r.Options.Values[needs]; ok {
		return textValue(line, s)
	}
	return unknownValue(line, needs, why)
}

// bad reports a problem and gives a value that nothing more is said about.
func (r *Resolver) bad(line int, key, format string, args ...any) *Value {
	r.Fail(line, key, format, args...)
	return &Value{Kind: Unknown, Line: line}
}

// spend counts text made by a function against the budget.
func (r *Resolver) spend(line int, key, s string) *Value {
	if r.budget -= len(s); r.budget < 0 {
		return r.bad(line, key, "the functions of the template make more than %d MiB of text", maxText>>20)
	}
	return textValue(line, s)
}

// call evaluates one intrinsic function.
// Source: CloudFormation User Guide, "Intrinsic function reference".
func (r *Resolver) call(v *Value, key string) *Value {
	if len(r.Problems) >= maxProblems {
		return silent
	}
	switch v.Text {
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
		if t == Maybe {
			return why
		}
		return boolValue(v.Line, t == Yes)
	case "Fn::ImportValue":
		name := r.Eval(v.arg, key)
		if name.Scalar() {
			return r.unknown(v.Line, name.Text, "the export "+describe(name)+" belongs to another stack")
		}
		return r.unknown(v.Line, v.Text, "an export belongs to another stack")
	}
	for _, long := range functions {
		if long == v.Text {
			return r.unknown(v.Line, v.Text, v.Text+" is not computed here")
		}
	}
	var known []string
	for _, long := range functions {
		known = append(known, long)
	}
	slices.Sort(known)
	return r.bad(v.Line, key, "unknown function %s%s", v.Text, Suggest(v.Text, known))
}

func (r *Resolver) refCall(v *Value, key string) *Value {
	name := v.arg
	if !name.Scalar() || name.Text == "" {
		return r.bad(v.Line, key, "Ref takes a name, not %s", name.Kind)
	}
	return r.ref(name.Text, v.Line, key)
}

func (r *Resolver) getAttCall(v *Value, key string) *Value {
	if v.arg.Kind != List || len(v.arg.Items) != 2 || v.arg.Items[0].Kind != Text {
		return r.bad(v.Line, key, "GetAtt takes a resource and an attribute, such as !GetAtt Work.Arn")
	}
	attr := r.Eval(v.arg.Items[1], key)
	switch {
	case attr.Kind == Unknown:
		return attr
	case !attr.Scalar():
		return r.bad(v.Line, key, "GetAtt takes the name of an attribute, not %s", attr.Kind)
	}
	return r.Attribute(v.arg.Items[0].Text, attr.Text, v.Line, key)
}

// ref gives the value of a Ref to a pseudo parameter, a parameter or a resource.
func (r *Resolver) ref(name string, line int, key string) *Value {
	if v, ok := r.pseudo(name, line); ok {
		return v
	}
	if s, ok := r.Options.Values[name]; ok {
		return textValue(line, s)
	}
	if v, ok := r.parameters[name]; ok {
		return v.At(line)
	}
	return r.resourceRef(name, line, key)
}

func (r *Resolver) pseudo(name string, line int) (*Value, bool) {
	switch name {
	case "AWS::Region":
		return textValue(line, r.Options.Region), true
	case "AWS::AccountId":
		return textValue(line, r.Options.AccountID), true
	case "AWS::StackName":
		return textValue(line, r.Options.StackName), true
	case "AWS::StackId":
		// The last part is random on AWS; here it is fixed, so that two runs give the same environment.
		return textValue(line, "arn:aws:cloudformation:"+r.Options.Region+":"+r.Options.AccountID+":stack/"+r.Options.StackName+"/00000000-0000-0000-0000-000000000000"), true
	case "AWS::Partition":
		return textValue(line, "aws"), true
	case "AWS::URLSuffix":
		return textValue(line, "amazonaws.com"), true
	case "AWS::NoValue":
		return Nothing, true
	case "AWS::NotificationARNs":
		return &Value{Kind: List, Line: line}, true
	}
	return nil, false
}

// Reader gives a reader of a map that stands at a path.
func (r *Resolver) Reader(v *Value, path string) Reader { return Reader{r, v, path} }

// Properties gives a reader of the properties of a resource.
func (r *Resolver) Properties(res *Resource) Reader {
	return r.Reader(res.Props, res.Path()+".Properties")
}
