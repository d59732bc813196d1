package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// The load is steady, so that the latencies tell of the system and not of a backlog: so many requests a second, and at
// most so many under way at once.
const (
	rate    = 100
	callers = 16
)

// load sends requests to the API and keeps what it answered.
type load struct {
	url  string
	done chan struct{} // closed when every request is answered, or the context has ended

	mu      sync.Mutex
	fired   map[string]request // guarded by mu: by task id, of requests that were answered 202
	refused int                // guarded by mu
	first   error              // guarded by mu: why the first of them was
	took    []time.Duration    // guarded by mu
}

func startLoad(ctx context.Context, url string, requests []request) *load {
	l := &load{url: url, done: make(chan struct{}), fired: make(map[string]request, len(requests))}
	work := make(chan request)
	go feed(ctx, requests, work)
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for r := range work {
				l.send(ctx, r)
			}
		})
	}
	go func() {
		defer close(l.done)
		group.Wait()
	}()
	return l
}

// feed hands out the requests at the rate of the load, the rest at once when ctx ends: sending them fails then, and is
// counted.
func feed(ctx context.Context, requests []request, work chan<- request) {
	defer close(work)
	pace := time.NewTicker(time.Second / rate)
	defer pace.Stop()
	for _, r := range requests {
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
		work <- r
	}
}

func (l *load) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *load) send(ctx context.Context, r request) {
	start := time.Now()
	id, err := l.post(ctx, r)
	took := time.Since(start)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, took)
	if err != nil {
		l.refused++
		if l.first == nil {
			l.first = err
		}
		return
	}
	l.fired[id] = r
}

// post returns the id of the task, or an error if the answer is not 202 with one.
func (l *load) post(ctx context.Context, r request) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+r.path, bytes.NewReader(r.body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("POST %s: %w", r.path, err)
	}
	var answer struct{ ID string }
	if json.Unmarshal(body, &answer) != nil || answer.ID == "" || resp.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("POST %s: %s: %.200s", r.path, resp.Status, bytes.TrimSpace(body))
	}
	return answer.ID, nil
}

// into brings the tally up to date.
func (l *load) into(t *tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, r := range l.fired {
		t.fired[id] = r
	}
	t.refused, t.refusal, t.api = l.refused, l.first, append(t.api[:0], l.took...)
}
