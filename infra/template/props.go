package template

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/internal/cfn"
)

// props reads the properties of one resource, or of a map inside it. A value that cannot be computed is noted as not read.
type props struct {
	*loader
	res  *cfn.Resource
	v    *cfn.Value
	path string // in the template
	at   string // in the model: Queues.TaskQueue
}

func (l *loader) props(res *cfn.Resource, list string) props {
	return props{loader: l, res: res, v: res.Props, path: res.Path() + ".Properties", at: list + "." + res.ID}
}

// sub reads a map inside. The field is what of the model it is about.
func (p props) sub(name, field string) props {
	return props{loader: p.loader, res: p.res, v: p.value(name, field), path: cfn.Join(p.path, name), at: p.at}
}

// value evaluates a property. When it, or a part of it, is unknown, the field of the model is noted as not read; the parts that are
// known are given.
func (p props) value(name, field string) *cfn.Value {
	v := p.Eval(p.v.Get(name), cfn.Join(p.path, name))
	if u := firstUnknown(v); u != nil {
		p.stack.NotRead(p.at+"."+field, u.Why)
	}
	if v.Kind == cfn.Unknown {
		return cfn.Nothing
	}
	return v
}

func firstUnknown(v *cfn.Value) *cfn.Value {
	if v.Kind == cfn.Unknown {
		return v
	}
	for _, item := range v.Items {
		if u := firstUnknown(item); u != nil {
			return u
		}
	}
	for _, e := range v.Keys {
		if u := firstUnknown(e.Value); u != nil {
			return u
		}
	}
	return nil
}

func (p props) text(name, field, otherwise string) string {
	v := p.value(name, field)
	switch {
	case v.Scalar():
		return v.Text
	case v.Kind != cfn.Absent:
		p.Fail(v.Line, cfn.Join(p.path, name), "must be a string, not %s", v.Kind)
	}
	return otherwise
}

func (p props) integer(name, field string, otherwise int) int {
	v := p.value(name, field)
	if v.Kind == cfn.Absent {
		return otherwise
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil || !v.Scalar() {
		p.Fail(v.Line, cfn.Join(p.path, name), "must be an integer, not %q", v.Text)
	}
	return n
}

func (p props) seconds(name, field string, otherwise int) time.Duration {
	return time.Duration(p.integer(name, field, otherwise)) * time.Second
}

func (p props) number(name, field string) float64 {
	v := p.value(name, field)
	if v.Kind == cfn.Absent {
		return 0
	}
	n, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || !v.Scalar() {
		p.Fail(v.Line, cfn.Join(p.path, name), "must be a number, not %q", v.Text)
	}
	return n
}

func (p props) boolean(name, field string, otherwise bool) bool {
	switch strings.ToLower(p.text(name, field, "")) {
	case "true":
		return true
	case "false":
		return false
	}
	return otherwise
}

// texts reads a list of strings, or one string in its place, sorted.
func (p props) texts(name, field string) []string { return texts(p.value(name, field)) }

func texts(v *cfn.Value) []string {
	var out []string
	if v.Scalar() {
		out = append(out, v.Text)
	}
	for _, item := range v.Items {
		if item.Scalar() {
			out = append(out, item.Text)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// resource reads what every resource has.
func (l *loader) resource(res *cfn.Resource) infra.Resource {
	policy := func(name string) string {
		if v := l.Eval(res.Node.Get(name), res.Path()+"."+name); v.Scalar() {
			return v.Text
		}
		return "Delete"
	}
	r := infra.Resource{
		ID: res.ID, Type: res.Type, Line: res.Line,
		DeletionPolicy: policy("DeletionPolicy"), UpdateReplacePolicy: policy("UpdateReplacePolicy"),
	}
	if name := l.PhysicalName(res); name.Kind != cfn.Unknown && cfn.HasName(res.Type) {
		r.Name = name.Text
	}
	if arn := l.ARN(res, res.Path()); arn.Kind != cfn.Unknown {
		r.ARN = arn.Text
	}
	return r
}

// base is resource, with a name or an ARN that cannot be computed noted as not read.
func (p props) base() infra.Resource {
	r := p.loader.resource(p.res)
	if name := p.PhysicalName(p.res); name.Kind == cfn.Unknown {
		p.stack.NotRead(p.at+".Name", name.Why)
	}
	return r
}
