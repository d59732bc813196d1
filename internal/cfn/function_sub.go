package cfn

import (
	"regexp"
	"strings"
)

var subName = regexp.MustCompile(`\$\{([^{}]*)\}`)

// sub evaluates Fn::Sub: a text with ${Name}, ${Name.Attribute} and ${!Literal}, and optionally a map of names of its own.
func (r *Resolver) sub(v *Value, key string) *Value {
	pattern, vars := v.arg, Nothing
	if v.arg.Kind == List && len(v.arg.Items) == 2 {
		pattern, vars = v.arg.Items[0], v.arg.Items[1]
	}
	if !pattern.Scalar() || vars.Kind != Absent && vars.Kind != Map {
		return r.bad(v.Line, key, "Sub takes a string, or a list of a string and a map")
	}
	var out strings.Builder
	var missing *Value
	last := 0
	parts := make(map[string]*Value) // each name is evaluated once, or nested Subs would double the work at each level
	for _, m := range subName.FindAllStringSubmatchIndex(pattern.Text, -1) {
		out.WriteString(pattern.Text[last:m[0]])
		last = m[1]
		name := pattern.Text[m[2]:m[3]]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			out.WriteString("${" + literal + "}")
			continue
		}
		name = strings.TrimSpace(name)
		part, seen := parts[name]
		if !seen {
			part = r.subPart(name, vars, v.Line, key)
			parts[name] = part
		}
		switch {
		case part.Kind == Unknown:
			if missing == nil || missing.Why == "" {
				missing = part
			}
		case !part.Scalar():
			missing = r.bad(v.Line, key, "${%s} is %s; Sub takes strings only", name, part.Kind)
		case out.Len()+len(part.Text) > maxFileBytes:
			return r.bad(v.Line, key, "Sub makes a string of more than %d bytes", maxFileBytes)
		default:
			out.WriteString(part.Text)
		}
	}
	if missing != nil {
		return missing
	}
	out.WriteString(pattern.Text[last:])
	// A dynamic reference may be put together from parts.
	return r.Eval(r.spend(v.Line, key, out.String()), key)
}

func (r *Resolver) subPart(name string, vars *Value, line int, key string) *Value {
	if vars.Has(name) {
		return r.Eval(vars.Get(name), key)
	}
	if id, attr, ok := strings.Cut(name, "."); ok {
		return r.Attribute(id, attr, line, key)
	}
	return r.ref(name, line, key)
}
