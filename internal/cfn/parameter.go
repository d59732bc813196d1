package cfn

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var parameterKeys = []string{
	"Type", "Default", "AllowedValues", "AllowedPattern", "ConstraintDescription", "Description",
	"MinLength", "MaxLength", "MinValue", "MaxValue", "NoEcho",
}

// A parameter is one declaration of the Parameters section while it is checked.
type parameter struct {
	name, typ, path string
	decl            *Value
	report          *Report
	secret          bool
}

// readParameters gives the value of each parameter: a text, a list, or unknown when AWS alone knows it.
// Source: CloudFormation User Guide, "CloudFormation template Parameters syntax".
func readParameters(r *Report, section *Value, overrides map[string]string) map[string]*Value {
	values := make(map[string]*Value)
	var names []string
	for _, e := range SectionEntries(r, section, "Parameters") {
		names = append(names, e.Key)
		p := &parameter{name: e.Key, path: "Parameters." + e.Key, decl: e.Value, report: r}
		given, overridden := overrides[e.Key]
		values[e.Key] = p.value(given, overridden)
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if !slices.Contains(names, name) {
			r.Fail(0, "Parameters."+name, "a value is given for it, but the template has no such parameter%s", Suggest(name, names))
		}
	}
	return values
}

func (p *parameter) value(given string, overridden bool) *Value {
	line := p.decl.Line
	if p.decl.Kind != Map {
		p.report.Fail(line, p.path, "a parameter is a map with a Type, not %s", p.decl.Kind)
		return &Value{Kind: Unknown}
	}
	checkKeys(p.report, p.decl, p.path, "a parameter", parameterKeys)
	p.typ, p.secret = p.decl.Get("Type").Text, p.decl.Get("NoEcho").Text == "true"
	if !p.typeKnown() {
		return &Value{Kind: Unknown}
	}
	def := p.decl.Get("Default")
	if !overridden && def.Kind == Absent {
		return unknownValue(line, p.name, "parameter "+p.name+" has no Default and was given no value")
	}
	if !overridden && strings.HasPrefix(p.typ, "AWS::SSM::Parameter::Value<") {
		return unknownValue(line, p.name, "parameter "+p.name+" is read from Systems Manager ("+p.typ+")")
	}
	at := line
	if !overridden {
		if at = def.Line; !def.Scalar() {
			p.report.Fail(at, p.path+".Default", "must be a string or a number, not %s", def.Kind)
			return &Value{Kind: Unknown}
		}
		given = def.Text
	}
	if strings.Contains(given, dynamicReference) {
		return unknownValue(line, p.name, "the value of parameter "+p.name+" is a dynamic reference, which AWS reads")
	}
	return p.parse(at, given)
}

func (p *parameter) typeKnown() bool {
	known := []string{"String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"}
	t := p.decl.Get("Type")
	switch {
	case t.Kind == Absent:
		p.report.Fail(p.decl.Line, p.path, "Type is missing; use String, Number or CommaDelimitedList")
		return false
	case slices.Contains(known, p.typ) || strings.HasPrefix(p.typ, "AWS::") || strings.HasPrefix(p.typ, "List<AWS::"):
		return true
	}
	p.report.Fail(t.Line, p.path+".Type", "unknown type %s%s", describe(t), Suggest(p.typ, known))
	return false
}

func (p *parameter) parse(line int, given string) *Value {
	if p.typ != "CommaDelimitedList" && !strings.HasPrefix(p.typ, "List<") {
		p.check(line, given)
		return textValue(line, given)
	}
	out := &Value{Kind: List, Line: line}
	if given == "" {
		return out
	}
	for item := range strings.SplitSeq(given, ",") {
		item = strings.TrimSpace(item)
		p.check(line, item)
		out.Items = append(out.Items, textValue(line, item))
	}
	return out
}

// check holds one value, or one item of a list, against the constraints.
func (p *parameter) check(line int, s string) {
	if p.typ == "Number" || p.typ == "List<Number>" {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			p.refuse(line, s, "must be a number")
			return
		}
		p.bound(line, s, "MinValue", "must be at least ", func(limit float64) bool { return n < limit })
		p.bound(line, s, "MaxValue", "must be at most ", func(limit float64) bool { return n > limit })
	} else {
		size := float64(utf8.RuneCountInString(s))
		p.bound(line, s, "MinLength", "must have a length of at least ", func(limit float64) bool { return size < limit })
		p.bound(line, s, "MaxLength", "must have a length of at most ", func(limit float64) bool { return size > limit })
	}
	if allowed := p.decl.Get("AllowedValues"); allowed.Kind == List {
		var options []string
		for _, a := range allowed.Items {
			options = append(options, a.Text)
		}
		if !slices.Contains(options, s) {
			p.refuse(line, s, "must be one of "+strings.Join(options, ", "))
		}
	}
	if pattern := p.decl.Get("AllowedPattern"); pattern.Kind == Text {
		re, err := regexp.Compile(`\A(?:` + pattern.Text + `)\z`)
		if err != nil { // CloudFormation takes Java's expressions, which Go does not all have
			p.report.Warn(pattern.Line, p.path+".AllowedPattern", "not checked here: %v", err)
		} else if !re.MatchString(s) {
			p.refuse(line, s, "must match "+pattern.Text)
		}
	}
}

func (p *parameter) bound(line int, s, key, rule string, outside func(limit float64) bool) {
	b := p.decl.Get(key)
	if b.Kind == Absent {
		return
	}
	limit, err := strconv.ParseFloat(b.Text, 64)
	if err != nil || !b.Scalar() {
		p.report.Fail(b.Line, p.path+"."+key, "must be a number, not %s", describe(b))
		return
	}
	if outside(limit) {
		p.refuse(line, s, rule+b.Text)
	}
}

func (p *parameter) refuse(line int, s, rule string) {
	if d := p.decl.Get("ConstraintDescription"); d.Kind == Text {
		rule += " (" + d.Text + ")"
	}
	if p.secret {
		p.report.Fail(line, p.path, "the value %s", rule) // NoEcho: the value itself is not for the screen
		return
	}
	p.report.Fail(line, p.path, "the value %.60q %s", s, rule)
}

// SectionEntries gives the entries of a top-level section, which must be a map when it is there.
func SectionEntries(r *Report, section *Value, name string) []Entry {
	switch section.Kind {
	case Absent:
		return nil
	case Map:
		return section.Keys
	}
	r.Fail(section.Line, name, "must be a map, not %s", section.Kind)
	return nil
}

// checkKeys reports the keys of a map that are not among the known ones.
func checkKeys(r *Report, v *Value, path, what string, known []string) {
	if v.Kind != Map {
		return
	}
	for _, e := range v.Keys {
		if !slices.Contains(known, e.Key) {
			r.Fail(e.Line, Join(path, e.Key), "unknown property of %s%s", what, Suggest(e.Key, known))
		}
	}
}
