package template

import "slices"

type kind uint8

const (
	absent  kind = iota // no value: AWS::NoValue, a null, or a key that is not there
	text                // a string
	number              // a number, as it is written
	boolean             // "true" or "false"
	list
	mapping
	call    // an intrinsic function that is not evaluated yet
	unknown // a value that cannot be computed here
)

func (k kind) String() string {
	return [...]string{"nothing", "a string", "a number", "a boolean", "a list", "a map", "an intrinsic function", "a value that cannot be computed"}[k]
}

// A value is one node of a template, before or after evaluation. Values are never changed once made, and are of one goroutine.
type value struct {
	kind  kind
	line  int
	text  string         // text, number, boolean: the scalar; call: the function, such as "Ref" or "Fn::Sub"
	items []*value       // list
	keys  []entry        // mapping, in the order of the template
	arg   *value         // call
	why   string         // unknown: the reason, as a clause: "attribute StreamArn of Orders (…) is known to AWS only"
	index map[string]int // mapping: where each key is, once there are many and one was looked up
	needs string         // unknown: the name under which Options.Values can give it
}

type entry struct {
	key   string
	line  int
	value *value
}

var nothing = &value{}

// get gives the value of a key, or nothing.
func (v *value) get(key string) *value {
	if i := v.find(key); i >= 0 {
		return v.keys[i].value
	}
	return nothing
}

func (v *value) has(key string) bool { return v.find(key) >= 0 }

func (v *value) find(key string) int {
	if v.kind != mapping {
		return -1
	}
	if len(v.keys) < 16 {
		return slices.IndexFunc(v.keys, func(e entry) bool { return e.key == key })
	}
	if v.index == nil {
		v.index = make(map[string]int, len(v.keys))
		for i, e := range v.keys {
			v.index[e.key] = i
		}
	}
	if i, ok := v.index[key]; ok {
		return i
	}
	return -1
}

func (v *value) scalar() bool { return v.kind == text || v.kind == number || v.kind == boolean }

// at gives the same value as if it stood at another line, so that a problem names the place where a value is used
// and not where a parameter or a mapping gives it.
func (v *value) at(line int) *value {
	if v.line == line {
		return v
	}
	c := *v
	c.line = line
	return &c
}

func textValue(line int, s string) *value { return &value{kind: text, line: line, text: s} }

func boolValue(line int, b bool) *value {
	if b {
		return &value{kind: boolean, line: line, text: "true"}
	}
	return &value{kind: boolean, line: line, text: "false"}
}

func unknownValue(line int, needs, why string) *value {
	return &value{kind: unknown, line: line, needs: needs, why: why}
}
