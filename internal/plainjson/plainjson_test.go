package plainjson_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/internal/plainjson"
)

// standard is what encoding/json makes of v.
func standard(v any) (string, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(buf.String(), "\n"), err
}

// compare fails unless what is written for v is what encoding/json writes. It returns false if v is left to it.
func compare(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, v any,
) bool {
	t.Helper()
	e := plainjson.For(reflect.TypeOf(v))
	if e == nil {
		t.Fatalf("%T is not plain", v)
	}
	const before = "before:"
	out, ok := e.Append([]byte(before), reflect.ValueOf(v))
	if !ok {
		if string(out) != before {
			t.Fatalf("%T: nothing should be appended, and %q is", v, out)
		}
		return false
	}
	want, err := standard(v)
	if err != nil {
		t.Fatalf("%T: %s was written, and encoding/json says %v", v, out, err)
	}
	if string(out) != before+want {
		t.Fatalf("%T became\n%s, and encoding/json writes\n%s", v, out[len(before):], want)
	}
	return true
}

type (
	flag    bool
	small   int8
	octet   byte
	text    string
	number  json.Number
	seconds float32
	stamp   time.Time
	inner   struct {
		A int `json:"a"`
	}
	outer struct {
		Inner   inner
		Pointer *inner  `json:"pointer"`
		List    []inner `json:"a_b-c.d/e9"`
		Array   [2]inner
		hidden  func()
		Skipped chan int `json:"-"`
		_       any
	}
	named struct {
		Named int `json:"name"`
		Other int `json:",omitempty"`
		Also  int `xml:"also"`
	}
	empties struct {
		Bool    bool       `json:",omitempty"`
		Int     int8       `json:",omitempty"`
		Uint    uint16     `json:",omitempty"`
		Float   float32    `json:",omitempty"`
		String  string     `json:",omitempty"`
		Pointer *int       `json:",omitempty"`
		Slice   []int      `json:",omitempty"`
		Bytes   []byte     `json:",omitempty"`
		Array   [2]int     `json:",omitempty"`
		None    [0]int     `json:",omitempty"`
		Struct  inner      `json:",omitempty"`
		Time    time.Time  `json:",omitempty"`
		When    *time.Time `json:",omitempty"`
	}
	zeros struct {
		Bool    bool      `json:",omitzero"`
		Float   float64   `json:",omitzero"`
		String  string    `json:",omitzero"`
		Pointer *int      `json:",omitzero"`
		Slice   []int     `json:",omitzero"`
		Array   [2]int    `json:",omitzero"`
		Struct  inner     `json:",omitzero"`
		Time    time.Time `json:",omitzero"`
	}
	both struct {
		Slice  []int     `json:",omitempty,omitzero"`
		Array  [2]int    `json:",omitzero,omitempty"`
		Struct inner     `json:",omitempty,omitzero"`
		Time   time.Time `json:",omitzero,omitempty"`
		Bool   bool      `json:",omitzero,omitempty"`
	}
)

func TestPlainValues(t *testing.T) {
	one, textp := 1, new(string)
	pp := &textp
	day := time.Date(2026, 3, 1, 12, 30, 45, 120_000_000, time.UTC)
	negative := math.Copysign(0, -1)
	values := []any{
		true, false, flag(true),
		0, -1, math.MinInt64, math.MaxInt64, small(-128), int16(math.MinInt16), int32(math.MaxInt32),
		uint(7), uint8(255), uint16(math.MaxUint16), uint32(math.MaxUint32), uint64(math.MaxUint64),
		text("named"), number("no number at all"), "", &one, (*int)(nil), pp,
		day, &day, (*time.Time)(nil),
		time.Time{},
		stamp(day), day.In(time.FixedZone("", 23*3600+59*60)), day.In(time.FixedZone("odd", -90)), time.Date(0, 1, 1, 0, 0, 0, 1, time.UTC),
		[]byte(nil),
		[]byte{},
		[]byte{0},
		[]byte("ab"), []byte("a\xff<>"),
		[]octet{1, 2},
		[3]byte{1, 2, 3},
		[][]byte{nil, {9}},
		[]int(nil),
		[]int{},
		[]int{1},
		[]string{"a", "b"},
		[0]string{},
		[1]bool{true},
		[][]int{nil, {}, {1, 2}},
		[]*int{nil, &one},
		struct{}{},
		inner{},
		&inner{1}, (*inner)(nil),
		outer{},
		outer{Pointer: &inner{2}, List: []inner{{3}, {4}}, hidden: func() {}},
		named{1, 2, 3},
		named{},
		empties{},
		empties{true, -1, 1, 0.5, "s", &one, []int{0}, []byte{0}, [2]int{}, [0]int{}, inner{1}, day, &day},
		empties{Slice: []int{}, Bytes: []byte{}, Float: float32(negative)},
		zeros{},
		zeros{true, negative, "s", new(int), []int{}, [2]int{0, 1}, inner{1}, day},
		zeros{Time: time.Time{}.In(time.FixedZone("", 60))},
		empties{Time: time.Time{}.Local()},
		both{},
		both{[]int{}, [2]int{}, inner{}, time.Time{}.In(time.FixedZone("", 60)), true},
		both{[]int{1}, [2]int{1}, inner{1}, day, false},
		struct {
			A inner  `json:"a,omitempty"`
			B *inner `json:"b"`
			C inner  `json:"c"` // a type that comes again is no type that refers to itself
		}{},
	}
	values = append(values, reflect.Zero(structOf(`json:"comma,"`, "A", reflect.TypeFor[int](), `json:","`, "B", reflect.TypeFor[int]())).Interface())
	for _, v := range values {
		if !compare(t, v) {
			t.Errorf("%T %v is left to encoding/json", v, v)
		}
	}
}

func TestFloats(t *testing.T) {
	for _, f := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 12.5, 1e-5, 1e-6, math.Nextafter(1e-6, 0), 1e-7, -1e-7, 1.25e-9, 1e-10, 1e-99, 1e-100, math.SmallestNonzeroFloat64,
		1e20, 1e21, math.Nextafter(1e21, 0), -1e21, 1e22, 1e100, math.MaxFloat64, 1 << 53, math.SmallestNonzeroFloat32, math.MaxFloat32,
	} {
		if !compare(t, f) || !compare(t, seconds(f)) && !math.IsInf(float64(float32(f)), 0) {
			t.Errorf("%v is left to encoding/json", f)
		}
	}
	for _, f := range []float32{1e-6, math.Nextafter32(1e-6, 0), 1e21, math.Nextafter32(1e21, 0), 1e-7, 3e-9} {
		if !compare(t, f) || !compare(t, []float32{-f}) {
			t.Errorf("%v is left to encoding/json", f)
		}
	}
}

// TestStrings has every character of the basic plane, and every byte at the edges of strings of each length to 20.
func TestStrings(t *testing.T) {
	for r := range rune(0x10000) {
		if s := string(r); !compare(t, s) || r < 0x3000 && !compare(t, "twelve bytes"+s+s+"a") {
			t.Fatalf("%U is left to encoding/json", r)
		}
	}
	for _, r := range []rune{0x10000, 0x1fffe, 0x10ffff, 0x2028, 0x2029, 0xfffd} {
		if !compare(t, string(r)+"\n12345678"+string(r)+`"\`) {
			t.Fatalf("%U is left to encoding/json", r)
		}
	}
	for length := range 20 {
		for c := range 256 {
			for _, s := range []string{strings.Repeat("a", length) + string([]byte{byte(c)}), string([]byte{byte(c)}) + strings.Repeat("a", length) + "\t"} {
				if compare(t, s) != (c < 0x80) {
					t.Fatalf("%q", s)
				}
			}
		}
	}
}

// TestLeftToEncodingJSON is of plain types with values that are not.
func TestLeftToEncodingJSON(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	bad := "a\xffb"
	for name, v := range map[string]any{
		"NaN": math.NaN(), "infinity": math.Inf(1), "negative infinity": math.Inf(-1), "float32 NaN": float32(math.NaN()), "float32 infinity": float32(math.Inf(-1)),
		"no UTF-8": bad, "a surrogate": "\xed\xa0\x80", "half a rune": "\"\xe3\x81", "year 10000": day.AddDate(8000, 0, 0), "year -1": day.AddDate(-2027, 0, 0),
		"zone of a day": day.In(time.FixedZone("", 24*3600)), "in a pointer": &bad, "in a slice": []string{"a", bad}, "in an array": [2]float64{0, math.NaN()},
		"in a field": struct{ A, B string }{"a", bad}, "far inside": []outerText{{}, {In: &[]string{bad}}},
	} {
		if compare(t, v) {
			t.Errorf("%s is not left to encoding/json", name)
		}
	}
}

type outerText struct{ In *[]string }

type (
	valueMarshaler   struct{}
	pointerMarshaler struct{}
	valueTexter      int
	pointerTexter    byte
	appending        int
	list             []list
	tree             struct{ Children []*tree }
	ring             struct{ Next *rung }
	rung             struct{ Ring ring }
	zeroer           int
	pointerZeroer    struct{}
)

func (valueMarshaler) MarshalJSON() ([]byte, error)    { return []byte("1"), nil }
func (*pointerMarshaler) MarshalJSON() ([]byte, error) { return []byte("1"), nil }
func (valueTexter) MarshalText() ([]byte, error)       { return []byte("1"), nil }
func (*pointerTexter) MarshalText() ([]byte, error)    { return []byte("1"), nil }
func (appending) AppendText(b []byte) ([]byte, error)  { return append(b, '1'), nil }
func (zeroer) IsZero() bool                            { return true }
func (*pointerZeroer) IsZero() bool                    { return true }

func TestNotPlain(t *testing.T) {
	for _, v := range []any{
		uintptr(1), complex64(1), func() {}, make(chan int),
		map[string]int{},
		json.Number("1"), json.RawMessage("1"),
		struct{ A any }{},
		struct{ A error }{},
		valueMarshaler{},
		&valueMarshaler{},
		pointerMarshaler{},
		&pointerMarshaler{}, valueTexter(1), pointerTexter(1), new(pointerTexter),
		appending(1),
		[]pointerTexter{1},
		[1]valueMarshaler{},
		[]any{},
		[]*json.Number{},
		struct{ A []map[int]int }{},
		struct{ A *uintptr }{},
		[1]uintptr{},
		list{},
		tree{},
		&tree{},
		ring{},
		rung{},
		struct {
			T time.Duration
			R ring
		}{},
		struct{ inner }{},
		struct{ time.Time }{},
		struct{ text }{},
		struct{ *inner }{},
		struct{ É int }{},
	} {
		if plainjson.For(reflect.TypeOf(v)) != nil {
			t.Errorf("%T is plain", v)
		}
	}
	for _, tag := range []string{
		",string", "a,omitempty,string", "a,omitempty,,omitzero", ",omitEmpty", ",inline", "-,", "-,omitempty", "a b", "<a>", "é", "a'", `a\`, "B", "a@b",
	} {
		if p := structOf(`json:`+strconv.Quote(tag), "A", reflect.TypeFor[int](), `json:"B"`, "C", reflect.TypeFor[int]()); plainjson.For(p) != nil {
			t.Errorf("%v is plain", p)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[zeroer](), reflect.TypeFor[*zeroer](), reflect.TypeFor[pointerZeroer](), reflect.TypeFor[*time.Time]()} {
		if plainjson.For(structOf(`json:",omitzero"`, "A", of)) != nil {
			t.Errorf("%v is plain with omitzero", of)
		}
		if !compare(t, reflect.Zero(structOf(`json:",omitempty"`, "A", of)).Interface()) {
			t.Errorf("%v is not plain with omitempty", of)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[any](), reflect.TypeFor[error]()} {
		if plainjson.For(of) != nil {
			t.Errorf("%v is plain", of)
		}
	}
}

// structOf makes a struct of fields, each a tag, a name and a type.
func structOf(fields ...any) reflect.Type {
	var all []reflect.StructField
	for ; len(fields) > 0; fields = fields[3:] {
		all = append(all, reflect.StructField{Tag: reflect.StructTag(fields[0].(string)), Name: fields[1].(string), Type: fields[2].(reflect.Type)})
	}
	return reflect.StructOf(all)
}

func TestAppendAllocatesNothing(t *testing.T) {
	one, day := "a longer text of more than thirty-two bytes\nwith \"all\" that\u2028is escaped in JSON: 日本語", time.Now()
	for _, v := range []any{
		&sample, sample,
		empties{true, -1, 1, 0.5, one, new(int), []int{1}, []byte(one), [2]int{}, [0]int{}, inner{1}, day, &day},
		zeros{true, 1e-9, one, new(int), []int{}, [2]int{0, 1}, inner{1}, day},
		[]float32{1e30, -0.1},
		uint64(math.MaxUint64),
	} {
		e := plainjson.For(reflect.TypeOf(v))
		room := make([]byte, 0, 4096)
		allocations := testing.AllocsPerRun(100, func() {
			if _, ok := e.Append(room, reflect.ValueOf(v)); !ok {
				t.Fatal("is left to encoding/json")
			}
		})
		if allocations > 0 && !raceEnabled {
			t.Errorf("%T: %v allocations", v, allocations)
		}
	}
}
