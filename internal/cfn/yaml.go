package cfn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
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
	report *Report
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

func parseYAML(r *Report, data []byte) *Value {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		reportYAML(r, data, err)
		return nil
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		r.Fail(second.Line, "", "a second document starts here; a template is one document")
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

func reportYAML(r *Report, data []byte, err error) {
	if errors.Is(err, io.EOF) {
		r.Fail(0, "", "the file is empty; a template needs at least a Resources section")
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
	r.Fail(line, "", "not valid YAML: %s", msg)
}

// enter counts a node against the bounds.
func (d *decoder) enter(line int, path string, depth int) bool {
	d.nodes++
	switch {
	case d.broken:
		return false
	case d.nodes > maxNodes:
		d.report.Fail(line, path, "the template has more than %d values once its anchors are expanded", maxNodes)
		d.broken = true
		return false
	case depth > maxDepth:
		d.report.Fail(line, path, "nested more than %d levels deep", maxDepth)
		d.broken = true
		return false
	}
	return true
}

func (d *decoder) node(n *yaml.Node, path string, depth int) *Value {
	if !d.enter(n.Line, path, depth) {
		return Nothing
	}
	if n.Kind == yaml.AliasNode {
		return d.alias(n, path, depth)
	}
	if tag := n.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") && tag != "!" {
		return d.tagged(n, path, depth)
	}
	return d.untagged(n, path, depth)
}

func (d *decoder) untagged(n *yaml.Node, path string, depth int) *Value {
	switch n.Kind {
	case yaml.ScalarNode:
		return scalarValue(n)
	case yaml.SequenceNode:
		v := &Value{Kind: List, Line: n.Line}
		for i, item := range n.Content {
			v.Items = append(v.Items, d.node(item, path+"["+strconv.Itoa(i)+"]", depth+1))
		}
		return v
	case yaml.MappingNode:
		return d.mapping(n, path, depth)
	}
	return Nothing
}

func (d *decoder) alias(n *yaml.Node, path string, depth int) *Value {
	if n.Alias == nil || d.active[n.Alias] {
		d.report.Fail(n.Line, path, "the anchor %q contains itself", n.Value)
		return Nothing
	}
	d.active[n.Alias] = true
	defer delete(d.active, n.Alias)
	return d.node(n.Alias, path, depth+1)
}

func (d *decoder) tagged(n *yaml.Node, path string, depth int) *Value {
	short := n.Tag[1:]
	long, ok := functions[short]
	if !ok {
		d.report.Fail(n.Line, path, "unknown tag %s%s", n.Tag, Suggest("!"+short, tags()))
		return Nothing
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
func makeCall(line int, fn string, arg *Value) *Value {
	if fn == "Fn::GetAtt" && arg.Kind == Text {
		if name, attr, ok := strings.Cut(arg.Text, "."); ok {
			arg = &Value{Kind: List, Line: arg.Line, Items: []*Value{textValue(arg.Line, name), textValue(arg.Line, attr)}}
		}
	}
	return &Value{Kind: call, Line: line, Text: fn, arg: arg}
}

func (d *decoder) mapping(n *yaml.Node, path string, depth int) *Value {
	v := &Value{Kind: Map, Line: n.Line}
	var merges []*yaml.Node
	at := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, item := n.Content[i], n.Content[i+1]
		for k.Kind == yaml.AliasNode && k.Alias != nil {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			d.report.Fail(k.Line, path, "a key must be a string")
			continue
		}
		if k.ShortTag() == "!!merge" {
			merges = append(merges, item)
			continue
		}
		key := Join(path, k.Value)
		if first, dup := at[k.Value]; dup {
			d.report.Fail(k.Line, key, "duplicate key; the first one is on line %d", first)
			continue
		}
		at[k.Value] = k.Line
		v.Keys = append(v.Keys, Entry{k.Value, k.Line, d.node(item, key, depth+1)})
	}
	for _, m := range merges {
		d.merge(v, at, m, path, depth)
	}
	return longForm(v)
}

// merge adds the keys of a YAML merge ("<<") that the map does not have itself. has holds the keys that it has.
func (d *decoder) merge(into *Value, has map[string]int, n *yaml.Node, path string, depth int) {
	from := d.node(n, path, depth+1)
	sources := []*Value{from}
	if from.Kind == List {
		sources = from.Items
	}
	for _, s := range sources {
		switch {
		case s.Kind == call: // a map with the one key Ref or Fn::…
			s = &Value{Kind: Map, Line: s.Line, Keys: []Entry{{s.Text, s.Line, s.arg}}}
		case s.Kind != Map:
			if !d.broken {
				d.report.Fail(n.Line, path, "<< takes a map or a list of maps, not %s", s.Kind)
			}
			continue
		}
		for _, e := range s.Keys {
			if _, ok := has[e.Key]; !ok {
				has[e.Key] = e.Line
				into.Keys = append(into.Keys, e)
			}
		}
	}
}

// longForm turns a map with the one key Ref or Fn::… into a call. Condition is left to the evaluation of conditions, because
// an IAM statement has a key of that name.
func longForm(v *Value) *Value {
	if len(v.Keys) != 1 {
		return v
	}
	e := v.Keys[0]
	if e.Key == "Ref" || strings.HasPrefix(e.Key, "Fn::") && !strings.HasPrefix(e.Key, "Fn::ForEach") {
		return makeCall(e.Line, e.Key, e.Value)
	}
	return v
}

// Join gives the path of a key in the map at path.
func Join(path, key string) string {
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

func scalarValue(n *yaml.Node) *Value {
	v := &Value{Kind: Text, Line: n.Line, Text: n.Value}
	switch n.ShortTag() {
	case "!!null":
		return &Value{Line: n.Line}
	case "!!bool":
		v.Kind, v.Text = Boolean, strings.ToLower(n.Value)
	case "!!int", "!!float":
		v.Kind = Number
	case "!!str":
		if b, ok := yaml11[n.Value]; ok && n.Style == 0 {
			v.Kind, v.Text = Boolean, b
		}
	}
	if v.Kind == Boolean {
		if b, ok := yaml11[n.Value]; ok {
			v.Text = b
		}
	}
	return v
}

// describe gives a value for a message: short, and on one line.
func describe(v *Value) string {
	switch v.Kind {
	case Text:
		return fmt.Sprintf("%.60q", v.Text)
	case Number, Boolean:
		return fmt.Sprintf("%.60s", v.Text)
	}
	return v.Kind.String()
}

// Parse reads the text of a template, YAML or JSON. When there are problems it reports them, and the value is of no use.
func Parse(r *Report, data []byte) *Value {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	start := bytes.TrimLeft(data, " \t\r\n")
	// A template that starts with a brace may also be YAML in flow style, which is no JSON.
	if strings.EqualFold(filepath.Ext(r.file), ".json") || bytes.HasPrefix(start, []byte("{")) && json.Valid(data) {
		return parseJSON(r, data)
	}
	return parseYAML(r, data)
}
