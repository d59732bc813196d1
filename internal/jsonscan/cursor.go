package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/offloadhq/offload/internal/ascii"
)

// Cursor reads JSON (RFC 8259) from left to right, each byte once. What it steps over is checked for its strings and brackets
// only.
type Cursor struct {
	b []byte
	i int
}

// New returns a cursor at the beginning of b, which must not change while it is read.
func New(b []byte) *Cursor { return &Cursor{b: b} }

func (c *Cursor) errorf(want string) error {
	if c.i >= len(c.b) {
		return fmt.Errorf("at its end: %s expected", want)
	}
	return fmt.Errorf("at byte %d, %q: %s expected", c.i, c.b[c.i], want)
}

// Peek returns the next byte that is no white space; 0 at the end.
func (c *Cursor) Peek() byte {
	for ; c.i < len(c.b); c.i++ {
		switch c.b[c.i] {
		case ' ', '\t', '\n', '\r':
		default:
			return c.b[c.i]
		}
	}
	return 0
}

// End reports that nothing but white space is left.
func (c *Cursor) End() bool { return c.Peek() == 0 && c.i >= len(c.b) }

// Object calls member for each key; member must read the value.
func (c *Cursor) Object(member func(key []byte) error) error {
	return c.list('{', '}', func() error {
		key, err := c.Bytes()
		if err != nil {
			return err
		}
		if c.Peek() != ':' {
			return c.errorf("a colon")
		}
		c.i++
		return member(key)
	})
}

// Array calls element for each element; element must read it.
func (c *Cursor) Array(element func() error) error { return c.list('[', ']', element) }

func (c *Cursor) list(first, last byte, item func() error) error {
	if c.Peek() != first {
		return c.errorf(strconv.QuoteRune(rune(first)))
	}
	c.i++
	if c.Peek() == last {
		c.i++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch c.Peek() {
		case ',':
			c.i++
		case last:
			c.i++
			return nil
		default:
			return c.errorf("a comma or " + strconv.QuoteRune(rune(last)))
		}
	}
}

// Bytes returns a string that may lie in what is read: it is for looking at, not for keeping or changing.
func (c *Cursor) Bytes() ([]byte, error) {
	raw, plain, err := c.quoted()
	if err != nil || plain {
		return raw, err
	}
	return unescape(raw)
}

// String returns a string.
func (c *Cursor) String() (string, error) {
	b, err := c.Bytes()
	return string(b), err
}

// Text returns a string as bytes of its own.
func (c *Cursor) Text() ([]byte, error) {
	raw, plain, err := c.quoted()
	if err != nil {
		return nil, err
	}
	if plain {
		return append(make([]byte, 0, len(raw)), raw...), nil
	}
	return unescape(raw)
}

// AppendText appends a string to b.
func (c *Cursor) AppendText(b []byte) ([]byte, error) {
	raw, plain, err := c.quoted()
	switch {
	case err != nil:
		return b, err
	case plain:
		return append(b, raw...), nil
	}
	return appendUnescaped(b, raw)
}

// quoted returns what stands between the quotation marks, and whether it means just what it says: no escapes, ASCII
// only.
func (c *Cursor) quoted() (raw []byte, plain bool, err error) {
	if c.Peek() != '"' {
		return nil, false, c.errorf("a string")
	}
	c.i++
	plain = true
	for start := c.i; c.i < len(c.b); c.i++ {
		if c.i += ascii.Bare(c.b[c.i:]); c.i == len(c.b) {
			break
		}
		switch ch := c.b[c.i]; {
		case ch == '"':
			c.i++
			return c.b[start : c.i-1], plain, nil
		case ch == '\\':
			plain = false
			c.i++ // whatever is escaped does not end the string
		case ch < 0x20:
			return nil, false, c.errorf("a string without control characters")
		default:
			plain = false
		}
	}
	c.i = len(c.b)
	return nil, false, c.errorf("a quotation mark")
}

// Skip steps over one value.
func (c *Cursor) Skip() error {
	for depth := 0; ; {
		switch c.Peek() {
		case '"':
			if _, _, err := c.quoted(); err != nil {
				return err
			}
		case '{', '[':
			depth++
			c.i++
		case '}', ']':
			depth--
			c.i++
		case ',', ':':
			if depth <= 0 {
				return c.errorf("a value")
			}
			c.i++
			continue
		default:
			if err := c.scalar(); err != nil {
				return err
			}
		}
		if depth < 0 {
			c.i--
			return c.errorf("a value")
		}
		if depth == 0 {
			return nil
		}
	}
}

// Null steps over null if that is the next value, and reports whether it was.
func (c *Cursor) Null() bool {
	if c.Peek() != 'n' || !bytes.HasPrefix(c.b[c.i:], []byte("null")) {
		return false
	}
	c.i += len("null")
	return true
}

// Bool reads true or false.
func (c *Cursor) Bool() (bool, error) {
	c.Peek()
	switch rest := c.b[c.i:]; {
	case bytes.HasPrefix(rest, []byte("true")):
		c.i += len("true")
		return true, nil
	case bytes.HasPrefix(rest, []byte("false")):
		c.i += len("false")
		return false, nil
	}
	return false, c.errorf("true or false")
}

// scalar steps over a number, true, false or null.
func (c *Cursor) scalar() error {
	start := c.i
	for c.i < len(c.b) && !strings.ContainsRune(",:{}[]\" \t\r\n", rune(c.b[c.i])) {
		c.i++
	}
	if !json.Valid(c.b[start:c.i]) {
		c.i = start
		return c.errorf("a value")
	}
	return nil
}

var errEscape = errors.New(`a string holds an escape that JSON does not know`)

func unescape(raw []byte) ([]byte, error) { return appendUnescaped(make([]byte, 0, len(raw)), raw) }

// appendUnescaped appends what raw, the inside of a JSON string, means, as encoding/json reads it: half a surrogate pair is
// U+FFFD. Every backslash in raw has a byte behind it.
func appendUnescaped(out, raw []byte) ([]byte, error) {
	if !utf8.Valid(raw) { // rare: let encoding/json mend it its way
		var s string
		err := json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &s)
		return append(out, s...), err
	}
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(out, raw...), nil
		}
		out = append(out, raw[:i]...)
		escaped := raw[i+1]
		raw = raw[i+2:]
		if escaped == 'u' {
			r, rest, ok := unicodeEscape(raw)
			if !ok {
				return out, errEscape
			}
			out, raw = utf8.AppendRune(out, r), rest
			continue
		}
		at := strings.IndexByte(`"\/bfnrt`, escaped)
		if at < 0 {
			return out, errEscape
		}
		out = append(out, "\"\\/\b\f\n\r\t"[at])
	}
}

// unicodeEscape reads the four digits of an escape, and a second escape if both are a surrogate pair.
func unicodeEscape(raw []byte) (r rune, rest []byte, ok bool) {
	r, ok = hex4(raw)
	if !ok {
		return 0, nil, false
	}
	raw = raw[4:]
	if !utf16.IsSurrogate(r) {
		return r, raw, true
	}
	if len(raw) >= 2 && raw[0] == '\\' && raw[1] == 'u' {
		if low, ok := hex4(raw[2:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, raw[6:], true
			}
		}
	}
	return utf8.RuneError, raw, true
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	n := rune(0)
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | rune(c)
	}
	return n, true
}
