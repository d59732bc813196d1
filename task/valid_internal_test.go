package task

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func FuzzIsJSONText(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.5e3,true,false,null,"\u00e9\ud83d\ude00\ud83d\"\\\/\b\f\n\r\t"],"b":{},"c":[]}`, `[]`, `""`, `nul`, `nullx`, `tru`, `truefalse`, "",
		`[1,]`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{1:1}`, `{,}`, `[`, `[1`, `[1 2]`, `{"a":1]`, `"\`, `"\u12`, `"\u12g4"`, `"\x"`, "\"\x01\"", "\"\xff\x80\"", ` [ null , true ] `, `{"a":1}}`,
		`1e400`, `-`, `01`, `-0`, `0.`, `.5`, `1e`, `1E+`, `1e-5`, `+1`, "\x00", "1\x00", `"a long string that goes on behind a \" quotation mark"`, "\"a control character \n in the middle\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := isJSONText(b), json.Valid(b); got != want {
			t.Errorf("%q is %t, and %t for encoding/json", b, got, want)
		}
	})
}

// TestTextsOfAllLengths puts each byte into each place of a string, behind others of its kind.
func TestTextsOfAllLengths(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				for _, before := range []byte{'x', 0x80, 0xff} {
					b := append(append([]byte{'"'}, bytes.Repeat([]byte{before}, length)...), '"')
					b[1+at] = byte(c)
					if got, want := isJSONText(b), json.Valid(b); got != want {
						t.Fatalf("%q is %t, and %t for encoding/json", b, got, want)
					}
				}
			}
		}
	}
}

func TestNestingAsDeepAsEncodingJSON(t *testing.T) {
	for _, depth := range []int{maxNesting - 1, maxNesting, maxNesting + 1} {
		for _, pair := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			b := []byte(strings.Repeat(pair[0], depth) + "1" + strings.Repeat(pair[1], depth))
			if got, want := isJSONText(b), json.Valid(b); got != want {
				t.Errorf("%d deep: %t, and %t for encoding/json", depth, got, want)
			}
		}
	}
}
