package transport_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/offloadhq/offload/transport"
)

// checkAttributes holds attributes against what Amazon SQS takes ("Amazon SQS message quotas"; MessageAttributeValue) and
// what a worker promises.
func checkAttributes(t interface{ Errorf(string, ...any) }, attributes map[string]string) {
	if len(attributes) > 9 {
		t.Errorf("%d attributes", len(attributes))
	}
	total := 0
	for name, value := range attributes {
		total += len(name) + len("String") + len(value)
		if value == "" || !utf8.ValidString(value) {
			t.Errorf("%s is %q", name, value)
		}
		for _, r := range value {
			if r != '\t' && r != '\n' && r != '\r' && (r < 0x20 || r == 0xfffe || r == 0xffff) {
				t.Errorf("%s holds %U", name, r)
			}
		}
	}
	if total > transport.MaxReasonBytes {
		t.Errorf("%d bytes, more than %d", total, transport.MaxReasonBytes)
	}
	if attributes["Offload.Reason"] == "" || attributes["Offload.Attempt"] == "" {
		t.Errorf("no reason or no attempt: %v", slices.Sorted(maps.Keys(attributes)))
	}
}

func TestC3_ReasonOfAnyTextFitsAMessage(t *testing.T) {
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringOfN(rapid.Rune(), 0, 12000, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12000), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		r := transport.Reason{
			Code: text.Draw(t, "code"), Message: text.Draw(t, "message"), Stack: text.Draw(t, "stack"),
			TaskID: text.Draw(t, "id"), Name: text.Draw(t, "name"), Source: text.Draw(t, "source"),
			Attempt: rapid.Int().Draw(t, "attempt"),
		}
		checkAttributes(t, r.Attributes())
	})
}

func TestC3_ReasonKeepsWhatAQueueTakesAndEscapesTheRest(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain, größer, 世界, 😀\t\r\n", "plain, größer, 世界, 😀\t\r\n"},
		{"\x00\x07\x1b\x7f", `\u{0000}\u{0007}\u{001b}\u{007f}`},
		{"\u0085\u009f\u00a0", "\\u{0085}\\u{009f}\u00a0"},
		{"\ufffd\ufffe\uffff\U00010000\U0010ffff", "\ufffd\\u{fffe}\\u{ffff}\U00010000\U0010ffff"},
		{"\xff\xed\xa0\x80", `\x{ff}\x{ed}\x{a0}\x{80}`},
		{"\ud7ff\ue000", "\ud7ff\ue000"},
	} {
		if got := (transport.Reason{Message: c.text}).Attributes()["Offload.Message"]; got != c.want {
			t.Errorf("%q became %q, want %q", c.text, got, c.want)
		}
	}
}

func TestC4_ReasonIsNeverEmpty(t *testing.T) {
	got := transport.Reason{}.Attributes()
	want := map[string]string{"Offload.Reason": transport.ReasonExhausted, "Offload.Attempt": "0"}
	if !maps.Equal(got, want) {
		t.Errorf("of nothing: %v, want %v", got, want)
	}
}

func TestReasonIsWhole(t *testing.T) {
	got := transport.Reason{
		Code: transport.ReasonPermanent, Message: "m", Stack: "s", TaskID: "i", Name: "n", Attempt: 3, Source: "q",
	}.Attributes()
	want := map[string]string{
		"Offload.Reason": "permanent", "Offload.Message": "m", "Offload.Stack": "s", "Offload.TaskId": "i",
		"Offload.Name": "n", "Offload.Attempt": "3", "Offload.Source": "q",
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestC1_LongReasonIsCut has characters of several bytes at every cut.
func TestC1_LongReasonIsCut(t *testing.T) {
	for shift := range 4 {
		long := strings.Repeat("x", shift) + strings.Repeat("😀", 5000)
		got := transport.Reason{Message: long, Stack: long, Source: long, Name: long, TaskID: long, Code: long}.Attributes()
		checkAttributes(t, got)
		for _, name := range []string{"Reason", "Message", "Stack", "Source", "Name", "TaskId"} {
			value := got["Offload."+name]
			cut := strings.TrimSuffix(value, "…")
			if cut == value || !strings.HasPrefix(long, cut) || strings.ContainsRune(cut, utf8.RuneError) {
				t.Errorf("%s is not a marked beginning: %.20q… of %d bytes", name, value, len(value))
			}
		}
		if len(got["Offload.Message"]) < 2000 || len(got["Offload.Stack"]) < 3000 {
			t.Errorf("too much was cut: message %d, stack %d bytes", len(got["Offload.Message"]), len(got["Offload.Stack"]))
		}
	}
}
