// Package plainjson writes what encoding/json writes, byte for byte, for types that leave nothing to decide: it looks at a type
// once, and at its values without caches, locks or allocations. What it does not know it leaves to encoding/json.
package plainjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Encoder writes the values of one plain type. It is safe for concurrent use.
type Encoder struct{ append appender }

// appender appends the JSON text of v, which is never empty; nil means that encoding/json must write the whole value.
type appender func(b []byte, v reflect.Value) []byte

var (
	numberType    = reflect.TypeFor[json.Number]()
	timeType      = reflect.TypeFor[time.Time]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
	textType      = reflect.TypeFor[encoding.TextMarshaler]()
	appendType    = reflect.TypeFor[encoding.TextAppender]()
	zeroerType    = reflect.TypeFor[interface{ IsZero() bool }]()
)

// For returns the encoder of a plain type, and nil if t is not plain. Plain are booleans, integers (but not uintptr), floating
// point numbers, strings (but not json.Number), time.Time, and the pointers, slices, arrays and structs of plain types. Not plain
// are types that refer to themselves, types that write themselves by a method of the value or of its pointer, and structs with an
// embedded field, two fields of one name, an option other than omitempty and omitzero, a name of other characters than ASCII
// letters, digits and "_-./", or an omitzero that asks an IsZero method other than that of time.Time.
func For(t reflect.Type) *Encoder {
	a := planner{}.plan(t)
	if a == nil {
		return nil
	}
	return &Encoder{a}
}

// Append appends what a json.Encoder writes for v after SetEscapeHTML(false), without the newline. v has the type that the encoder is for.
// If v holds something that is left to encoding/json (no UTF-8, NaN, an infinity, a time outside RFC 3339), ok is false and
// nothing is appended: encoding/json knows whether it is an error.
func (e *Encoder) Append(b []byte, v reflect.Value) (out []byte, ok bool) {
	if out := e.append(b, v); out != nil {
		return out, true
	}
	return b, false
}

// planner has an entry for each type that it has begun to look at: nil until it has finished.
type planner map[reflect.Type]appender

// plan returns nil if t is not plain; then nothing that contains t is.
func (p planner) plan(t reflect.Type) appender {
	if a, begun := p[t]; begun {
		return a // nil inside of itself
	}
	p[t] = nil
	a := p.look(t)
	p[t] = a
	return a
}

func (p planner) look(t reflect.Type) appender {
	if t.Kind() == reflect.Pointer { // its methods are those of its element, which is asked for them
		return orNull(p.plan(t.Elem()), func(a appender, b []byte, v reflect.Value) []byte { return a(b, v.Elem()) })
	}
	if t == timeType {
		return appendTime
	}
	if t == numberType || writesItself(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return appendBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return appendInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return appendUint
	case reflect.Float32:
		return appendFloat32
	case reflect.Float64:
		return appendFloat64
	case reflect.String:
		return func(b []byte, v reflect.Value) []byte { return appendString(b, v.String()) }
	case reflect.Struct:
		return p.structure(t)
	case reflect.Array:
		if element := p.plan(t.Elem()); element != nil {
			return func(b []byte, v reflect.Value) []byte { return appendElements(element, b, v) }
		}
	case reflect.Slice:
		element := p.plan(t.Elem())
		if element != nil && t.Elem().Kind() == reflect.Uint8 {
			return appendBytes
		}
		return orNull(element, appendElements)
	}
	return nil
}

// writesItself reports whether t has a method that encoding/json calls. MarshalJSONTo and AppendText it calls only where it is
// built on encoding/json/v2: with GOEXPERIMENT=jsonv2 in Go 1.26.
func writesItself(t reflect.Type) bool {
	return implements(t, marshalerType) || implements(t, textType) || implements(t, appendType) || streams(t)
}

// implements reports whether t or its pointer has the methods: encoding/json calls those of a pointer where it can make one.
func implements(t, methods reflect.Type) bool {
	return t.Implements(methods) || reflect.PointerTo(t).Implements(methods)
}

// orNull appends null for nil, and with f, which is given the inner one, for others; it is nil if the inner one is.
func orNull(inner appender, f func(inner appender, b []byte, v reflect.Value) []byte) appender {
	if inner == nil {
		return nil
	}
	return func(b []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(b, "null"...)
		}
		return f(inner, b, v)
	}
}

// field is one member of the object that a struct becomes.
type field struct {
	index  int
	key    string // `,"name":`
	append appender
	empty  func(reflect.Value) bool // what omitempty leaves out; nil: nothing
	zero   func(reflect.Value) bool // what omitzero leaves out; nil: nothing
}

func (p planner) structure(t reflect.Type) appender {
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous {
			return nil
		}
		tag := sf.Tag.Get("json")
		if !sf.IsExported() || tag == "-" {
			continue
		}
		f, ok := p.member(sf, tag)
		if !ok || slices.ContainsFunc(fields, func(other field) bool { return other.key == f.key }) {
			return nil
		}
		f.index = i
		fields = append(fields, f)
	}
	return func(b []byte, v reflect.Value) []byte { return appendFields(fields, b, v) }
}

// member reads a field's tag.
func (p planner) member(sf reflect.StructField, tag string) (f field, ok bool) {
	name, options, _ := strings.Cut(tag, ",")
	if name == "" {
		name = sf.Name
	}
	if !isName(name) {
		return f, false
	}
	f = field{key: `,"` + name + `":`, append: p.plan(sf.Type)}
	for options != "" {
		var option string
		option, options, _ = strings.Cut(options, ",")
		switch option {
		case "omitempty":
			f.empty = emptiness(sf.Type)
		case "omitzero":
			if f.zero = zeroness(sf.Type); f.zero == nil {
				return f, false
			}
		default:
			return f, false
		}
	}
	return f, f.append != nil
}

// isName reports whether encoding/json takes the name of a tag, and writes it as it is. It takes more, but not everything.
func isName(name string) bool {
	for _, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("_-./", rune(c)) {
			return false
		}
	}
	return name != "-" // which the tag "-," asks for
}

// emptiness is what omitempty leaves out: no struct is empty.
func emptiness(t reflect.Type) func(reflect.Value) bool {
	switch t.Kind() {
	case reflect.Struct:
		return nil
	case reflect.Array, reflect.Slice, reflect.String:
		return func(v reflect.Value) bool { return v.Len() == 0 }
	default:
		return reflect.Value.IsZero
	}
}

// zeroness is what omitzero leaves out; nil if a method of the program decides.
func zeroness(t reflect.Type) func(reflect.Value) bool {
	if t == timeType {
		return func(v reflect.Value) bool { return timeOf(v).IsZero() }
	}
	if implements(t, zeroerType) {
		return nil
	}
	return reflect.Value.IsZero
}
