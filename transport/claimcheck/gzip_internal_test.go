package claimcheck

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func texts(t *rapid.T) []byte {
	n := rapid.IntRange(0, 100_000).Draw(t, "length")
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); kind {
	case 0:
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	case 1:
		return bytes.Repeat([]byte{'0'}, n)
	default:
		b := make([]byte, 0, n)
		for len(b) < n {
			b = append(b, strings.Repeat("abcdefgh"[:1+r.IntN(8)], 1+r.IntN(1+kind*200))...)
		}
		return b[:n]
	}
}

// What a sender compresses, every reader takes: the ratio, and the length, are those that it allows.
func TestG5_SenderMakesNoBombs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := texts(t)
		encoded := deflate(data)
		if encoded == nil {
			return
		}
		if len(encoded) > len(data)-len(data)/10 {
			t.Fatalf("%d bytes of %d: a tenth is not saved", len(encoded), len(data))
		}
		back, err := inflate(encoded, len(data))
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("%d bytes of %d: %v", len(encoded), len(data), err)
		}
	})
}

func TestDeflateLetsGoOfItsOutput(t *testing.T) {
	first := deflate(bytes.Repeat([]byte("ab cd "), 1000))
	kept := bytes.Clone(first)
	for range 10 {
		deflate(bytes.Repeat([]byte("12 34 "), 1000))
	}
	if !bytes.Equal(first, kept) {
		t.Error("a later one wrote into the first")
	}
}

// FuzzInflate: no input panics, none yields anything but exactly what was asked for, and what the standard library reads
// from it.
func FuzzInflate(f *testing.F) {
	add := func(encoded []byte, lengths ...int) {
		for _, n := range lengths {
			f.Add(encoded, n)
		}
	}
	for _, text := range []string{"", "x", `{"to":"ada@example.com"}`, strings.Repeat("ab", 500), strings.Repeat("0", 100_000), "\x00\xff\xfe"} {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = "n"+strings.ToUpper(text[:min(len(text), 1)]), "", []byte("extra")
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		z := b.Bytes()
		add(z, len(text), len(text)+1, len(text)-1, 0, 1<<31-1)
		add(z[:len(z)-1], len(text))
		add(append(bytes.Clone(z), 0), len(text))
		add(append(bytes.Clone(z), z...), len(text), 2*len(text))
		add(z[:len(z)/2], len(text))
		add(z[10:], len(text))
	}
	add(nil, -1, 0, 1)
	add([]byte("\x1f\x8b"), 0, 1)
	add([]byte("\x1f\x8b\x08\x1f\x00\x00\x00\x00\x00\xff"), 0, 1)
	f.Fuzz(func(t *testing.T, encoded []byte, length int) {
		if length > 1<<20 {
			length %= 1 << 20
		}
		data, err := inflate(encoded, length)
		if err != nil {
			if data != nil {
				t.Fatalf("%d bytes come with %v", len(data), err)
			}
			return
		}
		if len(data) != length || length > MaxRatio*len(encoded) {
			t.Fatalf("%d bytes from %d, asked for %d", len(data), len(encoded), length)
		}
		r, err := gzip.NewReader(bytes.NewReader(encoded))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := io.ReadAll(r); err != nil || !bytes.Equal(want, data) {
			t.Fatalf("the standard library reads %d bytes, %v", len(want), err)
		}
	})
}
