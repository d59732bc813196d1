package template

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
	decl            *value
	report          *report
	secret          bool
}

// readParameters gives the value of each parameter: a text, a list, or unknown when AWS alone knows it.
// Source: CloudFormation User Guide, "CloudFormation template Parameters syntax".
func readParameters(r *report, section *value, overrides map[string]string) map[string]*value {
	values := make(map[string]*value)
	var names []string
	for _, e := range sectionEntries(r, section, "Parameters") {
		names = append(names, e.key)
		p := &parameter{name: e.key, path: "Parameters." + e.key, decl: e.value, report: r}
		given, overridden := overrides[e.key]
		values[e.key] = p.value(given, overridden)
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if !slices.Contains(names, name) {
			r.fail(0, "Parameters."+name, "a value is given for it, but the template has no such parameter%s", suggest(name, names))
		}
	}
	return values
}

func (p *parameter) value(given string, overridden bool) *value {
	line := p.decl.line
	if p.decl.kind != mapping {
		p.report.fail(line, p.path, "a parameter is a map with a Type, not %s", p.decl.kind)
		return &value{kind: unknown}
	}
	checkKeys(p.report, p.decl, p.path, "a parameter", parameterKeys)
	p.typ, p.secret = p.decl.get("Type").text, p.decl.get("NoEcho").text == "true"
	if !p.typeKnown() {
		return &value{kind: unknown}
	}
	def := p.decl.get("Default")
	if !overridden && def.kind == absent {
		return unknownValue(line, p.name, "parameter "+p.name+" has no Default and was given no value")
	}
	if !overridden && strings.HasPrefix(p.typ, "AWS::SSM::Parameter::Value<") {
		return unknownValue(line, p.name, "parameter "+p.name+" is read from Systems Manager ("+p.typ+")")
	}
	at := line
	if !overridden {
		if at = def.line; !def.scalar() {
			p.report.fail(at, p.path+".Default", "must be a string or a number, not %s", def.kind)
			return &value{kind: unknown}
		}
		given = def.text
	}
	if strings.Contains(given, dynamicReference) {
		return unknownValue(line, p.name, "the value of parameter "+p.name+" is a dynamic reference, which AWS reads")
	}
	return p.parse(at, given)
}

func (p *parameter) typeKnown() bool {
	known := []string{"String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"}
	t := p.decl.get("Type")
	switch {
	case t.kind == absent:
		p.report.fail(p.decl.line, p.path, "Type is missing; use String, Number or CommaDelimitedList")
		return false
	case slices.Contains(known, p.typ) || strings.HasPrefix(p.typ, "AWS::") || strings.HasPrefix(p.typ, "List<AWS::"):
		return true
	}
	p.report.fail(t.line, p.path+".Type", "unknown type %s%s", describe(t), suggest(p.typ, known))
	return false
}

func (p *parameter) parse(line int, given string) *value {
	if p.typ != "CommaDelimitedList" && !strings.HasPrefix(p.typ, "List<") {
		p.check(line, given)
		return textValue(line, given)
	}
	out := &value{kind: list, line: line}
	if given == "" {
		return out
	}
	for item := range strings.SplitSeq(given, ",") {
		item = strings.TrimSpace(item)
		p.check(line, item)
		out.items = append(out.items, textValue(line, item))
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
	if allowed := p.decl.get("AllowedValues"); allowed.kind == list {
		var options []string
		for _, a := range allowed.items {
			options = append(options, a.text)
		}
		if !slices.Contains(options, s) {
			p.refuse(line, s, "must be one of "+strings.Join(options, ", "))
		}
	}
	if pattern := p.decl.get("AllowedPattern"); pattern.kind == text {
		re, err := regexp.Compile(`\A(?:` + pattern.text + `)\z`)
		if err != nil { // CloudFormation takes Java's expressions, which Go does not all have
			p.report.warn(pattern.line, p.path+".AllowedPattern", "not checked here: %v", err)
		} else if !re.MatchString(s) {
			p.refuse(line, s, "must match "+pattern.text)
		}
	}
}

func (p *parameter) bound(line int, s, key, rule string, outside func(limit float64) bool) {
	b := p.decl.get(key)
	if b.kind == absent {
		return
	}
	limit, err := strconv.ParseFloat(b.text, 64)
	if err != nil || !b.scalar() {
		p.report.fail(b.line, p.path+"."+key, "must be a number, not %s", describe(b))
		return
	}
	if outside(limit) {
		p.refuse(line, s, rule+b.text)
	}
}

func (p *parameter) refuse(line int, s, rule string) {
	if d := p.decl.get("ConstraintDescription"); d.kind == text {
		rule += " (" + d.text + ")"
	}
	if p.secret {
		p.report.fail(line, p.path, "the value %s", rule) // NoEcho: the value itself is not for the screen
		return
	}
	p.report.fail(line, p.path, "the value %.60q %s", s, rule)
}

// sectionEntries gives the entries of a top-level section, which must be a map when it is there.
func sectionEntries(r *report, section *value, name string) []entry {
	switch section.kind {
	case absent:
		return nil
	case mapping:
		return section.keys
	}
	r.fail(section.line, name, "must be a map, not %s", section.kind)
	return nil
}

// checkKeys reports the keys of a map that are not among the known ones.
func checkKeys(r *report, v *value, path, what string, known []string) {
	if v.kind != mapping {
		return
	}
	for _, e := range v.keys {
		if !slices.Contains(known, e.key) {
			r.fail(e.line, join(path, e.key), "unknown property of %s%s", what, suggest(e.key, known))
		}
	}
}
