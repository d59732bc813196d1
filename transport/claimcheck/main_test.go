package claimcheck_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/memtransport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a Store in memory that counts, and can be made to fail.
type shelf struct {
	onPut func(ctx context.Context, key string) error
	onGet func(ctx context.Context, key string) error

	mu       sync.Mutex
	payloads map[string][]byte // guarded by mu
	puts     []string          // keys; guarded by mu
	gets     []string          // keys; guarded by mu
	read     int               // bytes; guarded by mu
	open     int               // bodies that nobody has closed; guarded by mu
}

func newShelf() *shelf { return &shelf{payloads: map[string][]byte{}} }

func (s *shelf) Target() string { return "shelf" }

func (s *shelf) Put(ctx context.Context, key string, body []byte) error {
	if err := claimcheck.CheckKey("shelf", key); err != nil {
		return err
	}
	s.mu.Lock()
	s.puts = append(s.puts, key)
	s.mu.Unlock()
	if s.onPut != nil {
		if err := s.onPut(ctx, key); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return &transport.Error{Target: "shelf", Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payloads[key] = bytes.Clone(body)
	return nil
}

func (s *shelf) Get(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	s.mu.Lock()
	s.gets = append(s.gets, key)
	b, ok := s.payloads[key]
	s.mu.Unlock()
	if s.onGet != nil {
		if err := s.onGet(ctx, key); err != nil {
			return nil, 0, err
		}
	}
	if !ok {
		return nil, 0, &transport.Error{Target: "shelf", Err: claimcheck.ErrNotFound}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return &body{s, bytes.NewReader(b)}, int64(len(b)), nil
}

// body counts what is read of a payload.
type body struct {
	shelf *shelf
	r     *bytes.Reader
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.shelf.mu.Lock()
	defer b.shelf.mu.Unlock()
	b.shelf.read += n
	return n, err
}

func (b *body) Close() error {
	b.shelf.mu.Lock()
	defer b.shelf.mu.Unlock()
	b.shelf.open--
	return nil
}

// seen returns how often the shelf was asked, and how many bytes were read of it.
func (s *shelf) seen() (puts, gets, read int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.puts), len(s.gets), s.read
}

var text = task.Define[string]("test.text", task.Queue("bulk"))

func encode(tb testing.TB, id, s string, opts ...task.FireOption) task.Envelope {
	tb.Helper()
	e, err := text.With(s).Encode(id, "/test", time.Now(), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// noise is text of n bytes that hardly compresses: a quarter at most.
func noise(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(64)]
	}
	return string(b)
}

// prose is text of n bytes that compresses about ten times.
func prose(n int) string {
	var b strings.Builder
	r := rand.New(rand.NewPCG(2, uint64(n)))
	words := strings.Fields("the quick brown fox jumps over a lazy dog and another one besides while nobody looks")
	for b.Len() < n {
		b.WriteString(strings.Repeat(words[r.IntN(len(words))]+" ", 8))
	}
	return b.String()[:n]
}

const threshold = 8 << 10

// small is a transport that takes little.
func small() *memtransport.Queue {
	return memtransport.New(&memtransport.Options{
		VisibilityTimeout: time.Hour,
		Limits:            transport.Limits{Items: 10, BatchBytes: 64 << 10, MessageBytes: threshold, MaxDelay: time.Hour},
	})
}

func newSender(tb testing.TB, next transport.Sender, store claimcheck.Store, o claimcheck.Options) *claimcheck.Sender {
	tb.Helper()
	s, err := claimcheck.NewSender(next, store, &o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newResolver(tb testing.TB, store claimcheck.Store, o claimcheck.ResolverOptions) *claimcheck.Resolver {
	tb.Helper()
	r, err := claimcheck.NewResolver(store, &o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// received takes everything from the queue.
func received(tb testing.TB, q *memtransport.Queue) (all []task.Envelope) {
	tb.Helper()
	for q.Len() > 0 {
		ds, err := q.Receive(tb.Context(), 100)
		if err != nil {
			tb.Fatal(err)
		}
		for _, d := range ds {
			e, err := task.Parse(d.Body)
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, e)
		}
		if err := q.Ack(ds...); err != nil {
			tb.Fatal(err)
		}
	}
	return all
}

// resolved reads the arguments as a worker does.
func resolved(tb testing.TB, r *claimcheck.Resolver, e task.Envelope) string {
	tb.Helper()
	with, release, err := r.Resolve(tb.Context(), e)
	if err != nil {
		tb.Fatal(err)
	}
	defer release()
	s, err := text.Decode(with)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
