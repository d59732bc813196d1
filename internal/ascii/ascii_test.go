package ascii_test

import (
	"bytes"
	"testing"

	"github.com/offloadhq/offload/internal/ascii"
)

// TestEveryByteInEveryPlace has each byte in each place of texts of all lengths up to five words, with and without another
// that is looked for behind it.
func TestEveryByteInEveryPlace(t *testing.T) {
	for length := range 41 {
		for at := range length {
			for c := range 256 {
				for _, behind := range []byte{'x', '"', 0x80, 0, ' ', 0xff} {
					b := bytes.Repeat([]byte{'~'}, length)
					b[at] = byte(c)
					if at+1 < length {
						b[at+1] = behind
					}
					check(t, b)
				}
			}
		}
	}
	check(t, nil)
}

func check(t *testing.T, b []byte) {
	t.Helper()
	printable := func(c byte) bool { return c >= 0x20 && c < 0x80 }
	bare := func(c byte) bool { return printable(c) && c != '"' && c != '\\' }
	if got, want := ascii.Printable(b), prefix(b, printable); got != want {
		t.Fatalf("Printable(%q) is %d, want %d", b, got, want)
	}
	if got, want := ascii.Bare(b), prefix(b, bare); got != want {
		t.Fatalf("Bare(%q) is %d, want %d", b, got, want)
	}
}

func prefix(b []byte, ok func(byte) bool) int {
	for i, c := range b {
		if !ok(c) {
			return i
		}
	}
	return len(b)
}
