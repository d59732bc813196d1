package worker_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/worker"
)

// shelf is a store of payloads that counts its reads.
type shelf struct {
	get func(ctx context.Context) error // nil: well

	mu       sync.Mutex
	payloads map[string][]byte // guarded by mu
	gets     int               // guarded by mu
}

func (s *shelf) Target() string { return "shelf" }

func (s *shelf) Put(_ context.Context, key string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.payloads == nil {
		s.payloads = map[string][]byte{}
	}
	s.payloads[key] = bytes.Clone(body)
	return nil
}

func (s *shelf) Get(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	s.mu.Lock()
	s.gets++
	b, ok := s.payloads[key]
	s.mu.Unlock()
	if s.get != nil {
		if err := s.get(ctx); err != nil {
			return nil, 0, err
		}
	}
	if !ok {
		return nil, 0, &transport.Error{Target: "shelf", Err: claimcheck.ErrNotFound}
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

func (s *shelf) reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets
}

func resolver(tb testing.TB, s claimcheck.Store) *claimcheck.Resolver {
	tb.Helper()
	r, err := claimcheck.NewResolver(s, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// checked takes the data of a task out, as a host with a claim check does, and puts it on the shelf.
func checked(tb testing.TB, s *shelf, tk task.Task, opts ...task.FireOption) transport.Delivery {
	tb.Helper()
	e := encode(tb, tk, opts...)
	sum := sha256.Sum256(e.Data())
	digest := hex.EncodeToString(sum[:])
	p := task.Payload{Ref: claimcheck.Key(e.ID(), digest), Digest: digest, Length: len(e.Data())}
	if err := s.Put(tb.Context(), p.Ref, e.Data()); err != nil {
		tb.Fatal(err)
	}
	return delivered(tb, e, p)
}

func delivered(tb testing.TB, e task.Envelope, p task.Payload) transport.Delivery {
	tb.Helper()
	e, err := e.WithPayload(p)
	if err != nil {
		tb.Fatal(err)
	}
	return transport.Delivery{Source: queueARN, MessageID: "m0", Receipt: "r0", Body: e.Body(), Receives: 1}
}

// recording is a handler that keeps its arguments.
func recording(got *[]args) func(context.Context, args) error {
	return func(_ context.Context, a args) error { *got = append(*got, a); return nil }
}

// once runs one delivery.
func once(t *testing.T, w *worker.Worker, d transport.Delivery) worker.Outcome {
	t.Helper()
	return w.Process(t.Context(), []transport.Delivery{d})[0]
}

func TestPayloadIsReadForTheHandler(t *testing.T) {
	for name, opts := range map[string][]task.FireOption{"plain": nil, "with everything": {task.Timeout(time.Minute), task.Header("tenant", "blue")}} {
		t.Run(name, func(t *testing.T) {
			var got []args
			var s shelf
			w := newWorker(t, newMux(definition, recording(&got)), worker.Options{Settler: &settler{}, Payloads: resolver(t, &s)})
			o := once(t, w, checked(t, &s, definition.With(args{N: 7, Text: "x"}), opts...))
			if o.State != worker.Done || len(got) != 1 || got[0] != (args{N: 7, Text: "x"}) {
				t.Errorf("%+v, got %v", o, got)
			}
		})
	}
}

// G2: a payload that is gone is looked for three times, and then its task is a dead letter that says so, small as it came.
func TestG2_MissingPayloadIsADeadLetterAfterThreeAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []args
		var s shelf
		settled := settler{}
		w := newWorker(t, newMux(definition, recording(&got)), worker.Options{Settler: &settled, Payloads: resolver(t, &s)})
		d := checked(t, &s, definition.With(args{N: 7}))
		kept := s.payloads
		s.payloads = nil
		for d.Receives = 1; d.Receives <= 2; d.Receives++ {
			if o := once(t, w, d); o.State != worker.Retry || !errors.Is(o.Err, claimcheck.ErrNotFound) || o.Reason != "" {
				t.Errorf("attempt %d: %+v", d.Receives, o)
			}
		}
		o := once(t, w, d)
		if o.State != worker.DeadLettered || o.Reason != transport.ReasonMissing || o.Took != 0 {
			t.Errorf("attempt 3: %+v", o)
		}
		why := settled.buried["m0"]
		if why.Code != "payload-missing" || why.TaskID != "task-1" || why.Name != definition.Name() || why.Attempt != 3 || !strings.Contains(why.Message, "shelf: payload is not in the store") {
			t.Errorf("reason %+v", why)
		}
		if len(settled.deliveries) != 1 || !bytes.Equal(settled.deliveries[0].Body, d.Body) {
			t.Error("the dead letter is not as it came")
		}
		// A task that is tried less often does not wait for more.
		one := checked(t, &s, definition.With(args{N: 8}), task.MaxAttempts(1))
		s.payloads = nil
		if o := once(t, w, one); o.Reason != transport.ReasonMissing {
			t.Errorf("of one attempt: %+v", o)
		}
		// When the payload is back, the dead letter can be replayed.
		s.payloads, d.Receives = kept, 1
		if o := once(t, w, d); o.State != worker.Done || len(got) != 1 || got[0].N != 7 {
			t.Errorf("replayed: %+v, got %v", o, got)
		}
	})
}

// G3: through the whole worker: a forged pointer is a dead letter at the first attempt, and the store is not asked.
func TestG3_ForgedPointerIsADeadLetterUnread(t *testing.T) {
	var s shelf
	other := checked(t, &s, definition.With(args{N: 1}), task.ID("victim"))
	e, err := task.Parse(other.Body)
	if err != nil {
		t.Fatal(err)
	}
	victim, _ := e.Payload()
	mine := encode(t, definition.With(args{}))
	length := victim.Length
	for name, p := range map[string]task.Payload{
		"another task's":   victim,
		"another bucket's": {Ref: "s3://bucket/" + victim.Ref, Digest: victim.Digest, Length: length},
		"a file":           {Ref: "../../etc/passwd", Digest: victim.Digest, Length: length},
		"no digest":        {Ref: claimcheck.Key("task-1", ""), Length: length},
		"too large":        {Ref: claimcheck.Key("task-1", victim.Digest), Digest: victim.Digest, Length: 1 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			settled := settler{}
			w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &settled, Payloads: resolver(t, &s)})
			o := once(t, w, delivered(t, mine, p))
			if o.State != worker.DeadLettered || o.Reason != transport.ReasonPermanent || settled.buried["m0"].TaskID != "task-1" || s.reads() != 0 {
				t.Errorf("%+v, %d reads", o, s.reads())
			}
		})
	}
}

// G5: a corrupt payload is a dead letter at once, and no retry storm.
func TestG5_CorruptPayloadIsADeadLetterAtOnce(t *testing.T) {
	var s shelf
	d := checked(t, &s, definition.With(args{N: 7, Text: "hello"}))
	for key, b := range s.payloads {
		s.payloads[key] = bytes.Replace(b, []byte("hello"), []byte("jello"), 1)
	}
	w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &settler{}, Payloads: resolver(t, &s)})
	if o := once(t, w, d); o.State != worker.DeadLettered || o.Reason != transport.ReasonPermanent || !errors.Is(o.Err, claimcheck.ErrCorrupt) {
		t.Errorf("%+v", o)
	}
}

// A store that cannot be asked is a failure like any other: it comes back with backoff, and is exhausted in the end.
func TestStoreThatIsDownIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, get := range map[string]func(context.Context) error{
			"down": func(context.Context) error { return &transport.Error{Target: "shelf", Err: io.ErrUnexpectedEOF} },
			"denied": func(context.Context) error {
				return &transport.Error{Kind: transport.Misconfigured, Target: "shelf", Err: io.ErrUnexpectedEOF}
			},
			"panics": func(context.Context) error { panic(io.ErrUnexpectedEOF) },
		} {
			s := shelf{get: get}
			settled := settler{}
			w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &settled, Payloads: resolver(t, &s)})
			d := checked(t, &s, definition.With(args{N: 7}))
			for d.Receives = 1; d.Receives < definition.Policy().MaxAttempts; d.Receives++ {
				if o := once(t, w, d); o.State != worker.Retry || !errors.Is(o.Err, io.ErrUnexpectedEOF) {
					t.Errorf("%s, attempt %d: %+v", name, d.Receives, o)
				}
			}
			if o := once(t, w, d); o.State != worker.DeadLettered || o.Reason != transport.ReasonExhausted {
				t.Errorf("%s, the last attempt: %+v", name, o)
			}
		}
	})
}

// A worker that was given no store keeps the task for one that was, and reads what is compressed into the message.
func TestWithoutAStore(t *testing.T) {
	var got []args
	w := newWorker(t, newMux(definition, recording(&got)), worker.Options{Settler: &settler{}})
	if o := once(t, w, checked(t, &shelf{}, definition.With(args{N: 7}))); o.State != worker.Retry || !errors.Is(o.Err, claimcheck.ErrNoStore) {
		t.Errorf("stored: %+v", o)
	}
	e := encode(t, definition.With(args{N: 8, Text: strings.Repeat("x", 20)}))
	var z bytes.Buffer
	zip := gzip.NewWriter(&z)
	_, err := zip.Write(e.Data())
	if err := errors.Join(err, zip.Close()); err != nil {
		t.Fatal(err)
	}
	d := delivered(t, e, task.Payload{Inline: z.Bytes(), Encoding: task.Gzip, Length: len(e.Data())})
	if o := once(t, w, d); o.State != worker.Done || len(got) != 1 || got[0].N != 8 {
		t.Errorf("compressed: %+v, got %v", o, got)
	}
}

// G7: a task that is done leaves its payload where it is: a second copy of the message finds it.
func TestG7_DuplicateAfterSuccessFindsThePayload(t *testing.T) {
	var got []args
	var s shelf
	w := newWorker(t, newMux(definition, recording(&got)), worker.Options{Settler: &settler{}, Payloads: resolver(t, &s)})
	d := checked(t, &s, definition.With(args{N: 7}))
	for range 2 {
		if o := once(t, w, d); o.State != worker.Done {
			t.Errorf("%+v", o)
		}
	}
	if len(got) != 2 || len(s.payloads) != 1 {
		t.Errorf("ran %d times, %d payloads are left", len(got), len(s.payloads))
	}
}

// What is not going to run is not read.
func TestPayloadIsReadOnlyForATaskThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &settler{}, Payloads: resolver(t, &s)})
		late := checked(t, &s, definition.With(args{}), task.Expires(time.Minute))
		time.Sleep(2 * time.Minute)
		if o := once(t, w, late); o.Reason != transport.ReasonExpired {
			t.Errorf("%+v", o)
		}
		if o := once(t, w, checked(t, &s, task.Define[args]("test.unknown").With(args{}))); !errors.Is(o.Err, worker.ErrUnknownName) {
			t.Errorf("%+v", o)
		}
		if s.reads() != 0 {
			t.Errorf("%d reads", s.reads())
		}
	})
}

// The time for reading is the task's own, and a hung store does not outlive it.
func TestPayloadIsReadWithinTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shelf{get: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &settler{}, Payloads: resolver(t, &s)})
		began := time.Now()
		o := once(t, w, checked(t, &s, definition.With(args{}), task.Timeout(3*time.Second)))
		if took := time.Since(began); o.State != worker.Retry || !errors.Is(o.Err, worker.ErrTimeout) || took != 3*time.Second {
			t.Errorf("%+v after %v", o, took)
		}
	})
}

// Middleware sees the message as it came, and may hand on a copy of it, or another one.
func TestMiddlewareSeesTheSmallMessage(t *testing.T) {
	var got []args
	var s shelf
	var seen []byte
	for name, c := range map[string]struct {
		change func(transport.Delivery) transport.Delivery
		want   int
	}{
		"as it is": {func(d transport.Delivery) transport.Delivery { return d }, 7},
		"a copy":   {func(d transport.Delivery) transport.Delivery { d.Body = bytes.Clone(d.Body); return d }, 7},
		"another": {func(d transport.Delivery) transport.Delivery {
			d.Body = encode(t, definition.With(args{N: 9})).Body()
			return d
		}, 9},
	} {
		got = nil
		mw := func(next worker.Handler) worker.Handler {
			return worker.HandlerFunc(func(ctx context.Context, d transport.Delivery) error {
				seen = d.Body
				return next.Handle(ctx, c.change(d))
			})
		}
		w := newWorker(t, newMux(definition, recording(&got), mw), worker.Options{Settler: &settler{}, Payloads: resolver(t, &s)})
		d := checked(t, &s, definition.With(args{N: 7, Text: strings.Repeat("x", 10_000)}))
		if o := once(t, w, d); o.State != worker.Done || len(got) != 1 || got[0].N != c.want || !bytes.Equal(seen, d.Body) || len(seen) > 1000 {
			t.Errorf("%s: %+v, got %v, seen %d bytes", name, o, got, len(seen))
		}
	}
}

// The payloads in memory are bounded until handlers return, panic or are retried; so one that waits for memory gets it.
func TestMemoryOfPayloadsIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		r, err := claimcheck.NewResolver(&s, &claimcheck.ResolverOptions{MaxBytes: 2000, MaxMemory: 4000})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		now, most := 0, 0
		handle := func(_ context.Context, a args) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			if a.N%2 == 1 {
				panic("odd")
			}
			return errHandler
		}
		w := newWorker(t, newMux(definition, handle), worker.Options{Settler: &settler{}, Payloads: r})
		var ds []transport.Delivery
		for i := range 10 {
			ds = append(ds, checked(t, &s, definition.With(args{N: i, Text: strings.Repeat("x", 1900)})))
		}
		began := time.Now()
		wantStates(t, w.Process(t.Context(), ds), everyN(10, worker.Retry)...)
		if took := time.Since(began); most != 2 || took != 5*time.Second {
			t.Errorf("%d at once, in %v: want 2, in 5 s", most, took)
		}
	})
}

// A direct invocation of 1 MiB at most can bring a task of any size too; what fails goes on to the queue as small as it came.
func TestD7_DirectInvocationWithAPayload(t *testing.T) {
	var s shelf
	var got []args
	fail := errHandler
	handle := func(_ context.Context, a args) error { got = append(got, a); return fail }
	var q sender
	w := newWorker(t, newMux(definition, handle), worker.Options{Settler: &settler{}, Queue: &q, Payloads: resolver(t, &s)})
	text := strings.Repeat("0123456789", 300_000)
	d := checked(t, &s, definition.With(args{N: 7, Text: text}))
	wantAnswer(t, w, d.Body, `{}`)
	if len(got) != 1 || got[0].Text != text || len(q.sent) != 1 || q.sent[0].Size() > 1000 || q.sent[0].Attempts() != 1 {
		t.Fatalf("ran %d times, %d sent on", len(got), len(q.sent))
	}
	fail = nil
	d.Body = q.sent[0].Body()
	if o := once(t, w, d); o.State != worker.Done || o.Attempt != 2 || len(got) != 2 || got[1].Text != text {
		t.Errorf("%+v", o)
	}
	s.payloads = nil
	wantAnswer(t, w, d.Body, `{}`)
	if len(q.sent) != 2 || q.sent[1].Attempts() != 2 {
		t.Errorf("with its payload gone, %d are sent on", len(q.sent))
	}
	if !json.Valid(q.sent[1].Body()) {
		t.Errorf("sent on: %s", q.sent[1].Body())
	}
}
