package template

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on what a template may hold. AWS takes a template of up to 1 MB ("AWS CloudFormation quotas"); the others keep anchors
// that multiply, and deep nesting, from using up the machine.
const (
	maxFileBytes = 1 << 20
	maxNodes     = 200_000
	maxDepth     = 100
)

// functions are the intrinsic functions by their short YAML tag. The value is the long form.
var functions = map[string]string{
	"Ref": "Ref", "Condition": "Condition", "GetAtt": "Fn::GetAtt", "Sub": "Fn::Sub", "Join": "Fn::Join", "FindInMap": "Fn::FindInMap",
	"If": "Fn::If", "Equals": "Fn::Equals", "And": "Fn::And", "Or": "Fn::Or", "Not": "Fn::Not", "Select": "Fn::Select",
	"Split": "Fn::Split", "Base64": "Fn::Base64", "ImportValue": "Fn::ImportValue", "GetAZs": "Fn::GetAZs", "Cidr": "Fn::Cidr",
	"Transform": "Fn::Transform", "ToJsonString": "Fn::ToJsonString", "Length": "Fn::Length", "GetStackOutput": "Fn::GetStackOutput",
	"ValueOf": "Fn::ValueOf", "ValueOfAll": "Fn::ValueOfAll", "RefAll": "Fn::RefAll", "Contains": "Fn::Contains",
	"EachMemberIn": "Fn::EachMemberIn", "EachMemberEquals": "Fn::EachMemberEquals",
}

// A decoder turns YAML nodes or JSON tokens into values.
type decoder struct {
	report *report
	nodes  int
	active map[*yaml.Node]bool // anchors being expanded, to find one that contains itself
	broken bool                // a bound was passed; what follows is not worth reading
}

var (
	yamlLine   = regexp.MustCompile(`^line ([0-9]+): `)
	yamlAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	// The library counts the lines of these errors from 0, and of the others from 1.
	fromZero = regexp.MustCompile(`^did not find expected (<|node content|key|'-' indicator|',' or )|^found (undefined tag handle|duplicate %|incompatible YAML)`)
)

func parseYAML(r *report, data []byte) *value {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		reportYAML(r, data, err)
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		r.fail(second.Line, "", "a second document starts here; a template is one document")
		return nil
	} else if !errors.Is(err, io.EOF) {
		reportYAML(r, data, err)
		return nil
	}
	d := &decoder{report: r, active: make(map[*yaml.Node]bool)}
	root := &doc
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		root = doc.Content[0]
	}
	return d.node(root, "", 0)
}

func reportYAML(r *report, data []byte, err error) {
	if errors.Is(err, io.EOF) {
		r.fail(0, "", "the file is empty; a template needs at least a Resources section")
		return
	}
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	if fromZero.MatchString(msg) {
		line++
	}
	if m := yamlAnchor.FindStringSubmatch(msg); m != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
	}
	r.fail(line, "", "not valid YAML: %s", msg)
}

// enter counts a node against the bounds.
func (d *decoder) enter(line int, path string, depth int) bool {
	d.nodes++
	switch {
	case d.broken:
		return false
	case d.nodes > maxNodes:
		d.report.fail(line, path, "the template has more than %d values once its anchors are expanded", maxNodes)
		d.broken = true
		return false
	case depth > maxDepth:
		d.report.fail(line, path, "nested more than %d levels deep", maxDepth)
		d.broken = true
		return false
	}
	return true
}

func (d *decoder) node(n *yaml.Node, path string, depth int) *value {
	if !d.enter(n.Line, path, depth) {
		return nothing
	}
	if n.Kind == yaml.AliasNode {
		return d.alias(n, path, depth)
	}
	if tag := n.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") && tag != "!" {
		return d.tagged(n, path, depth)
	}
	return d.untagged(n, path, depth)
}

func (d *decoder) untagged(n *yaml.Node, path string, depth int) *value {
	switch n.Kind {
	case yaml.ScalarNode:
		return scalarValue(n)
	case yaml.SequenceNode:
		v := &value{kind: list, line: n.Line}
		for i, item := range n.Content {
			v.items = append(v.items, d.node(item, path+"["+strconv.Itoa(i)+"]", depth+1))
		}
		return v
	case yaml.MappingNode:
		return d.mapping(n, path, depth)
	}
	return nothing
}

func (d *decoder) alias(n *yaml.Node, path string, depth int) *value {
	if n.Alias == nil || d.active[n.Alias] {
		d.report.fail(n.Line, path, "the anchor %q contains itself", n.Value)
		return nothing
	}
	d.active[n.Alias] = true
	defer delete(d.active, n.Alias)
	return d.node(n.Alias, path, depth+1)
}

func (d *decoder) tagged(n *yaml.Node, path string, depth int) *value {
	short := n.Tag[1:]
	long, ok := functions[short]
	if !ok {
		d.report.fail(n.Line, path, "unknown tag %s%s", n.Tag, suggest("!"+short, tags()))
		return nothing
	}
	arg := d.untagged(n, path, depth)
	if n.Kind == yaml.ScalarNode {
		arg = textValue(n.Line, n.Value) // !Ref 123 is the name "123"
	}
	return makeCall(n.Line, long, arg)
}

func tags() []string {
	var out []string
	for short := range functions {
		out = append(out, "!"+short)
	}
	slices.Sort(out)
	return out
}

// makeCall gives an intrinsic function. The short form of GetAtt may be dotted.
func makeCall(line int, fn string, arg *value) *value {
	if fn == "Fn::GetAtt" && arg.kind == text {
		if name, attr, ok := strings.Cut(arg.text, "."); ok {
			arg = &value{kind: list, line: arg.line, items: []*value{textValue(arg.line, name), textValue(arg.line, attr)}}
		}
	}
	return &value{kind: call, line: line, text: fn, arg: arg}
}

func (d *decoder) mapping(n *yaml.Node, path string, depth int) *value {
	v := &value{kind: mapping, line: n.Line}
	var merges []*yaml.Node
	at := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, item := n.Content[i], n.Content[i+1]
		for k.Kind == yaml.AliasNode && k.Alias != nil {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			d.report.fail(k.Line, path, "a key must be a string")
			continue
		}
		if k.ShortTag() == "!!merge" {
			merges = append(merges, item)
			continue
		}
		key := join(path, k.Value)
		if first, dup := at[k.Value]; dup {
			d.report.fail(k.Line, key, "duplicate key; the first one is on line %d", first)
			continue
		}
		at[k.Value] = k.Line
		v.keys = append(v.keys, entry{k.Value, k.Line, d.node(item, key, depth+1)})
	}
	for _, m := range merges {
		d.merge(v, at, m, path, depth)
	}
	return longForm(v)
}

// merge adds the keys of a YAML merge ("<<") that the map does not have itself. has holds the keys that it has.
func (d *decoder) merge(into *value, has map[string]int, n *yaml.Node, path string, depth int) {
	from := d.node(n, path, depth+1)
	sources := []*value{from}
	if from.kind == list {
		sources = from.items
	}
	for _, s := range sources {
		switch {
		case s.kind == call: // a map with the one key Ref or Fn::…
			s = &value{kind: mapping, line: s.line, keys: []entry{{s.text, s.line, s.arg}}}
		case s.kind != mapping:
			if !d.broken {
				d.report.fail(n.Line, path, "<< takes a map or a list of maps, not %s", s.kind)
			}
			continue
		}
		for _, e := range s.keys {
			if _, ok := has[e.key]; !ok {
				has[e.key] = e.line
				into.keys = append(into.keys, e)
			}
		}
	}
}

// longForm turns a map with the one key Ref or Fn::… into a call. Condition is left to the evaluation of conditions, because
// an IAM statement has a key of that name.
func longForm(v *value) *value {
	if len(v.keys) != 1 {
		return v
	}
	e := v.keys[0]
	if e.key == "Ref" || strings.HasPrefix(e.key, "Fn::") && !strings.HasPrefix(e.key, "Fn::ForEach") {
		return makeCall(e.line, e.key, e.value)
	}
	return v
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// yaml11 are the booleans of YAML 1.1, which SAM and CloudFormation read, as far as YAML 1.2 takes them for strings.
var yaml11 = map[string]string{
	"yes": "true", "Yes": "true", "YES": "true", "on": "true", "On": "true", "ON": "true",
	"no": "false", "No": "false", "NO": "false", "off": "false", "Off": "false", "OFF": "false",
}

func scalarValue(n *yaml.Node) *value {
	v := &value{kind: text, line: n.Line, text: n.Value}
	switch n.ShortTag() {
	case "!!null":
		return &value{line: n.Line}
	case "!!bool":
		v.kind, v.text = boolean, strings.ToLower(n.Value)
	case "!!int", "!!float":
		v.kind = number
	case "!!str":
		if b, ok := yaml11[n.Value]; ok && n.Style == 0 {
			v.kind, v.text = boolean, b
		}
	}
	if v.kind == boolean {
		if b, ok := yaml11[n.Value]; ok {
			v.text = b
		}
	}
	return v
}

// describe gives a value for a message: short, and on one line.
func describe(v *value) string {
	switch v.kind {
	case text:
		return fmt.Sprintf("%.60q", v.text)
	case number, boolean:
		return fmt.Sprintf("%.60s", v.text)
	}
	return v.kind.String()
}
