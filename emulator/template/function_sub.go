package template

import (
	"regexp"
	"strings"
)

var subName = regexp.MustCompile(`\$\{([^{}]*)\}`)

// sub evaluates Fn::Sub: a text with ${Name}, ${Name.Attribute} and ${!Literal}, and optionally a map of names of its own.
func (r *resolver) sub(v *value, key string) *value {
	pattern, vars := v.arg, nothing
	if v.arg.kind == list && len(v.arg.items) == 2 {
		pattern, vars = v.arg.items[0], v.arg.items[1]
	}
	if !pattern.scalar() || vars.kind != absent && vars.kind != mapping {
		return r.bad(v.line, key, "Sub takes a string, or a list of a string and a map")
	}
	var out strings.Builder
	var missing *value
	last := 0
	parts := make(map[string]*value) // each name is evaluated once, or nested Subs would double the work at each level
	for _, m := range subName.FindAllStringSubmatchIndex(pattern.text, -1) {
		out.WriteString(pattern.text[last:m[0]])
		last = m[1]
		name := pattern.text[m[2]:m[3]]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			out.WriteString("${" + literal + "}")
			continue
		}
		name = strings.TrimSpace(name)
		part, seen := parts[name]
		if !seen {
			part = r.subPart(name, vars, v.line, key)
			parts[name] = part
		}
		switch {
		case part.kind == unknown:
			if missing == nil || missing.why == "" {
				missing = part
			}
		case !part.scalar():
			missing = r.bad(v.line, key, "${%s} is %s; Sub takes strings only", name, part.kind)
		case out.Len()+len(part.text) > maxFileBytes:
			return r.bad(v.line, key, "Sub makes a string of more than %d bytes", maxFileBytes)
		default:
			out.WriteString(part.text)
		}
	}
	if missing != nil {
		return missing
	}
	out.WriteString(pattern.text[last:])
	// A dynamic reference may be put together from parts.
	return r.eval(r.spend(v.line, key, out.String()), key)
}

func (r *resolver) subPart(name string, vars *value, line int, key string) *value {
	if vars.has(name) {
		return r.eval(vars.get(name), key)
	}
	if id, attr, ok := strings.Cut(name, "."); ok {
		return r.attribute(id, attr, line, key)
	}
	return r.ref(name, line, key)
}
