package template

// truth is the value of a condition. A condition over a value that only AWS knows may still be certain: And with a
// false part is false.
type truth uint8

const (
	no truth = iota
	yes
	maybe
)

func (t truth) not() truth {
	return [...]truth{no: yes, yes: no, maybe: maybe}[t]
}

// A condition is one entry of the Conditions section.
type condition struct {
	expr    *value
	reading bool // being evaluated: a reference back is a cycle
	known   bool
	truth   truth
	why     *value
}

func readConditions(r *report, section *value) map[string]*condition {
	out := make(map[string]*condition)
	for _, e := range sectionEntries(r, section, "Conditions") {
		out[e.key] = &condition{expr: e.value}
	}
	return out
}

// named gives the truth of a condition by its name. The second result is the unknown value behind maybe.
func (r *resolver) named(name string, line int, key string) (truth, *value) {
	c, ok := r.conditions[name]
	if !ok {
		var known []string
		for k := range r.conditions {
			known = append(known, k)
		}
		return maybe, r.bad(line, key, "there is no condition %q%s", name, suggest(name, sorted(known)))
	}
	if c.known {
		return c.truth, c.why
	}
	if c.reading {
		return maybe, r.bad(c.expr.line, "Conditions."+name, "refers to itself")
	}
	c.reading = true
	c.truth, c.why = r.truth(c.expr, "Conditions."+name)
	c.reading, c.known = false, true
	return c.truth, c.why
}

// truth evaluates the expression of a condition.
func (r *resolver) truth(v *value, key string) (truth, *value) {
	if v.kind == mapping && len(v.keys) == 1 && v.keys[0].key == "Condition" {
		v = &value{kind: call, line: v.line, text: "Condition", arg: v.keys[0].value}
	}
	if v.kind != call {
		return maybe, r.bad(v.line, key, "a condition is made of Equals, And, Or, Not and Condition; this is %s", v.kind)
	}
	switch v.text {
	case "Condition":
		if v.arg.kind != text {
			return maybe, r.bad(v.line, key, "Condition takes the name of a condition")
		}
		return r.named(v.arg.text, v.line, key)
	case "Fn::Equals":
		return r.equals(v, key)
	case "Fn::Not":
		if v.arg.kind != list || len(v.arg.items) != 1 {
			return maybe, r.bad(v.line, key, "Not takes a list of one condition")
		}
		t, why := r.truth(v.arg.items[0], key)
		return t.not(), why
	case "Fn::And":
		return r.all(v, key, no)
	case "Fn::Or":
		return r.all(v, key, yes)
	}
	e := r.call(v, key)
	switch {
	case e.kind == unknown:
		return maybe, e
	case e.kind == boolean:
		return map[string]truth{"true": yes}[e.text], nil
	}
	return maybe, r.bad(v.line, key, "a condition is made of Equals, And, Or, Not and Condition, not %s", v.text)
}

func (r *resolver) equals(v *value, key string) (truth, *value) {
	args, ok := r.args(v, key, "two values", 2)
	if !ok {
		return maybe, silent
	}
	a, b := r.eval(args[0], key), r.eval(args[1], key)
	for _, side := range []*value{a, b} {
		switch {
		case side.kind == unknown:
			return maybe, side
		case side.kind != absent && !side.scalar():
			return maybe, r.bad(v.line, key, "Equals compares strings, not %s", side.kind)
		}
	}
	if a.text == b.text {
		return yes, nil
	}
	return no, nil
}

// all evaluates And (decisive is no) and Or (decisive is yes): one decisive part decides, whatever the others are.
func (r *resolver) all(v *value, key string, decisive truth) (truth, *value) {
	args, ok := r.args(v, key, "two to ten conditions", 2, 3, 4, 5, 6, 7, 8, 9, 10)
	if !ok {
		return maybe, silent
	}
	var unsure *value
	decided := false
	for _, arg := range args {
		t, why := r.truth(arg, key)
		if t == decisive {
			decided = true
		}
		if t == maybe && unsure == nil {
			unsure = why
		}
	}
	switch {
	case decided:
		return decisive, nil
	case unsure != nil:
		return maybe, unsure
	}
	return decisive.not(), nil
}

// ifCall evaluates Fn::If. Only the branch that is taken is looked at.
func (r *resolver) ifCall(v *value, key string) *value {
	args, ok := r.args(v, key, "a condition, a value if true and a value if false", 3)
	if !ok {
		return silent
	}
	if args[0].kind != text {
		return r.bad(v.line, key, "If takes the name of a condition first, not %s", args[0].kind)
	}
	switch t, why := r.named(args[0].text, v.line, key); t {
	case yes:
		return r.eval(args[1], key)
	case no:
		return r.eval(args[2], key)
	default:
		return why
	}
}
