package demo

import (
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// starts reads from the functions' logs when each task started and how often.
type starts struct {
	mu      sync.Mutex
	first   map[string]time.Duration // guarded by mu: by task id, from firing to the first start
	retried map[string]bool          // guarded by mu
}

func newStarts() *starts {
	return &starts{first: map[string]time.Duration{}, retried: map[string]bool{}}
}

// line takes one line of a function's log; those that are no outcome of a task are passed over.
func (s *starts) line(_, text string) {
	if !strings.Contains(text, `"waited"`) {
		return
	}
	var outcome struct {
		ID      string
		Attempt int
		Waited  string
	}
	if json.Unmarshal([]byte(text), &outcome) != nil || outcome.ID == "" {
		return
	}
	waited, err := time.ParseDuration(outcome.Waited)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if outcome.Attempt > 1 {
		s.retried[outcome.ID] = true
		return
	}
	s.first[outcome.ID] = waited
}

// into brings the tally up to date.
func (s *starts) into(t *tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.retried {
		t.retried[id] = true
	}
	for id, waited := range s.first {
		t.started[id] = waited
	}
}
