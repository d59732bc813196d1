package plainjson_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// source makes types and values from bytes: zeros when they are used up.
type source struct{ bytes []byte }

func (s *source) below(n int) int { return int(s.number(1)) % n }

func (s *source) number(size int) (n uint64) {
	for range size {
		n <<= 8
		if len(s.bytes) > 0 {
			n |= uint64(s.bytes[0])
			s.bytes = s.bytes[1:]
		}
	}
	return n
}

var leaves = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[small](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
	reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[octet](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
	reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[string](), reflect.TypeFor[text](), reflect.TypeFor[time.Time](), reflect.TypeFor[[]byte](),
	reflect.TypeFor[outer](), reflect.TypeFor[empties](), reflect.TypeFor[zeros](), reflect.TypeFor[both](), reflect.TypeFor[stamp](),
}

// plainType is a type of at most so many levels.
func (s *source) plainType(levels int) reflect.Type {
	if levels == 0 {
		return leaves[s.below(len(leaves))]
	}
	switch s.below(6) {
	case 0:
		return reflect.PointerTo(s.plainType(levels - 1))
	case 1:
		return reflect.SliceOf(s.plainType(levels - 1))
	case 2:
		return reflect.ArrayOf(s.below(4), s.plainType(levels-1))
	case 3:
		return leaves[s.below(len(leaves))]
	}
	tags := []string{"", "-", "name%d", "x/%d,omitempty", ",omitempty", ",omitzero", "a-%d.b,omitzero", "_%d,omitzero,omitempty", ",", "only.%d,"}
	fields := make([]reflect.StructField, s.below(6))
	for i := range fields {
		tag := strings.ReplaceAll(tags[s.below(len(tags))], "%d", fmt.Sprint(i))
		t := s.plainType(levels - 1)
		if t == reflect.TypeFor[*time.Time]() && strings.Contains(tag, "omitzero") {
			tag = ""
		}
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: t, Tag: reflect.StructTag(fmt.Sprintf(`json:%q`, tag))}
	}
	return reflect.StructOf(fields)
}

// fill sets v. Every fourth value stays what it is: zero.
func (s *source) fill(v reflect.Value) {
	if !v.CanSet() || s.below(4) == 0 {
		return
	}
	switch size := int(v.Type().Size()); v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(s.number(size)) << (64 - 8*size) >> (64 - 8*size))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(s.number(size))
	case reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(uint32(s.number(size)))))
	case reflect.Float64:
		v.SetFloat(s.float())
	case reflect.String:
		v.SetString(s.text())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		s.fill(v.Elem())
	case reflect.Slice:
		n := s.below(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		s.elements(v)
	case reflect.Array:
		s.elements(v)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(s.time()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Type.Kind() != reflect.Chan {
				s.fill(v.Field(i))
			}
		}
	}
}

func (s *source) elements(v reflect.Value) {
	for i := range v.Len() {
		s.fill(v.Index(i))
	}
}

// float is any, or a decimal near a place where the form changes.
func (s *source) float() float64 {
	if s.below(2) == 0 {
		return math.Float64frombits(s.number(8))
	}
	f := float64(int16(s.number(2)))
	return f * math.Pow(10, float64(s.below(40)-16))
}

func (s *source) text() string {
	if n := s.below(32); s.below(4) == 0 { // any bytes
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(s.number(1))
		}
		return string(b)
	}
	var b strings.Builder
	for range s.below(8) {
		pieces := []string{"plain text", "a", "\n", "\b\f", `"`, `\`, "\u2028", "\u2029", "日本", "\U0001f375", "<&>", "\x00\x1f\x7f", "\ufffe\uffff\ufffd", "é"}
		b.WriteString(pieces[s.below(len(pieces))])
	}
	return b.String()
}

// time is any second of 20,000 years, in a zone of up to two days.
func (s *source) time() time.Time {
	t := time.Unix(int64(s.number(5))%(20_000*365*86400)-10_000*365*86400, int64(s.number(4))%1e9).UTC()
	if s.below(2) == 0 {
		t = t.In(time.FixedZone("zone", int(int16(s.number(2)))*6))
	}
	return t
}

// random compares a value of a type that the bytes describe.
func random(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, bytes []byte,
) {
	t.Helper()
	s := &source{bytes}
	v := reflect.New(s.plainType(s.below(4)))
	s.fill(v.Elem())
	for _, v := range []any{v.Interface(), v.Elem().Interface()} {
		if compare(t, v) {
			continue
		}
		if text, err := standard(v); err == nil && !strings.Contains(text, `\ufffd`) {
			t.Fatalf("%T is left to encoding/json, which writes %s", v, text)
		}
	}
}

func TestRandomTypesAndValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random(t, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes"))
	})
}

// FuzzAppend: whatever plain types hold, encoding/json agrees.
func FuzzAppend(f *testing.F) {
	for seed := range 200 {
		b := make([]byte, seed)
		for i := range b {
			b[i] = byte(seed*i*7 + i*i*13 + seed)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { random(t, b) })
}
