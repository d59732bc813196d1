package analytics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/analytics"
	"github.com/offloadhq/offload/jobs/dirstore"
	"github.com/offloadhq/offload/task"
)

var fired = time.Date(2026, 7, 12, 12, 0, 0, 0, time.FixedZone("", 7200))

func info(t *testing.T, id string) context.Context {
	return task.WithInfo(t.Context(), task.Info{ID: id, Name: "analytics.record", Source: "web", Attempt: 1, FiredAt: fired})
}

func newHandler(t *testing.T) (*analytics.Handler, string) {
	t.Helper()
	dir := t.TempDir()
	store, err := dirstore.Open(dir, &dirstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return analytics.New(store), dir
}

func TestHandle(t *testing.T) {
	tests := []struct {
		event jobs.Event
		want  string
	}{
		{
			jobs.Event{Name: "signup"},
			`{"id":"01T","name":"signup","at":"2026-07-12T10:00:00Z","source":"web"}` + "\n",
		},
		{
			jobs.Event{Name: "<ü>", Properties: json.RawMessage(`{ "n": 12345678901234567890.10, "s": "<&>" }`), At: fired.Add(time.Nanosecond)},
			`{"id":"01T","name":"<ü>","at":"2026-07-12T10:00:00.000000001Z","source":"web","properties":{"n":12345678901234567890.10,"s":"<&>"}}` + "\n",
		},
		{
			jobs.Event{Name: "empty", Properties: json.RawMessage(`{}`)},
			`{"id":"01T","name":"empty","at":"2026-07-12T10:00:00Z","source":"web","properties":{}}` + "\n",
		},
	}
	for _, tt := range tests {
		h, dir := newHandler(t)
		if err := h.Handle(info(t, "01T"), tt.event); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "analytics", "01T.json"))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want {
			t.Errorf("object %s, want %s", got, tt.want)
		}
	}
}

// However often a task runs, and even if its copies run at once, there is one object with the same bytes.
func TestDuplicatesChangeNothing(t *testing.T) {
	h, dir := newHandler(t)
	event := jobs.Event{Name: "signup", Properties: json.RawMessage(`{"b":1,"a":2}`)}
	var before []byte
	for round := range 3 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := h.Handle(info(t, "01T"), event); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		entries, err := os.ReadDir(filepath.Join(dir, "analytics"))
		if err != nil || len(entries) != 1 {
			t.Fatalf("%v, %v: want one object", entries, err)
		}
		now, err := os.ReadFile(filepath.Join(dir, "analytics", "01T.json"))
		if err != nil || round > 0 && string(now) != string(before) {
			t.Fatalf("object became %s, %v; want %s", now, err, before)
		}
		before = now
	}
	if err := h.Handle(info(t, "01U"), event); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "analytics")); len(entries) != 2 {
		t.Errorf("%v: want two objects for two tasks", entries)
	}
}

func TestBadArgumentsArePermanent(t *testing.T) {
	h, dir := newHandler(t)
	if err := h.Handle(info(t, "01T"), jobs.Event{}); !task.IsPermanent(err) || !errors.Is(err, task.ErrInvalid) {
		t.Errorf("error %v, want a permanent task.ErrInvalid", err)
	}
	if err := h.Handle(t.Context(), jobs.Event{Name: "a"}); !task.IsPermanent(err) {
		t.Errorf("error %v, want a permanent one: no task in the context", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "analytics")); !errors.Is(err, os.ErrNotExist) {
		t.Error("something was stored")
	}
}

type failingStore struct{ err error }

func (s failingStore) Put(context.Context, string, io.Reader) error { return s.err }

func TestStoreErrors(t *testing.T) {
	full := errors.New("disk is full")
	err := analytics.New(failingStore{full}).Handle(info(t, "01T"), jobs.Event{Name: "a"})
	if !errors.Is(err, full) || task.IsPermanent(err) || !strings.Contains(err.Error(), `event "01T"`) {
		t.Errorf("error %v, want the store's, to be retried", err)
	}
	err = analytics.New(failingStore{task.Permanent(full)}).Handle(info(t, "01T"), jobs.Event{Name: "a"})
	if !task.IsPermanent(err) {
		t.Errorf("error %v, want the store's, permanent", err)
	}
}

func ExampleHandler_Handle() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	store, err := dirstore.Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	h := analytics.New(store)

	// In a program: worker.Handle(mux, jobs.Analytics, h.Handle). The worker gives the context its task.
	ctx := task.WithInfo(context.Background(), task.Info{ID: "01K0", Source: "web", FiredAt: time.Unix(1783857600, 0)})
	for range 2 { // a duplicate
		if err := h.Handle(ctx, jobs.Event{Name: "signup"}); err != nil {
			fmt.Println(err)
		}
	}
	b, _ := os.ReadFile(filepath.Join(dir, "analytics", "01K0.json"))
	fmt.Printf("%s", b)
	// Output: {"id":"01K0","name":"signup","at":"2026-07-12T12:00:00Z","source":"web"}
}
