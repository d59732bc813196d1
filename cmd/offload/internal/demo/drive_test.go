package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/dirstore"
)

// world is an API whose tasks have ended by the time it answers, and the queues.
type world struct {
	t       *testing.T
	out     string
	queues  *sqs.Service
	demo    *demo
	effects *effects
	printed screen
	end     func(id, path string) // what becomes of a task
	refuse  bool                  // answer 503
	counted func()                // called before the messages of a queue are counted
}

// screen is what the demo has told. It is for the goroutine of drive.
type screen struct {
	bytes.Buffer
	on func(line string)
}

func (s *screen) Write(p []byte) (int, error) {
	s.on(string(p))
	return s.Buffer.Write(p)
}

// expire makes the limit pass when the demo tells that it has looked at the end of all requests: no earlier, on whatever machine.
func (w *world) expire() {
	w.demo.within = func(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		w.printed.on = func(line string) {
			if strings.HasPrefix(line, "   3 of 3 fired") {
				cancel()
			}
		}
		return ctx, cancel
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	queues, err := sqs.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, out: t.TempDir(), queues: queues, counted: func() {}, printed: screen{on: func(string) {}}}
	endpoint := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "AmazonSQS.GetQueueAttributes" {
			w.counted()
		}
		queues.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		endpoint.Close()
		if err := queues.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"tasks", "dead", "bulk", "bulk-dead"} {
		if _, err := queues.CreateQueue(name, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	receiver, err := startReceiver()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = receiver.close(context.Background()) })
	w.effects, err = newEffects(t.Context(), w.out, receiver, map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint.URL, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
		"OFFLOAD_QUEUE_URL": endpoint.URL + "/000000000000/tasks", "OFFLOAD_DEAD_LETTER_QUEUE_URL": endpoint.URL + "/000000000000/dead",
		"OFFLOAD_BULK_QUEUE_URL": endpoint.URL + "/000000000000/bulk", "OFFLOAD_BULK_DEAD_LETTER_QUEUE_URL": endpoint.URL + "/000000000000/bulk-dead",
	})
	if err != nil {
		t.Fatal(err)
	}
	w.demo = &demo{stdout: &w.printed, limit: 2 * time.Minute, within: context.WithTimeout, tally: newTally(3), starts: newStarts()}
	w.end = func(id, path string) {
		if path == "/bad" {
			w.send("dead", w.envelope(id))
			return
		}
		w.done(id)
	}
	return w
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if w.refuse {
		http.Error(rw, "no room", http.StatusServiceUnavailable)
		return
	}
	id := r.Header.Get("Idempotency-Key")
	w.end(id, r.URL.Path)
	rw.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(rw, `{"id":%q}`, id)
}

// done leaves the effect of a task in the store, as the functions write it.
func (w *world) done(id string) {
	store, err := dirstore.Open(w.out, nil)
	if err == nil {
		err = store.Put(context.Background(), jobs.AnalyticsPrefix+id+".json", strings.NewReader("{}"))
	}
	if err != nil {
		w.t.Error(err)
	}
}

func (w *world) envelope(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"test","type":"a.b","data":{}}`, id)
}

func (w *world) send(queue, body string) {
	if _, err := w.queues.Send(context.Background(), "arn:aws:sqs:us-east-1:000000000000:"+queue, sqs.Outgoing{Body: body}); err != nil {
		w.t.Error(err)
	}
}

func (w *world) drive(ctx context.Context) error {
	api := httptest.NewServer(w)
	defer api.Close()
	return w.demo.drive(ctx, api.URL, []request{
		{id: "a", kind: "event", path: "/good"}, {id: "b", kind: "event", path: "/bad", dead: true}, {id: "c", kind: "event", path: "/good"},
	}, w.effects)
}

func TestDemoSucceedsWhenAllEndsAsPlanned(t *testing.T) {
	for name, c := range map[string]struct{ queue, wrap string }{
		"dead-lettered by the worker":    {"dead", "%s"},
		"by the worker of another class": {"bulk-dead", "%s"},
		"by Lambda":                      {"dead", `{"version":"1.0","requestContext":{"condition":"RetriesExhausted"},"requestPayload":%s}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.end = func(id, path string) {
				if path == "/bad" {
					w.send(c.queue, fmt.Sprintf(c.wrap, w.envelope(id)))
					return
				}
				w.done(id)
			}
			if err := w.drive(t.Context()); err != nil {
				t.Fatalf("err = %v\n%s", err, &w.printed)
			}
			if want := "demo: fired=3 done=2 retried=0 dead=1 lost=0\n"; !strings.HasSuffix(w.printed.String(), want) {
				t.Errorf("printed %s, want %s at the end", &w.printed, want)
			}
		})
	}
}

func TestDemoFails(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *world)
		says  string // a regular expression
	}{
		"a task is lost": {func(w *world) {
			w.end = func(id, path string) {
				if path == "/bad" {
					w.send("dead", w.envelope(id))
				}
			}
			w.expire()
		}, "lost: event"},
		"a good task is a dead letter": {func(w *world) {
			w.end = func(id, _ string) { w.send("dead", w.envelope(id)) }
		}, "dead-lettered, and should not be: event"},
		"a bad task is done": {func(w *world) {
			w.end = func(id, _ string) { w.done(id) }
		}, "done, and was made to fail: event"},
		"a dead letter is no task": {func(w *world) { w.send("dead", "hello") }, "dead-lettered, and never fired: message"},
		"a dead letter comes last": {func(w *world) {
			w.counted = func() { w.send("dead", w.envelope("ghost")) }
		}, "dead-lettered, and never fired: ghost"},
		"the API refuses":         {func(w *world) { w.refuse = true }, "3 requests were not answered 202; the first: POST /(good|bad): 503 Service Unavailable: no room"},
		"a message stays":         {func(w *world) { w.send("tasks", "hello"); w.expire() }, "not all has ended within"},
		"a message stays in bulk": {func(w *world) { w.send("bulk", "hello"); w.expire() }, "not all has ended within"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.spoil(w)
			if err := w.drive(t.Context()); !errors.Is(err, ErrFailed) || !regexp.MustCompile(c.says).MatchString(w.printed.String()) {
				t.Errorf("err = %v, want ErrFailed and %q; printed\n%s", err, c.says, &w.printed)
			}
		})
	}
}

// The load is counted to its end, so that a demo that was too slow to fire all does not pass for a small one.
func TestDemoFailsWhenItCannotFireAll(t *testing.T) {
	w := newWorld(t)
	w.demo.limit = 15 * time.Millisecond
	if err := w.drive(t.Context()); !errors.Is(err, ErrFailed) || !strings.Contains(w.printed.String(), "not all has ended within 15ms") {
		t.Errorf("err = %v; printed\n%s", err, &w.printed)
	}
	if n := len(w.demo.tally.fired) + w.demo.tally.refused; n != 3 {
		t.Errorf("%d requests are accounted for, want 3", n)
	}
}

// A host that dies with a request in its hands: the request is sent again, and is the same task.
func TestRequestWithoutAnAnswerIsSentAgain(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	seen := map[string]int{}
	w.end = func(id, path string) {
		mu.Lock()
		seen[id]++
		dies := id == "a" && seen[id] == 1
		mu.Unlock()
		if dies {
			w.done(id)
			panic(http.ErrAbortHandler)
		}
		if path == "/bad" {
			w.send("dead", w.envelope(id))
			return
		}
		w.done(id)
	}
	if err := w.drive(t.Context()); err != nil || w.demo.tally.again != 1 || len(seen) != 3 || seen["a"] != 2 {
		t.Errorf("err = %v, sent again %d, seen %v; printed\n%s", err, w.demo.tally.again, seen, &w.printed)
	}
}

func TestDemoTellsABrokenDisaster(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("the host does not start again")
	w.demo.disaster = func(context.Context, *load) (int, error) { return 3, broken }
	if err := w.drive(t.Context()); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
}

func TestGateShuts(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") }))
	defer behind.Close()
	g, err := startGate(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	status := func() int {
		resp, err := http.Get(g.URL) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	open := status()
	g.shut.Store(true)
	shut := status()
	g.shut.Store(false)
	if again := status(); open != http.StatusOK || shut != http.StatusServiceUnavailable || again != http.StatusOK {
		t.Errorf("open %d, shut %d, open again %d", open, shut, again)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := g.close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDemoThatIsStoppedHasNoAccount(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.end = func(string, string) { cancel() }
	if err := w.drive(ctx); !errors.Is(err, context.Canceled) || strings.Contains(w.printed.String(), "demo: fired") {
		t.Errorf("err = %v; printed %q", err, &w.printed)
	}
}

func TestRunStoppedInABuildLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Run(ctx, Options{Template: filepath.Join("..", "..", "..", "..", "template.yaml"), Dir: filepath.Join("..", "..", "..", ".."), Stdout: &bytes.Buffer{}})
	if !errors.Is(err, ErrStopped) {
		t.Errorf("err = %v", err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
