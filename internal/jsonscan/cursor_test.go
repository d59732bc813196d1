package jsonscan_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/offloadhq/offload/internal/jsonscan"
)

// scan builds what encoding/json builds, with every method of the cursor.
func scan(c *jsonscan.Cursor) (any, error) {
	switch c.Peek() {
	case '{':
		m := map[string]any{}
		err := c.Object(func(key []byte) error {
			name := string(key)
			value, err := scan(c)
			m[name] = value
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err := c.Array(func() error {
			value, err := scan(c)
			list = append(list, value)
			return err
		})
		return list, err
	case '"':
		again := *c
		b, err := c.Text()
		if more, moreErr := again.AppendText([]byte("x")); (moreErr == nil) != (err == nil) || err == nil && string(more) != "x"+string(b) {
			return nil, fmt.Errorf("AppendText: %q, %w; Text: %q, %w", more, moreErr, b, err)
		}
		return string(b), err
	case 't', 'f':
		return c.Bool()
	}
	if c.Null() {
		return nil, nil
	}
	return "a number", c.Skip()
}

// numbers gives every number the same value, as scan does.
func numbers(v any) any {
	switch v := v.(type) {
	case float64:
		return "a number"
	case map[string]any:
		for key, value := range v {
			v[key] = numbers(value)
		}
	case []any:
		for i, value := range v {
			v[i] = numbers(value)
		}
	}
	return v
}

// FuzzCursor reads any bytes. What encoding/json reads, the cursor reads alike; what encoding/json refuses, it may not
// take for whole, and it never panics.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.5e3,true,false,null,"\u00e9\ud83d\ude00\ud83d\"\\\/\b\f\n\r\t"],"b":{},"c":[]}`, `[]`, `""`, `nul`, `nullx`, `tru`, `truefalse`,
		`[1,]`, `{"a"}`, `{"a":}`, `[`, `"\`, `"\u12`, "\"\x01\"", "\"\xff\"", ` [ null , true ] `, `{"a":1}}`, `1e400`, `-`, `01`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := jsonscan.New(b)
		got, err := scan(c)
		whole := err == nil && c.End()
		var want any
		valid := json.Valid(b)
		if whole != valid {
			t.Fatalf("%q: read whole: %t (%v), valid: %t", b, whole, err, valid)
		}
		if !valid || !utf8.Valid(b) || json.Unmarshal(b, &want) != nil {
			return // such as 1e400, which is JSON and no float64
		}
		a, _ := json.Marshal(got)
		w, _ := json.Marshal(numbers(want))
		if string(a) != string(w) {
			t.Fatalf("%q: read %s, want %s", b, a, w)
		}
	})
}

func TestSkipStepsOverOneValue(t *testing.T) {
	for _, value := range []string{`{"a":[1,{"b":"]}"}]}`, `[]`, `"\""`, `-1.5e3`, `true`, `null`} {
		c := jsonscan.New([]byte("[" + value + ",7]"))
		values := 0
		if err := c.Array(func() error { values++; return c.Skip() }); err != nil || values != 2 || !c.End() {
			t.Errorf("%s: %d values, %v", value, values, err)
		}
	}
	for _, value := range []string{`,`, `:`, `]`, `}`, ``, `nul`, `{`, `"a`, `+1`} {
		if err := jsonscan.New([]byte(value)).Skip(); err == nil {
			t.Errorf("%q: stepped over", value)
		}
	}
}
