package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

// A letter is an envelope of some version, and the end that it must come to in a worker of this one.
type letter struct {
	name string
	body []byte
	code string // reason of its dead letter; "" when this build runs it
}

// past are the envelopes of every version that was released, as golden files keep them.
func past(t *testing.T) []letter {
	t.Helper()
	files, err := filepath.Glob(filepath.FromSlash("../task/testdata/golden/v*/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	var all []letter
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, letter{name: file, body: body})
	}
	return all
}

// future are envelopes as later versions may write them: what is new stands beside what this build knows, or, when an
// older reader would misunderstand it, behind a higher offloadreader. A later host may also fire tasks that this worker has
// no handler for.
func future() []letter {
	const known = `{"specversion":"1.0","id":%q,"source":"/later","type":%q%s,"data":{"n":7,"later":{"deep":[1,null]}}}`
	ran, newer := "test.task", fmt.Sprintf(`,"offloadreader":%d`, task.ReaderVersion+1)
	var all []letter
	for _, c := range []struct{ name, typ, more, code string }{
		{"new argument", ran, "", ""},
		{"new text", ran, `,"offloadlater":"x"`, ""},
		{"new number and flag", ran, `,"offloadlater":9007199254740993,"laterflag":false,"latergone":null`, ""},
		{"new standard attribute", ran, `,"dataschema":"https://example.com/s","subject":"s","partitionkey":"k"`, ""},
		{"this reader", ran, fmt.Sprintf(`,"offloadreader":%d`, task.ReaderVersion), ""},
		{"newer reader", ran, newer, transport.ReasonNewer},
		{"much newer reader", ran, `,"offloadreader":2147483647`, transport.ReasonNewer},
		{"newer reader, known name in another shape", ran, newer + `,"offloadhops":{"chain":["a"]},"offloadtimeout":"PT5M"`, transport.ReasonNewer},
		{"newer reader of an unknown task", "test.later", newer, transport.ReasonNewer},
		{"unknown task", "test.later", "", transport.ReasonUnknown},
		{"unknown task with something new", "test.later", `,"offloadlater":"x"`, transport.ReasonUnknown},
	} {
		all = append(all, letter{"future: " + c.name, fmt.Appendf(nil, known, "later-"+fmt.Sprint(len(all)), c.typ, c.more), c.code})
	}
	return all
}

// anyName has a handler for each name that the messages are to be run by, and notes what ran.
func anyName(t *testing.T, messages []letter, ran map[string]int) *worker.Mux {
	t.Helper()
	mux, seen := worker.NewMux(), map[string]bool{}
	for _, m := range messages {
		e, err := task.Parse(m.body)
		if m.code != "" || err == nil && seen[e.Name()] {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		seen[e.Name()] = true
		worker.Handle(mux, task.Define[json.RawMessage](e.Name()), func(ctx context.Context, args json.RawMessage) error {
			info, _ := task.InfoFromContext(ctx)
			ran[info.Name+" "+string(args)]++
			return nil
		})
	}
	return mux
}

// goldenPayloads is the store that the golden files with payloads name.
type goldenPayloads struct{}

func (goldenPayloads) Target() string { return "golden files" }

func (goldenPayloads) Put(context.Context, string, []byte) error { return errors.ErrUnsupported }

func (goldenPayloads) Get(_ context.Context, key string) (io.ReadCloser, int64, error) {
	b, err := os.ReadFile(filepath.Join(filepath.FromSlash("../task/testdata/golden/payloads"), filepath.FromSlash(key)))
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), err
}

// batchOf are messages in one batch, each received so often.
func batchOf(messages []letter, receives int) []transport.Delivery {
	var ds []transport.Delivery
	for i, m := range messages {
		ds = append(ds, transport.Delivery{
			Source: queueARN, MessageID: fmt.Sprintf("m%d", i), Receipt: fmt.Sprintf("r%d", i), Body: m.body, Receives: receives,
		})
	}
	return ds
}

// H1: a worker between older and newer hosts loses nothing. From the queue: what it understands it runs, what it does not
// comes back until the last receive, and then is a dead letter of the same bytes. Its clock stands before all expiry
// times of the golden files.
func TestH1_QueueKeepsEveryVersion(t *testing.T) {
	messages := append(past(t), future()...)
	for _, receives := range []int{1, worker.DefaultMaxReceiveCount - 1, worker.DefaultMaxReceiveCount} {
		t.Run(fmt.Sprintf("receive %d", receives), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s settler
				ran := map[string]int{}
				w := newWorker(t, anyName(t, messages, ran), worker.Options{Settler: &s, Concurrency: 1, Payloads: resolver(t, goldenPayloads{})})
				outcomes := w.Process(t.Context(), batchOf(messages, receives))
				want, kept := 0, 0
				for i, m := range messages {
					id := fmt.Sprintf("m%d", i)
					state := worker.Done
					switch {
					case m.code == "":
						want++
					case receives < worker.DefaultMaxReceiveCount:
						state = worker.Retry
						kept++
						if _, ok := s.waits[id]; !ok {
							t.Errorf("%s: was not given back to the queue", m.name)
						}
					default:
						state = worker.DeadLettered
						kept++
						if s.buried[id].Code != m.code {
							t.Errorf("%s: reason %q, want %q", m.name, s.buried[id].Code, m.code)
						}
					}
					if outcomes[i].State != state {
						t.Errorf("%s: %+v, want the state %v", m.name, outcomes[i], state)
					}
				}
				for _, d := range s.deliveries {
					var i int
					if _, err := fmt.Sscanf(d.MessageID, "m%d", &i); err != nil || !bytes.Equal(d.Body, messages[i].body) {
						t.Errorf("dead letter %s has other bytes (%v)", d.MessageID, err)
					}
				}
				if got := total(ran); got != want || len(s.waits)+len(s.buried) != kept || want+kept != len(messages) {
					t.Errorf("of %d messages %d ran and %d are kept: want %d and %d", len(messages), got, len(s.waits)+len(s.buried), want, kept)
				}
			})
		})
	}
}

// H1: an asynchronous invocation has no queue to come back from. What the worker does not understand goes to its queue,
// under the same id.
func TestH1_DirectLaneKeepsEveryVersion(t *testing.T) {
	messages := append(past(t), future()...)
	synctest.Test(t, func(t *testing.T) {
		for _, m := range messages {
			var s settler
			var q sender
			ran := map[string]int{}
			w := newWorker(t, anyName(t, messages, ran), worker.Options{Settler: &s, Queue: &q, Payloads: resolver(t, goldenPayloads{})})
			wantAnswer(t, w, m.body, `{}`)
			id := envelopeID(t, m.body)
			switch {
			case m.code == "" && total(ran) == 1 && len(q.sent)+len(s.buried) == 0:
			case m.code != "" && total(ran) == 0 && len(q.sent) == 1 && len(s.buried) == 0 && q.sent[0].ID() == id && sameButAttempt(q.sent[0].Body(), m.body):
			default:
				t.Errorf("%s: ran %d times, %d sent on, %d dead letters", m.name, total(ran), len(q.sent), len(s.buried))
			}
		}
	})
}

// H1: the deploy goes on. What an older worker gave back, a newer one with a handler for it runs.
func TestH1_NewerWorkerRunsWhatTheOlderGaveBack(t *testing.T) {
	messages := append(past(t), future()...)
	synctest.Test(t, func(t *testing.T) {
		ran := map[string]int{}
		mux := anyName(t, messages, ran)
		ds := batchOf(messages, 1)
		outcomes := newWorker(t, mux, worker.Options{Settler: &settler{}, Concurrency: 1}).Process(t.Context(), ds)
		worker.Handle(mux, task.Define[json.RawMessage]("test.later"), func(context.Context, json.RawMessage) error { ran["later"]++; return nil })
		newer := newWorker(t, mux, worker.Options{Settler: &settler{}, Concurrency: 1})
		for i, o := range outcomes {
			if messages[i].code != transport.ReasonUnknown {
				continue
			}
			ds[i].Receives++
			if got := newer.Process(t.Context(), ds[i:i+1])[0]; o.State != worker.Retry || got.State != worker.Done || got.Attempt != 2 {
				t.Errorf("%s: the older says %v, the newer %+v", messages[i].name, o.State, got)
			}
		}
		if ran["later"] != 2 {
			t.Errorf("%d tasks ran that only the newer worker knows, want 2", ran["later"])
		}
	})
}

func total(ran map[string]int) (n int) {
	for _, times := range ran {
		n += times
	}
	return n
}

func envelopeID(t *testing.T, body []byte) string {
	t.Helper()
	var e struct{ ID string }
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// sameButAttempt compares envelopes but for the attribute that counts attempts: nothing that a later version wrote may
// get lost on the way through this one.
func sameButAttempt(got, want []byte) bool {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(got, &a) != nil || json.Unmarshal(want, &b) != nil {
		return false
	}
	delete(a, "offloadattempt")
	delete(b, "offloadattempt")
	if len(a) != len(b) {
		return false
	}
	for k, v := range b {
		if !bytes.Equal(a[k], v) {
			return false
		}
	}
	return true
}
