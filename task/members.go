package task

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode"
)

// member is one key and its value, as written, of a JSON object.
type member struct {
	key   string
	value []byte
}

// members splits a JSON object at its top level. encoding/json would take the last of doubled keys and would match
// keys without regard to case, so that two readers could see two tasks in one message; here both are errors: a key
// that equals another, or equals a known attribute in all but case. So is an empty key.
func members(b []byte) ([]member, error) {
	if !isJSONText(b) {
		return nil, errors.New("is not JSON: " + excerpt(b))
	}
	s := scanner{b: b}
	if s.space(); s.b[s.i] != '{' {
		return nil, errors.New("is not a JSON object: " + excerpt(b))
	}
	s.i++
	ms := make([]member, 0, 12)
	seen := make(map[string]bool, 12)
	for s.space(); s.b[s.i] != '}'; s.space() {
		if s.b[s.i] == ',' {
			s.i++
			s.space()
		}
		m := member{key: unquote(s.value())}
		s.space()
		s.i++ // the colon
		s.space()
		m.value = s.value()
		if m.key == "" {
			return nil, errors.New(`key "": is empty, which some readers take for the end of the object`)
		}
		folded := fold(m.key)
		if seen[folded] {
			return nil, fmt.Errorf("key %q: stands there twice, if case is ignored", m.key)
		}
		if folded != m.key && known[folded] {
			return nil, fmt.Errorf("key %q: differs from %q by case only", m.key, folded)
		}
		seen[folded] = true
		ms = append(ms, m)
	}
	return ms, nil
}

// appendMembers writes an object of ms, which are not none.
func appendMembers(b []byte, ms []member) []byte {
	separator := byte('{')
	for _, m := range ms {
		b = append(appendJSON(append(b, separator), m.key), ':')
		b = append(b, m.value...)
		separator = ','
	}
	return append(b, '}')
}

// unquote reads a JSON string that is known to be valid.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	plain := true
	for _, c := range inner {
		plain = plain && c != '\\' && c < 0x80
	}
	if plain {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // cannot fail: the string is valid
	return s
}

// fold maps strings that encoding/json takes for the same key to one string: each character becomes the lowest one of
// its case orbit, ASCII letters lower case. (The long s and the Kelvin sign are thereby an s and a k.)
func fold(s string) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || 'A' <= c && c <= 'Z' {
			plain = false
		}
	}
	if plain {
		return s
	}
	folded := make([]rune, 0, len(s))
	for _, r := range s {
		low := r
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			low = min(low, o)
		}
		if 'A' <= low && low <= 'Z' {
			low += 'a' - 'A'
		}
		folded = append(folded, low)
	}
	return string(folded)
}

func excerpt(b []byte) string {
	const limit = 64
	if len(b) > limit {
		return fmt.Sprintf("%.64q… (%d bytes)", b[:limit], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// scanner walks over JSON that is known to be valid, so it needs no error.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\n' || s.b[s.i] == '\r' {
		s.i++
	}
}

// value steps over the value that starts here and returns it as written.
func (s *scanner) value() []byte {
	start := s.i
	switch s.b[s.i] {
	case '"':
		s.text()
	case '{', '[':
		s.nested()
	default: // a number, true, false or null ends where another token or space begins
		for s.i < len(s.b) && !delimiter(s.b[s.i]) {
			s.i++
		}
	}
	return s.b[start:s.i:s.i]
}

func (s *scanner) text() {
	for s.i++; s.b[s.i] != '"'; s.i++ {
		if s.b[s.i] == '\\' {
			s.i++
		}
	}
	s.i++
}

func (s *scanner) nested() {
	for depth := 0; ; {
		switch s.b[s.i] {
		case '"':
			s.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return
		}
	}
}

func delimiter(c byte) bool {
	switch c {
	case ',', '}', ']', ':', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}
