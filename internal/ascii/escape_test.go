package ascii_test

import (
	"encoding/json"
	"testing"

	"github.com/offloadhq/offload/internal/ascii"
)

func TestEscapesStandForTheirByte(t *testing.T) {
	for c := range 128 {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		text := append(ascii.AppendEscape([]byte(`"`), byte(c)), '"')
		var got string
		if err := json.Unmarshal(text, &got); err != nil || got != string(rune(c)) {
			t.Errorf("%#x became %s, which reads as %q, %v", c, text, got, err)
		}
	}
}
