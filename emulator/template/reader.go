package template

import (
	"slices"
	"strconv"
	"strings"
)

// A reader reads the properties of one resource, or of a map inside it. What it gives is computed; what cannot be read
// is reported, and the zero value stands in for it.
type reader struct {
	*resolver
	v    *value
	path string
}

func (p reader) key(name string) string { return join(p.path, name) }

// get evaluates one property. An unknown value is reported, because whoever asks needs it.
func (p reader) get(name string) *value {
	v := p.eval(p.v.get(name), p.key(name))
	if v.kind == unknown {
		p.uncomputable(v, p.key(name))
		return silent
	}
	return v
}

// uncomputable reports a value that something that runs needs. A value without a reason was reported when it was found.
func (r *resolver) uncomputable(v *value, key string) {
	if v.why != "" {
		r.add(Problem{Line: v.line, Key: key, Needs: v.needs, Text: v.why + "; it is needed here, so give a value for " + strconv.Quote(v.needs)})
	}
}

func (p reader) text(name string) string {
	v := p.get(name)
	switch {
	case v.scalar():
		return v.text
	case v.kind != absent && v.kind != unknown:
		p.fail(v.line, p.key(name), "must be a string, not %s", v.kind)
	}
	return ""
}

// integer gives nil when the property is not set, or not an integer from least to most.
func (p reader) integer(name string, least, most int) *int {
	v := p.get(name)
	if v.kind == absent || v.kind == unknown {
		return nil
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || !v.scalar() {
		p.fail(v.line, p.key(name), "must be an integer, not %s", describe(v))
		return nil
	}
	if n < least || n > most {
		p.fail(v.line, p.key(name), "must be from %d to %d, not %d", least, most, n)
		return nil
	}
	return &n
}

func (p reader) boolean(name string, otherwise bool) bool {
	v := p.get(name)
	switch strings.ToLower(v.text) {
	case "true":
		return true
	case "false":
		return false
	}
	if v.kind != absent && v.kind != unknown {
		p.fail(v.line, p.key(name), "must be true or false, not %s", describe(v))
	}
	return otherwise
}

// sub gives a reader of a map inside. Its values are computed already; unknown parts are reported when they are read.
func (p reader) sub(name string) reader {
	v := p.get(name)
	if v.kind != absent && v.kind != unknown && v.kind != mapping {
		p.fail(v.line, p.key(name), "must be a map, not %s", v.kind)
	}
	return reader{p.resolver, v, p.key(name)}
}

func (p reader) texts(name string) []string {
	v := p.get(name)
	if v.kind == absent || v.kind == unknown {
		return nil
	}
	if v.kind != list {
		p.fail(v.line, p.key(name), "must be a list, not %s", v.kind)
		return nil
	}
	var out []string
	for _, item := range v.items {
		switch {
		case item.kind == unknown:
			p.uncomputable(item, p.key(name))
		case !item.scalar():
			p.fail(item.line, p.key(name), "must be a list of strings; one item is %s", item.kind)
		default:
			out = append(out, item.text)
		}
	}
	return out
}

// line gives the line of a property, or that of the map when it is not set.
func (p reader) line(name string) int {
	for _, e := range p.v.keys {
		if e.key == name {
			return e.line
		}
	}
	return p.v.line
}

// check reports the properties that are in none of the lists.
func (p reader) check(what string, known ...[]string) {
	if p.v.kind != mapping {
		return
	}
	all := slices.Concat(known...)
	for _, e := range p.v.keys {
		switch {
		case slices.Contains(all, e.key):
		case strings.HasPrefix(e.key, "Fn::"):
			p.warn(e.line, p.key(e.key), "not expanded here; what it adds is missing")
		default:
			p.fail(e.line, p.key(e.key), "unknown property of %s%s", what, suggest(e.key, all))
		}
	}
}
