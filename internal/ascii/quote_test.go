package ascii_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/offloadhq/offload/internal/ascii"
)

// TestStringsReadAsTheyWere has each byte in each place of texts of several words, and long texts of everything.
func TestStringsReadAsTheyWere(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				for _, behind := range []string{"x", `"`, `\`, "\n", "é", "\xff"} {
					text := strings.Repeat("~", at) + string([]byte{byte(c)}) + behind + strings.Repeat("~", length-at)
					checkString(t, text)
				}
			}
		}
	}
	parts := []string{"a", `"`, `\`, "\x00", "\x1f", "\x7f", "é", "日", "\U0010ffff", "\xff", "\xed\xa0\x80", "\u2028", "abcdefgh", strings.Repeat("~", 100)}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // texts of a test
	for range 200 {
		var text strings.Builder
		for range random.IntN(2000) {
			text.WriteString(parts[random.IntN(len(parts))])
		}
		checkString(t, text.String())
	}
}

func checkString(t *testing.T, text string) {
	t.Helper()
	out := ascii.AppendString([]byte("before"), []byte(text))
	quoted, found := bytes.CutPrefix(out, []byte("before"))
	if !found {
		t.Fatalf("%q became %q", text, out)
	}
	var got string
	if err := json.Unmarshal(quoted, &got); err != nil || got != string([]rune(text)) {
		t.Fatalf("%q became %s, which reads as %q, %v", text, quoted, got, err)
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		t.Fatal(err)
	}
	shorter := strings.NewReplacer(`\b`, `\u0008`, `\f`, `\u000c`, `\u2028`, "\u2028", `\u2029`, "\u2029", `\ufffd`, "\ufffd")
	if !strings.Contains(text, `\`) && string(quoted) != shorter.Replace(strings.TrimSuffix(want.String(), "\n")) {
		t.Fatalf("%q became %s, and encoding/json writes %s", text, quoted, want.String())
	}
}

func BenchmarkAppendString(b *testing.B) {
	text := []byte(`{"specversion":"1.0","id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","source":"shop","type":"order.placed","data":{"text":"` + strings.Repeat("all of it plain; ", 16) + `"}}`)
	b.SetBytes(int64(len(text)))
	var out []byte
	for b.Loop() {
		out = ascii.AppendString(out[:0], text)
	}
}
