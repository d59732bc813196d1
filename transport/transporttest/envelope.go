package transporttest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
)

var definition = task.Define[string]("transporttest.echo")

// envelope encodes text as a client does.
func envelope(tb testing.TB, text string, opts ...task.FireOption) task.Envelope {
	tb.Helper()
	return fired(tb, time.Now(), text, opts...)
}

// fired is an envelope that was fired at the given time.
func fired(tb testing.TB, at time.Time, text string, opts ...task.FireOption) task.Envelope {
	tb.Helper()
	e, err := definition.With(text).Encode(task.NewID(at), "/transporttest", at, opts...)
	if err != nil {
		tb.Fatalf("encode: %v", err)
	}
	return e
}

func envelopes(tb testing.TB, n int) []task.Envelope {
	tb.Helper()
	batch := make([]task.Envelope, n)
	for i := range batch {
		batch[i] = envelope(tb, "one of many")
	}
	return batch
}

// sized makes an envelope whose body has exactly n bytes.
func sized(tb testing.TB, n int) task.Envelope {
	tb.Helper()
	least := envelope(tb, "").Size()
	if n < least {
		tb.Fatalf("the limit of %d bytes leaves no room for an envelope, which has %d", n, least)
	}
	return envelope(tb, strings.Repeat("x", n-least))
}

// texts holds every code point, the surrogates and other broken UTF-8 as the bytes that they would be, in strings that
// fit a message.
func texts() []string {
	const perText = 20_000
	var all []string
	var b strings.Builder
	for r := range rune(0x110000) {
		if 0xd800 <= r && r <= 0xdfff {
			b.Write([]byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6&0x3f), 0x80 | byte(r&0x3f)})
		} else {
			b.WriteRune(r)
		}
		if r%perText == perText-1 {
			all = append(all, b.String())
			b.Reset()
		}
	}
	b.WriteString("\xff\xc0\xaf\xf8 </script>\u2028\u2029\"\\")
	return append(all, b.String())
}

// difference tells how two multisets of bodies differ, "" if they do not.
func difference(got, want [][]byte) string {
	count := map[string]int{}
	for _, b := range want {
		count[string(b)]++
	}
	for _, b := range got {
		count[string(b)]--
	}
	var lost, extra int
	for _, n := range count {
		lost += max(n, 0)
		extra += max(-n, 0)
	}
	if lost == 0 && extra == 0 {
		return ""
	}
	var s strings.Builder
	s.WriteString(plural(lost, "body", "bodies") + " lost, " + plural(extra, "body", "bodies") + " too many")
	for b, n := range count {
		if n != 0 {
			s.WriteString("; for example " + excerpt([]byte(b)))
			break
		}
	}
	return s.String()
}

func bodies(batch []task.Envelope) [][]byte {
	out := make([][]byte, len(batch))
	for i, e := range batch {
		out[i] = e.Body()
	}
	return out
}

func excerpt(b []byte) string {
	const limit = 160
	if len(b) > limit {
		return string(bytes.ToValidUTF8(b[:limit], nil)) + "…"
	}
	return string(b)
}
