package demo

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func account() *tally {
	t := newTally(2)
	t.fired["ok"] = request{kind: "event"}
	t.fired["bad"] = request{kind: "webhook", dead: true}
	t.done["ok"] = true
	t.dead["bad"] = true
	t.retried["ok"] = true
	t.api = []time.Duration{time.Millisecond, 3 * time.Millisecond}
	t.started["ok"] = 2 * time.Millisecond
	return t
}

func TestAccountAsPlannedHasNoProblem(t *testing.T) {
	tally := account()
	if problems := tally.problems(); len(problems) != 0 {
		t.Fatal(problems)
	}
	var out bytes.Buffer
	if err := tally.print(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if got, want := lines[len(lines)-1], "demo: fired=2 done=1 retried=1 dead=1 lost=0"; got != want {
		t.Errorf("last line %q, want %q", got, want)
	}
	if !strings.Contains(out.String(), "API request      p50 1ms  p99 3ms") {
		t.Errorf("no latencies in\n%s", out.String())
	}
}

func TestEachWayToFailIsAProblem(t *testing.T) {
	for name, spoil := range map[string]func(*tally){
		"lost: event ok": func(a *tally) { delete(a.done, "ok") },
		"dead-lettered, and should not be: event ok": func(a *tally) { a.dead["ok"] = true },
		"done, and was made to fail: webhook bad":    func(a *tally) { a.done["bad"] = true },
		"lost: webhook bad":                          func(a *tally) { delete(a.dead, "bad") },
		"done, and never fired: ghost":               func(a *tally) { a.done["ghost"] = true },
		"dead-lettered, and never fired: ghost":      func(a *tally) { a.dead["ghost"] = true },
		"3 requests were not answered 202; the first: POST /events: 503": func(a *tally) {
			a.planned, a.refused, a.refusal = 5, 3, errors.New("POST /events: 503")
		},
		"3 requests were planned, and 2 have an end of their own":                     func(a *tally) { a.planned = 3 },
		"the host was killed with an empty journal, so that this shows nothing of it": func(a *tally) { a.killed = true },
		"not all has ended within 2m0s":                                               func(a *tally) { a.late = 2 * time.Minute },
	} {
		tally := account()
		spoil(tally)
		if got := tally.problems(); len(got) != 1 || got[0] != name {
			t.Errorf("problems %q, want %q", got, name)
		}
	}
}

func TestPercentileIsNearestRank(t *testing.T) {
	var ds []time.Duration
	for i := 100; i >= 1; i-- {
		ds = append(ds, time.Duration(i)*time.Millisecond)
	}
	for p, want := range map[int]time.Duration{50: 50 * time.Millisecond, 99: 99 * time.Millisecond, 1: time.Millisecond} {
		if got := percentile(ds, p); got != want {
			t.Errorf("p%d = %v, want %v", p, got, want)
		}
	}
	if got := percentile(nil, 99); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestPlanIsWholeAndRepeats(t *testing.T) {
	first, err := plan("http://127.0.0.1:1", 1)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := plan("http://127.0.0.1:1", 1)
	dead := 0
	for i, r := range first {
		if r.path != again[i].path || !bytes.Equal(r.body, again[i].body) {
			t.Fatalf("request %d differs between two plans of one seed", i)
		}
		dead += count(r.dead)
	}
	if want := goneWebhooks + brokenWebhooks + brokenPictures + brokenLarge; len(first) != Requests || dead != want {
		t.Fatalf("%d requests, %d made to fail; want %d and %d", len(first), dead, Requests, want)
	}
}

func TestReceiverHasMoods(t *testing.T) {
	r, err := startReceiver()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	post := func(mood, id string) int {
		req := httptest.NewRequest(http.MethodPost, "/"+mood+"/1", strings.NewReader("{}"))
		req.Header.Set("Offload-Task-Id", id)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w.Code
	}
	for _, c := range []struct {
		mood  string
		codes []int
		done  bool
	}{
		{moodFine, []int{200, 200}, true},
		{moodFlaky, []int{503, 503, 200}, true},
		{moodGone, []int{410, 410}, false},
		{moodBroken, []int{500, 500, 500}, false},
	} {
		for i, want := range c.codes {
			if got := post(c.mood, c.mood); got != want {
				t.Errorf("%s, request %d: %d, want %d", c.mood, i+1, got, want)
			}
		}
		if r.done[c.mood] != c.done {
			t.Errorf("%s: done %v", c.mood, r.done[c.mood])
		}
	}
	if got := len(r.repeated()); got != 4 {
		t.Errorf("%d tasks came more than once, want 4", got)
	}
}

func TestStartsReadsOutcomes(t *testing.T) {
	s := newStarts()
	s.line("worker", `{"msg":"task done","id":"a","attempt":1,"waited":"2ms"}`)
	s.line("worker", `{"msg":"task done","id":"b","attempt":1,"waited":"1ms"}`)
	s.line("worker", `{"msg":"task done","id":"b","attempt":2,"waited":"9ms"}`)
	s.line("worker", `a line that is no outcome, with "waited" in it`)
	s.line("worker", `{"msg":"other"}`)
	tally := newTally(0)
	s.into(tally)
	if len(tally.started) != 2 || tally.started["a"] != 2*time.Millisecond || tally.started["b"] != time.Millisecond {
		t.Errorf("started: %v", tally.started)
	}
	if len(tally.retried) != 1 || !tally.retried["b"] {
		t.Errorf("retried: %v", tally.retried)
	}
}
