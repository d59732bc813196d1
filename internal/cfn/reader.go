package cfn

import (
	"slices"
	"strconv"
	"strings"
)

// A Reader reads the properties of one resource, or of a map inside it. What it gives is computed; what cannot be read
// is reported, and the zero value stands in for it.
type Reader struct {
	*Resolver
	V    *Value
	Path string
}

// Key gives the path of one property.
func (p Reader) Key(name string) string { return Join(p.Path, name) }

// Get evaluates one property. An unknown value is reported, because whoever asks needs it.
func (p Reader) Get(name string) *Value {
	v := p.Eval(p.V.Get(name), p.Key(name))
	if v.Kind == Unknown {
		p.Uncomputable(v, p.Key(name))
		return silent
	}
	return v
}

// Uncomputable reports a value that something that runs needs. A value without a reason was reported when it was found.
func (r *Resolver) Uncomputable(v *Value, key string) {
	if v.Why != "" {
		r.add(Problem{Line: v.Line, Key: key, Needs: v.needs, Text: v.Why + "; it is needed here, so give a value for " + strconv.Quote(v.needs)})
	}
}

// Text gives a scalar as it is written; "" when it is not set.
func (p Reader) Text(name string) string {
	v := p.Get(name)
	switch {
	case v.Scalar():
		return v.Text
	case v.Kind != Absent && v.Kind != Unknown:
		p.Fail(v.Line, p.Key(name), "must be a string, not %s", v.Kind)
	}
	return ""
}

// Integer gives nil when the property is not set, or not an integer from least to most.
func (p Reader) Integer(name string, least, most int) *int {
	v := p.Get(name)
	if v.Kind == Absent || v.Kind == Unknown {
		return nil
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil || !v.Scalar() {
		p.Fail(v.Line, p.Key(name), "must be an integer, not %s", describe(v))
		return nil
	}
	if n < least || n > most {
		p.Fail(v.Line, p.Key(name), "must be from %d to %d, not %d", least, most, n)
		return nil
	}
	return &n
}

// Boolean gives a boolean, or otherwise when it is not set.
func (p Reader) Boolean(name string, otherwise bool) bool {
	v := p.Get(name)
	switch strings.ToLower(v.Text) {
	case "true":
		return true
	case "false":
		return false
	}
	if v.Kind != Absent && v.Kind != Unknown {
		p.Fail(v.Line, p.Key(name), "must be true or false, not %s", describe(v))
	}
	return otherwise
}

// Sub gives a reader of a map inside. Its values are computed already; unknown parts are reported when they are read.
func (p Reader) Sub(name string) Reader {
	v := p.Get(name)
	if v.Kind != Absent && v.Kind != Unknown && v.Kind != Map {
		p.Fail(v.Line, p.Key(name), "must be a map, not %s", v.Kind)
	}
	return Reader{p.Resolver, v, p.Key(name)}
}

// Texts gives a list of scalars.
func (p Reader) Texts(name string) []string {
	v := p.Get(name)
	if v.Kind == Absent || v.Kind == Unknown {
		return nil
	}
	if v.Kind != List {
		p.Fail(v.Line, p.Key(name), "must be a list, not %s", v.Kind)
		return nil
	}
	var out []string
	for _, item := range v.Items {
		switch {
		case item.Kind == Unknown:
			p.Uncomputable(item, p.Key(name))
		case !item.Scalar():
			p.Fail(item.Line, p.Key(name), "must be a list of strings; one item is %s", item.Kind)
		default:
			out = append(out, item.Text)
		}
	}
	return out
}

// Line gives the line of a property, or that of the map when it is not set.
func (p Reader) Line(name string) int {
	for _, e := range p.V.Keys {
		if e.Key == name {
			return e.Line
		}
	}
	return p.V.Line
}

// Check reports the properties that are in none of the lists.
func (p Reader) Check(what string, known ...[]string) {
	if p.V.Kind != Map {
		return
	}
	all := slices.Concat(known...)
	for _, e := range p.V.Keys {
		switch {
		case slices.Contains(all, e.Key):
		case strings.HasPrefix(e.Key, "Fn::"):
			p.Warn(e.Line, p.Key(e.Key), "not expanded here; what it adds is missing")
		default:
			p.Fail(e.Line, p.Key(e.Key), "unknown property of %s%s", what, Suggest(e.Key, all))
		}
	}
}

// Choice gives a text that must be one of those allowed; "" when it is not set.
func (p Reader) Choice(name string, allowed ...string) string {
	s := p.Text(name)
	if s != "" && !slices.Contains(allowed, s) {
		p.Fail(p.Line(name), p.Key(name), "must be %s, not %q%s", strings.Join(allowed, " or "), s, Suggest(s, allowed))
	}
	return s
}

// Policy reads a property that is a map, or a map in JSON.
func (p Reader) Policy(name string) (Reader, bool) {
	v := p.Get(name)
	if v.Kind == Text {
		inner := NewReport(p.file)
		if v = parseJSON(inner, []byte(v.Text)); v == nil || len(inner.Problems) > 0 {
			p.Fail(p.Line(name), p.Key(name), "must be a map, or a map in JSON")
			return Reader{}, false
		}
		v = relined(v, p.Line(name))
	}
	switch v.Kind {
	case Map:
		return Reader{p.Resolver, v, p.Key(name)}, true
	case Absent, Unknown:
	default:
		p.Fail(v.Line, p.Key(name), "must be a map, not %s", v.Kind)
	}
	return Reader{}, false
}

// relined gives a value that was read from a text, with the line of the text throughout.
func relined(v *Value, line int) *Value {
	c := *v.At(line)
	c.Items, c.Keys = slices.Clone(c.Items), slices.Clone(c.Keys)
	for i := range c.Items {
		c.Items[i] = relined(c.Items[i], line)
	}
	for i := range c.Keys {
		c.Keys[i].Line, c.Keys[i].Value = line, relined(c.Keys[i].Value, line)
	}
	if c.arg != nil {
		c.arg = relined(c.arg, line)
	}
	return &c
}
