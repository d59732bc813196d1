package sqstransport

import (
	"fmt"
	"unicode/utf8"

	"github.com/offloadhq/offload/internal/ascii"
)

// checkText finds what SQS takes in no message: everything but #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD |
// #x10000 to #x10FFFF (SendMessage, MessageBody).
func checkText(body []byte) error {
	for i := 0; ; {
		if i += ascii.Printable(body[i:]); i == len(body) {
			return nil
		}
		r, n := utf8.DecodeRune(body[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return fmt.Errorf("byte %d: is not UTF-8", i)
		case r < 0x20 && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff:
			return fmt.Errorf("byte %d: the character %U, which Amazon SQS does not take", i, r)
		}
		i += n
	}
}

// appendString appends s as a JSON string (RFC 8259, section 7). What is no UTF-8 becomes U+FFFD, as encoding/json has
// it; bodies were checked before.
func appendString(b, s []byte) []byte {
	b = append(b, '"')
	for {
		n := ascii.Bare(s)
		b = append(b, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			return append(b, '"')
		}
		n = 1
		if s[0] < utf8.RuneSelf {
			b = ascii.AppendEscape(b, s[0])
		} else {
			var r rune
			r, n = utf8.DecodeRune(s)
			b = utf8.AppendRune(b, r)
		}
		s = s[n:]
	}
}
