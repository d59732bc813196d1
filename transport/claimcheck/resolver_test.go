package claimcheck_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func zip(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// message is what arrives when somebody sends p for the task.
func message(tb testing.TB, id string, p task.Payload) task.Envelope {
	tb.Helper()
	e, err := encode(tb, id, "").WithPayload(p)
	if err != nil {
		tb.Fatal(err)
	}
	if e, err = task.Parse(e.Body()); err != nil {
		tb.Fatal(err)
	}
	return e
}

// keep stores bytes as a payload of the task, and returns what a message says of them.
func (s *shelf) keep(id string, stored []byte, encoding string, length int) task.Payload {
	p := task.Payload{Digest: digestOf(stored), Encoding: encoding, Length: length}
	p.Ref = claimcheck.Key(id, p.Digest)
	s.payloads[p.Ref] = stored
	return p
}

// refused asks that a payload is refused for good, as want.
func refused(tb testing.TB, r *claimcheck.Resolver, e task.Envelope, want error) {
	tb.Helper()
	got, release, err := r.Resolve(tb.Context(), e)
	release()
	if !errors.Is(err, want) || !task.IsPermanent(err) || got.Data() != nil {
		tb.Errorf("error %v, want a permanent %v", err, want) //nolint:errorlint // told, not matched
	}
}

// G3: whoever can send a message can write any pointer into it. None but that of the task's own payload is followed: 200
// others read nothing.
func TestG3_ForgedPointersReadNothing(t *testing.T) {
	const id = "01KJ7Z3Q5ZABCDEFGHJKMNPQRS"
	secret := []byte(`"the secret of another task"`)
	store := newShelf()
	other := store.keep("01KJ7Z3Q5ZZZZZZZZZZZZZZZZZ", secret, "", len(secret))
	own := store.keep(id, []byte(`"mine"`), "", 6)
	digest := own.Digest
	for _, key := range []string{"../" + digest, "/" + id + "/" + digest, id, digest, id + "/../" + other.Ref, "payloads/" + own.Ref, strings.ToLower(id) + "/" + digest} {
		store.payloads[key] = secret // as if the store could be led there
	}
	variants := forged(id, own, other)
	if len(variants) < 200 {
		t.Fatalf("%d variants", len(variants))
	}
	r := newResolver(t, store, claimcheck.ResolverOptions{})
	for _, p := range variants {
		refused(t, r, message(t, id, p), claimcheck.ErrPointer)
	}
	if _, gets, read := store.seen(); gets != 0 || read != 0 {
		t.Errorf("%d variants made %d reads, of %d bytes", len(variants), gets, read)
	}
	if got := resolved(t, r, message(t, id, own)); got != "mine" {
		t.Errorf("the payload itself: %q", got)
	}
}

// forged are pointers that name something else than own, which is the payload of the task: another key, in all the ways
// that keys are written, or another digest.
func forged(id string, own, other task.Payload) (all []task.Payload) {
	digest := own.Digest
	refs := []string{
		other.Ref, "s3://bucket/" + own.Ref, "s3://other-bucket/" + own.Ref, "https://bucket.s3.amazonaws.com/" + own.Ref, "http://169.254.169.254/latest/meta-data",
		"file:///etc/passwd", "/etc/passwd", "arn:aws:s3:::bucket/" + own.Ref, "payloads/" + own.Ref, "/" + own.Ref, "./" + own.Ref, own.Ref + "/", own.Ref + "/..",
		own.Ref + "?versionId=x", own.Ref + "#x", own.Ref + "\x00", own.Ref + " ", " " + own.Ref, own.Ref + "\n", strings.ToLower(own.Ref), strings.ToUpper(own.Ref),
		digest, id, id + "//" + digest, id + "\\" + digest, id + "%2f" + digest, id + "/" + digest[:63], id + "/" + digest + "0", digest + "/" + digest,
		strings.Replace(other.Ref, other.Digest, digest, 1), id + "/" + other.Digest, claimcheck.Key("x"+id, digest), claimcheck.Key(strings.ToLower(id), digest), ".", "..",
	}
	for _, up := range []string{"..", "../..", "%2e%2e", "..%2f", "..\\", "....", "~", "\uff0e\uff0e", "..\x00", "a/..", "..;", "%c0%ae%c0%ae", "s3:", "bucket", "\u2025"} {
		refs = append(refs, up+"/"+own.Ref, id+"/"+up+"/"+digest, id+"/"+up+"/"+id+"/"+digest, id+"/"+digest+"/"+up, up+"/"+digest, up+"/"+other.Ref, id+"/"+up+"/"+other.Ref)
	}
	for i := range 64 { // a digit more or less
		b := []byte(own.Ref)
		b[len(b)-1-i] ^= 1
		refs = append(refs, string(b))
	}
	for _, ref := range refs {
		p := own
		p.Ref = ref
		all = append(all, p)
	}
	// The key follows from the digest, but the digest is none.
	for _, bad := range []string{"", "x", digest[:63], digest + "a", strings.ToUpper(digest), "../" + digest[3:], digest[:32] + "/" + digest[33:], "sha256:" + digest, " " + digest[1:], digest[:63] + "\n", strings.Repeat("g", 64), strings.Repeat("\u0661", 32)} {
		p := own
		p.Digest, p.Ref = bad, claimcheck.Key(id, bad)
		all = append(all, p)
	}
	return all
}

// G5: no message makes a worker take more memory than it declares, and what it declares is bounded.
func TestG5_Bombs(t *testing.T) {
	zeros := bytes.Repeat([]byte("0"), 1<<20)
	huge := bomb(t, 10<<30)
	if len(huge) < 9<<20 || len(huge) > 12<<20 {
		t.Fatalf("10 GiB in %d bytes", len(huge))
	}
	tenKB := bomb(t, 10<<20)[:10<<10] // all that fits: deflate packs a thousand times at most
	for name, c := range map[string]struct {
		stored   []byte
		encoding string
		length   int
		want     error
		reads    int // at most, of the store
	}{
		"10 GiB in 10 MiB, said to be 32 MiB":       {huge, task.Gzip, 32 << 20, claimcheck.ErrCorrupt, len(huge)},
		"10 GiB in 10 MiB, said to be 2 GiB":        {huge, task.Gzip, 1<<31 - 1, claimcheck.ErrTooLarge, 0},
		"10 MiB in 10 KiB, said to be 10 MiB":       {tenKB, task.Gzip, 10 << 20, claimcheck.ErrCorrupt, len(tenKB)},
		"10 MiB in 10 KiB, said to be 1 MiB":        {tenKB, task.Gzip, 1000 << 10, claimcheck.ErrCorrupt, len(tenKB)},
		"1 MiB of zeros, honestly":                  {zip(t, zeros), task.Gzip, 1 << 20, claimcheck.ErrCorrupt, 1 << 20},
		"gzip in gzip":                              {zip(t, zip(t, zeros)), task.Gzip, len(zip(t, zeros)), claimcheck.ErrCorrupt, 1 << 20},
		"larger than it says":                       {[]byte(noise(10_000)), "", 9_999, claimcheck.ErrCorrupt, 0},
		"larger than it says, compressed":           {zip(t, []byte(noise(10_000))), task.Gzip, 6000, claimcheck.ErrCorrupt, 0},
		"smaller than it says":                      {[]byte(noise(10_000)), "", 10_001, claimcheck.ErrCorrupt, 0},
		"nothing":                                   {nil, "", 0, claimcheck.ErrCorrupt, 0},
		"a million brackets":                        {bytes.Repeat([]byte("["), 1_000_000), "", 1_000_000, claimcheck.ErrCorrupt, 1_000_000},
		"two values":                                {[]byte(`"a""b"`), "", 6, claimcheck.ErrCorrupt, 6},
		"a millionfold":                             {[]byte("x"), task.Gzip, 1_000_000, claimcheck.ErrCorrupt, 1},
		"one byte above what the worker takes":      {[]byte("x"), "", claimcheck.DefaultMaxBytes + 1, claimcheck.ErrTooLarge, 0},
		"no gzip":                                   {[]byte(`"plain"`), task.Gzip, 7, claimcheck.ErrCorrupt, 7},
		"two members":                               {append(zip(t, []byte(`"a"`)), zip(t, nil)...), task.Gzip, 3, claimcheck.ErrCorrupt, 100},
		"something after its end":                   {append(zip(t, []byte(`"a"`)), 0), task.Gzip, 3, claimcheck.ErrCorrupt, 100},
		"broken off":                                {zip(t, []byte(prose(2000)))[:100], task.Gzip, 2000, claimcheck.ErrCorrupt, 100},
		"a wrong checksum":                          {flipped(zip(t, []byte(`"`+prose(2000)+`"`)), -8), task.Gzip, 2002, claimcheck.ErrCorrupt, 2000},
		"a wrong length in the trailer of the gzip": {flipped(zip(t, []byte(`"`+prose(2000)+`"`)), -1), task.Gzip, 2002, claimcheck.ErrCorrupt, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			store := newShelf()
			e := message(t, "a", store.keep("a", c.stored, c.encoding, c.length))
			r := newResolver(t, store, claimcheck.ResolverOptions{})
			if n := allocated(func() { refused(t, r, e, c.want) }); n > 64<<20 {
				t.Errorf("%d MiB were allocated", n>>20)
			}
			if _, _, read := store.seen(); read > c.reads || store.open != 0 {
				t.Errorf("%d bytes were read, want %d at most; %d bodies are open", read, c.reads, store.open)
			}
		})
	}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[(len(b)+at)%len(b)] ^= 0x10
	return b
}

// The same in the message itself, where there is no digest and no store.
func TestG5_BombsInTheMessage(t *testing.T) {
	r := newResolver(t, nil, claimcheck.ResolverOptions{})
	bombs := bomb(t, 1<<30)
	for name, c := range map[string]struct {
		inline []byte
		length int
		want   error
	}{
		"1 GiB, said to be 32 MiB": {bombs, 32 << 20, claimcheck.ErrCorrupt},
		"said to be 2 GiB":         {bombs, 1<<31 - 1, claimcheck.ErrTooLarge},
		"nothing":                  {[]byte{}, 0, claimcheck.ErrCorrupt},
		"a hundredfold and one":    {zip(t, bytes.Repeat([]byte("1"), 100_000)), 100_000, claimcheck.ErrCorrupt},
		"less than it says":        {zip(t, []byte(`"abc"`)), 6, claimcheck.ErrCorrupt},
		"more than it says":        {zip(t, []byte(`"abc"`)), 4, claimcheck.ErrCorrupt},
		"no JSON":                  {zip(t, []byte(`abc`)), 3, claimcheck.ErrCorrupt},
	} {
		e := message(t, "a", task.Payload{Inline: c.inline, Encoding: task.Gzip, Length: c.length})
		if n := allocated(func() { refused(t, r, e, c.want) }); n > 64<<20 {
			t.Errorf("%s: %d MiB were allocated", name, n>>20)
		}
	}
}

// An envelope that was not parsed may be of a shape that no message has.
func TestG5_PlainBytesInTheMessage(t *testing.T) {
	for _, length := range []int{4, 6} {
		e, err := encode(t, "a", "").WithPayload(task.Payload{Inline: []byte(`"abc"`), Length: length})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, newResolver(t, nil, claimcheck.ResolverOptions{}), e, claimcheck.ErrCorrupt)
	}
}

// Every single bit of a stored payload counts.
func TestG5_CorruptionIsFound(t *testing.T) {
	plain := []byte(`"` + noise(400) + `"`)
	for _, encoding := range []string{"", task.Gzip} {
		stored := plain
		if encoding != "" {
			stored = zip(t, plain)
		}
		store := newShelf()
		p := store.keep("a", stored, encoding, len(plain))
		r := newResolver(t, store, claimcheck.ResolverOptions{})
		if got := resolved(t, r, message(t, "a", p)); got != noise(400) {
			t.Fatalf("as it was stored: %q", got)
		}
		for bit := range 8 * len(stored) {
			torn := bytes.Clone(stored)
			torn[bit/8] ^= 1 << (bit % 8)
			store.payloads[p.Ref] = torn
			refused(t, r, message(t, "a", p), claimcheck.ErrCorrupt)
		}
	}
}

// G2: what is not there is told apart from a store that cannot be asked; neither is for good.
func TestG2_MissingIsToldApart(t *testing.T) {
	store := newShelf()
	p := store.keep("a", []byte(`"x"`), "", 3)
	delete(store.payloads, p.Ref)
	r := newResolver(t, store, claimcheck.ResolverOptions{})
	_, release, err := r.Resolve(t.Context(), message(t, "a", p))
	release()
	if !errors.Is(err, claimcheck.ErrNotFound) || task.IsPermanent(err) || !strings.Contains(err.Error(), `payload of task "test.text", id "a": shelf: `) {
		t.Errorf("missing: %v", err)
	}
	store.onGet = func(context.Context, string) error {
		return &transport.Error{Kind: transport.Throttled, Target: "shelf", Err: errors.New("slow down")}
	}
	if _, _, err = r.Resolve(t.Context(), message(t, "a", p)); errors.Is(err, claimcheck.ErrNotFound) || task.IsPermanent(err) || transport.KindOf(err) != transport.Throttled {
		t.Errorf("throttled: %v", err)
	}
	if _, _, err = newResolver(t, nil, claimcheck.ResolverOptions{}).Resolve(t.Context(), message(t, "a", p)); !errors.Is(err, claimcheck.ErrNoStore) || task.IsPermanent(err) {
		t.Errorf("without a store: %v", err)
	}
}

// A body that breaks off, or hangs, is no corruption: the next attempt may read it.
func TestReadingThatFailsPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := []byte(`"` + noise(1<<20) + `"`)
		store := newShelf()
		e := message(t, "a", store.keep("a", stored, "", len(stored)))
		broken := brokenStore{shelf: store, read: func(context.Context, []byte) (int, error) { return 0, io.ErrUnexpectedEOF }}
		_, _, err := newResolver(t, &broken, claimcheck.ResolverOptions{}).Resolve(t.Context(), e)
		if !errors.Is(err, io.ErrUnexpectedEOF) || task.IsPermanent(err) || broken.open != 0 {
			t.Errorf("broken off: %v, %d open", err, broken.open)
		}
		hung := brokenStore{shelf: store, read: func(ctx context.Context, _ []byte) (int, error) { <-ctx.Done(); return 0, ctx.Err() }}
		began := time.Now()
		_, _, err = newResolver(t, &hung, claimcheck.ResolverOptions{}).Resolve(t.Context(), e)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || task.IsPermanent(err) || took != 18*time.Second {
			t.Errorf("hung: %v after %v", err, took)
		}
	})
}

// brokenStore gives bodies that are read by a function.
type brokenStore struct {
	*shelf
	read func(ctx context.Context, p []byte) (int, error)
}

func (s *brokenStore) Get(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	body, size, err := s.shelf.Get(ctx, key)
	return struct {
		io.Reader
		io.Closer
	}{readFunc(func(p []byte) (int, error) { return s.read(ctx, p) }), body}, size, err
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestWhatHasItsDataIsLeftAlone(t *testing.T) {
	store := newShelf()
	e := encode(t, "a", "x")
	got, release, err := newResolver(t, store, claimcheck.ResolverOptions{}).Resolve(t.Context(), e)
	release()
	if _, gets, _ := store.seen(); err != nil || gets != 0 || &got.Data()[0] != &e.Data()[0] {
		t.Errorf("%v, %d reads", err, gets)
	}
}

// The message that is sent on, or kept as a dead letter, is as small as it came.
func TestBodyStaysSmall(t *testing.T) {
	store := newShelf()
	stored := []byte(`"` + noise(1<<20) + `"`)
	e := message(t, "a", store.keep("a", stored, "", len(stored)))
	with, release, err := newResolver(t, store, claimcheck.ResolverOptions{}).Resolve(t.Context(), e)
	defer release()
	if err != nil {
		t.Fatal(err)
	}
	again, err := with.Again(2, time.Second, time.Now())
	if err != nil || again.Size() > 1000 || with.Size() > 1000 {
		t.Errorf("%d and %d bytes, %v", with.Size(), again.Size(), err)
	}
}

func TestMemoryOfPayloadsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		big, little := []byte(`"`+noise(1000)+`"`), []byte(`"`+noise(300)+`"`)
		one := message(t, "a", store.keep("a", big, "", len(big)))
		two := message(t, "b", store.keep("b", little, "", len(little)))
		gz := message(t, "c", store.keep("c", zip(t, big), task.Gzip, len(big)))
		r := newResolver(t, store, claimcheck.ResolverOptions{MaxBytes: 1100, MaxMemory: 2200})
		_, first, err1 := r.Resolve(t.Context(), one)
		_, second, err2 := r.Resolve(t.Context(), one)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		// A third does not fit, and a little one does not overtake it.
		order := make(chan string, 3)
		wait := func(name string, e task.Envelope) {
			go func() {
				_, release, err := r.Resolve(t.Context(), e)
				if err != nil {
					t.Error(err)
				}
				order <- name
				release()
			}()
			synctest.Wait()
		}
		wait("compressed, which counts twice", gz)
		wait("little", two)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, _, err := r.Resolve(ctx, one); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "MaxMemory") {
			t.Errorf("%v", err)
		}
		first()
		first() // giving back twice is giving back once
		synctest.Wait()
		if len(order) != 0 {
			t.Fatalf("%s was let in beside 1002 bytes", <-order)
		}
		second()
		if a, b := <-order, <-order; a != "compressed, which counts twice" || b != "little" {
			t.Errorf("order: %s, %s", a, b)
		}
		// What fails gives its memory back.
		delete(store.payloads, claimcheck.Key("a", digestOf(big)))
		for range 10 {
			if _, _, err := r.Resolve(t.Context(), one); !errors.Is(err, claimcheck.ErrNotFound) {
				t.Fatal(err)
			}
		}
		store.keep("a", big, "", len(big))
		if _, release, err := r.Resolve(t.Context(), one); err != nil {
			t.Error(err)
		} else {
			release()
		}
	})
}

// One that gives up in the queue lets the next in.
func TestMemoryIsNotHeldByWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		big, little := []byte(`"`+noise(1000)+`"`), []byte(`"`+noise(300)+`"`)
		one := message(t, "a", store.keep("a", big, "", len(big)))
		gz := message(t, "c", store.keep("c", zip(t, big), task.Gzip, len(big)))
		two := message(t, "b", store.keep("b", little, "", len(little)))
		r := newResolver(t, store, claimcheck.ResolverOptions{MaxBytes: 1100, MaxMemory: 2200})
		_, release, err := r.Resolve(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp, let := make(chan error), make(chan error)
		go func() { _, _, err := r.Resolve(ctx, gz); gaveUp <- err }()
		synctest.Wait()
		go func() {
			_, release, err := r.Resolve(t.Context(), two)
			release()
			let <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := <-let; err != nil {
			t.Error(err)
		}
		release()
	})
}

func TestNewResolverReturnsEveryProblem(t *testing.T) {
	for _, c := range []struct {
		o    *claimcheck.ResolverOptions
		want []string
	}{
		{nil, nil},
		{&claimcheck.ResolverOptions{MaxBytes: 1 << 30}, nil},
		{&claimcheck.ResolverOptions{MaxBytes: -1, MaxMemory: -1}, []string{"MaxBytes: is -1", "MaxMemory: is -1"}},
		{&claimcheck.ResolverOptions{MaxBytes: 1 << 31, MaxMemory: 100}, []string{"at most 2147483647", "twice MaxBytes, 4294967296"}},
		{&claimcheck.ResolverOptions{MaxBytes: 100, MaxMemory: 199}, []string{"twice MaxBytes, 200"}},
	} {
		_, err := claimcheck.NewResolver(nil, c.o)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v lacks %q", c.o, err, want)
			}
		}
		if c.want == nil && err != nil {
			t.Error(err)
		}
	}
}

func ExampleKey() {
	digest := strings.Repeat("ab", 32)
	fmt.Println(claimcheck.Key("01KJ7Z3Q5ZABCDEFGHJKMNPQRS", digest))
	fmt.Println(claimcheck.Key("../../etc/passwd", digest))
	// Output:
	// 01KJ7Z3Q5ZABCDEFGHJKMNPQRS/abababababababababababababababababababababababababababababababab
	// 3754d6cb3a38e1185e5b382d5f3ef3f118af75bf4bf0254d1fdb8437f51423e0/abababababababababababababababababababababababababababababababab
}
