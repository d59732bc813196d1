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
