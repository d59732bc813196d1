package cfn

import "slices"

// Kind says what a [Value] is.
type Kind uint8

// The kinds.
const (
	Absent  Kind = iota // no value: AWS::NoValue, a null, or a key that is not there
	Text                // a string
	Number              // a number, as it is written
	Boolean             // "true" or "false"
	List
	Map
	call    // an intrinsic function that is not evaluated yet
	Unknown // a value that cannot be computed here
)

// String gives the kind as a message names it: "a string".
func (k Kind) String() string {
	return [...]string{"nothing", "a string", "a number", "a boolean", "a list", "a map", "an intrinsic function", "a value that cannot be computed"}[k]
}

// A Value is one node of a template, before or after evaluation. Values are never changed once made, and are of one goroutine.
type Value struct {
	Kind  Kind
	Line  int
	Text  string         // text, number, boolean: the scalar; call: the function, such as "Ref" or "Fn::Sub"
	Items []*Value       // list
	Keys  []Entry        // mapping, in the order of the template
	arg   *Value         // call
	Why   string         // unknown: the reason, as a clause: "attribute StreamArn of Orders (…) is known to AWS only"
	index map[string]int // mapping: where each key is, once there are many and one was looked up
	needs string         // unknown: the name under which Options.Values can give it
}

// An Entry is one key of a map.
type Entry struct {
	Key   string
	Line  int
	Value *Value
}

// Nothing is the value of a key that is not there.
var Nothing = &Value{}

// Get gives the value of a key, or nothing.
func (v *Value) Get(key string) *Value {
	if i := v.find(key); i >= 0 {
		return v.Keys[i].Value
	}
	return Nothing
}

// Has says whether a map has a key.
func (v *Value) Has(key string) bool { return v.find(key) >= 0 }

func (v *Value) find(key string) int {
	if v.Kind != Map {
		return -1
	}
	if len(v.Keys) < 16 {
		return slices.IndexFunc(v.Keys, func(e Entry) bool { return e.Key == key })
	}
	if v.index == nil {
		v.index = make(map[string]int, len(v.Keys))
		for i, e := range v.Keys {
			v.index[e.Key] = i
		}
	}
	if i, ok := v.index[key]; ok {
		return i
	}
	return -1
}

// Scalar says whether the value is a string, a number or a boolean.
func (v *Value) Scalar() bool { return v.Kind == Text || v.Kind == Number || v.Kind == Boolean }

// At gives the same value as if it stood at another line, so that a problem names the place where a value is used
// and not where a parameter or a mapping gives it.
func (v *Value) At(line int) *Value {
	if v.Line == line {
		return v
	}
	c := *v
	c.Line = line
	return &c
}

func textValue(line int, s string) *Value { return &Value{Kind: Text, Line: line, Text: s} }

func boolValue(line int, b bool) *Value {
	if b {
		return &Value{Kind: Boolean, Line: line, Text: "true"}
	}
	return &Value{Kind: Boolean, Line: line, Text: "false"}
}

func unknownValue(line int, needs, why string) *Value {
	return &Value{Kind: Unknown, Line: line, needs: needs, Why: why}
}

// Without gives a map that lacks a key.
func (v *Value) Without(key string) *Value {
	c := *v
	c.index, c.Keys = nil, slices.DeleteFunc(slices.Clone(v.Keys), func(e Entry) bool { return e.Key == key })
	return &c
}
