package claimcheck_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"runtime"
	"testing"
)

// bomb is gzip that yields n bytes, a whole number of MiB, and then a wrong checksum. The compressor makes the same of
// each MiB of zeros, so only two are compressed.
func bomb(tb testing.TB, n int) []byte {
	tb.Helper()
	var out bytes.Buffer
	out.WriteString("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		tb.Fatal(err)
	}
	zeros := bytes.Repeat([]byte("0"), 1<<20)
	block := func() []byte {
		before := out.Len()
		_, err := w.Write(zeros)
		if err := errors.Join(err, w.Flush()); err != nil {
			tb.Fatal(err)
		}
		return out.Bytes()[before:]
	}
	block()
	second := bytes.Clone(block())
	if !bytes.Equal(block(), second) {
		tb.Fatal("the compressor makes something else of every MiB")
	}
	out.Write(bytes.Repeat(second, n>>20-3))
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	out.WriteString("\x00\x00\x00\x00\x00\x00\x00\x00")
	return out.Bytes()
}

// allocated returns how many bytes f allocates in all, also what is freed meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
