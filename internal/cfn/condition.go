package cfn

// Truth is the value of a condition. A condition over a value that only AWS knows may still be certain: And with a
// false part is false.
type Truth uint8

// The truths.
const (
	No Truth = iota
	Yes
	Maybe
)

func (t Truth) not() Truth {
	return [...]Truth{No: Yes, Yes: No, Maybe: Maybe}[t]
}

// A condition is one entry of the Conditions section.
type condition struct {
	expr    *Value
	reading bool // being evaluated: a reference back is a cycle
	known   bool
	truth   Truth
	why     *Value
}

func readConditions(r *Report, section *Value) map[string]*condition {
	out := make(map[string]*condition)
	for _, e := range SectionEntries(r, section, "Conditions") {
		out[e.Key] = &condition{expr: e.Value}
	}
	return out
}

// Named gives the truth of a condition by its name. The second result is the unknown value behind maybe.
func (r *Resolver) Named(name string, line int, key string) (Truth, *Value) {
	c, ok := r.conditions[name]
	if !ok {
		var known []string
		for k := range r.conditions {
			known = append(known, k)
		}
		return Maybe, r.bad(line, key, "there is no condition %q%s", name, Suggest(name, sorted(known)))
	}
	if c.known {
		return c.truth, c.why
	}
	if c.reading {
		return Maybe, r.bad(c.expr.Line, "Conditions."+name, "refers to itself")
	}
	c.reading = true
	c.truth, c.why = r.truth(c.expr, "Conditions."+name)
	c.reading, c.known = false, true
	return c.truth, c.why
}

// truth evaluates the expression of a condition.
func (r *Resolver) truth(v *Value, key string) (Truth, *Value) {
	if v.Kind == Map && len(v.Keys) == 1 && v.Keys[0].Key == "Condition" {
		v = &Value{Kind: call, Line: v.Line, Text: "Condition", arg: v.Keys[0].Value}
	}
	if v.Kind != call {
		return Maybe, r.bad(v.Line, key, "a condition is made of Equals, And, Or, Not and Condition; this is %s", v.Kind)
	}
	switch v.Text {
	case "Condition":
		if v.arg.Kind != Text {
			return Maybe, r.bad(v.Line, key, "Condition takes the name of a condition")
		}
		return r.Named(v.arg.Text, v.Line, key)
	case "Fn::Equals":
		return r.equals(v, key)
	case "Fn::Not":
		if v.arg.Kind != List || len(v.arg.Items) != 1 {
			return Maybe, r.bad(v.Line, key, "Not takes a list of one condition")
		}
		t, why := r.truth(v.arg.Items[0], key)
		return t.not(), why
	case "Fn::And":
		return r.all(v, key, No)
	case "Fn::Or":
		return r.all(v, key, Yes)
	}
	e := r.call(v, key)
	switch {
	case e.Kind == Unknown:
		return Maybe, e
	case e.Kind == Boolean:
		return map[string]Truth{"true": Yes}[e.Text], nil
	}
	return Maybe, r.bad(v.Line, key, "a condition is made of Equals, And, Or, Not and Condition, not %s", v.Text)
}

func (r *Resolver) equals(v *Value, key string) (Truth, *Value) {
	args, ok := r.args(v, key, "two values", 2)
	if !ok {
		return Maybe, silent
	}
	a, b := r.Eval(args[0], key), r.Eval(args[1], key)
	for _, side := range []*Value{a, b} {
		switch {
		case side.Kind == Unknown:
			return Maybe, side
		case side.Kind != Absent && !side.Scalar():
			return Maybe, r.bad(v.Line, key, "Equals compares strings, not %s", side.Kind)
		}
	}
	if a.Text == b.Text {
		return Yes, nil
	}
	return No, nil
}

// all evaluates And (decisive is no) and Or (decisive is yes): one decisive part decides, whatever the others are.
func (r *Resolver) all(v *Value, key string, decisive Truth) (Truth, *Value) {
	args, ok := r.args(v, key, "two to ten conditions", 2, 3, 4, 5, 6, 7, 8, 9, 10)
	if !ok {
		return Maybe, silent
	}
	var unsure *Value
	decided := false
	for _, arg := range args {
		t, why := r.truth(arg, key)
		if t == decisive {
			decided = true
		}
		if t == Maybe && unsure == nil {
			unsure = why
		}
	}
	switch {
	case decided:
		return decisive, nil
	case unsure != nil:
		return Maybe, unsure
	}
	return decisive.not(), nil
}

// ifCall evaluates Fn::If. Only the branch that is taken is looked at.
func (r *Resolver) ifCall(v *Value, key string) *Value {
	args, ok := r.args(v, key, "a condition, a value if true and a value if false", 3)
	if !ok {
		return silent
	}
	if args[0].Kind != Text {
		return r.bad(v.Line, key, "If takes the name of a condition first, not %s", args[0].Kind)
	}
	switch t, why := r.Named(args[0].Text, v.Line, key); t {
	case Yes:
		return r.Eval(args[1], key)
	case No:
		return r.Eval(args[2], key)
	default:
		return why
	}
}
