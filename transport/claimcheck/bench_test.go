package claimcheck_test

import (
	"context"
	"testing"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

// What a claim check costs a host: nothing to a small task, and to a large one what compressing and hashing take.
func BenchmarkSend(b *testing.B) {
	next := sendFunc{small().Limits(), func(_ context.Context, batch []task.Envelope) ([]transport.Result, error) {
		return make([]transport.Result, len(batch)), transport.ErrNoResult
	}}
	for name, c := range map[string]struct {
		text string
		o    claimcheck.Options
	}{
		"small":                      {"hello", claimcheck.Options{}},
		"1 MiB of base64":            {noise(1 << 20), claimcheck.Options{}},
		"1 MiB of base64, as it is":  {noise(1 << 20), claimcheck.Options{NoCompression: true}},
		"1 MiB of text":              {prose(1 << 20), claimcheck.Options{}},
		"50 KiB of text, into 8 KiB": {prose(50 << 10), claimcheck.Options{}},
		"1 MiB, sent again":          {noise(1 << 20), claimcheck.Options{}},
	} {
		b.Run(name, func(b *testing.B) {
			s := newSender(b, next, newShelf(), c.o)
			batch := []task.Envelope{encode(b, "a", c.text)}
			if name != "1 MiB, sent again" {
				batch = append(batch, encode(b, "a", c.text+" "))
			}
			b.SetBytes(int64(batch[0].Size()))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ { // two of one id: neither is remembered when its turn comes
				_, _ = s.Send(b.Context(), batch[i%len(batch):][:1])
			}
		})
	}
}

// What a worker does beside reading from the store.
func BenchmarkResolve(b *testing.B) {
	plain := []byte(`"` + noise(1<<20) + `"`)
	text := []byte(`"` + prose(1<<20) + `"`)
	store := newShelf()
	for name, p := range map[string]task.Payload{
		"1 MiB as it is":      store.keep("a", plain, "", len(plain)),
		"1 MiB of base64, gz": store.keep("a", zip(b, plain), task.Gzip, len(plain)),
		"1 MiB of text, gz":   store.keep("a", zip(b, text), task.Gzip, len(text)),
	} {
		b.Run(name, func(b *testing.B) {
			r, e := newResolver(b, store, claimcheck.ResolverOptions{}), message(b, "a", p)
			b.SetBytes(int64(p.Length))
			b.ReportAllocs()
			for b.Loop() {
				_, release, err := r.Resolve(b.Context(), e)
				if err != nil {
					b.Fatal(err)
				}
				release()
			}
		})
	}
}
