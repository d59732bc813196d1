package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The load is steady, so that the latencies tell of the system and not of a backlog: so many requests a second, and at
// most so many under way at once.
const (
	rate    = 100
	callers = 16

	// resend is the time before a request that found no host is sent again.
	resend = 50 * time.Millisecond
)

// load sends requests to the API and keeps what it answered.
type load struct {
	url  string
	done chan struct{} // closed when every request is answered, or the context has ended

	troubled atomic.Bool // a disaster is on: what is fired now tells nothing of latencies

	mu      sync.Mutex
	fired   map[string]request // guarded by mu: by task id, of requests that were answered 202
	refused int                // guarded by mu
	first   error              // guarded by mu: why the first of them was
	took    []time.Duration    // guarded by mu
	unusual map[string]bool    // guarded by mu: by task id, of requests under way in a disaster
	again   int                // guarded by mu: requests that were sent again, because nobody had answered
	changed chan struct{}      // guarded by mu: closed when the next request is answered
}

func startLoad(ctx context.Context, url string, requests []request) *load {
	l := &load{url: url, done: make(chan struct{}), fired: make(map[string]request, len(requests)), unusual: map[string]bool{}, changed: make(chan struct{})}
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

// answered waits until n requests are answered; false if the load ends before, or ctx.
func (l *load) answered(ctx context.Context, n int) bool {
	for {
		l.mu.Lock()
		enough, changed := len(l.fired) >= n, l.changed
		l.mu.Unlock()
		if enough {
			return true
		}
		select {
		case <-changed:
		case <-l.done:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// send sends a request until somebody answers: one that found no host, or lost it, is sent again under the same key, so that
// it cannot become a second task.
func (l *load) send(ctx context.Context, r request) {
	unusual := l.troubled.Load()
	start := time.Now()
	err := l.post(ctx, r)
	again := 0
	for ; errors.As(err, new(unanswered)) && ctx.Err() == nil; again++ {
		select {
		case <-time.After(resend):
		case <-ctx.Done():
		}
		err = l.post(ctx, r)
	}
	took := time.Since(start)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again += again
	if unusual = unusual || l.troubled.Load(); unusual {
		l.unusual[r.id] = true
	} else {
		l.took = append(l.took, took)
	}
	if err != nil {
		l.refused++
		if l.first == nil {
			l.first = err
		}
		return
	}
	l.fired[r.id] = r
	close(l.changed)
	l.changed = make(chan struct{})
}

// unanswered is the error of a request that has no answer.
type unanswered struct{ error }

func (u unanswered) Unwrap() error { return u.error }

// post returns an error if the answer is not 202 with the id that was asked for.
func (l *load) post(ctx context.Context, r request) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+r.path, bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	req.Header.Set("Idempotency-Key", r.id)
	req.GetBody = nil // net/http must not send it again by itself, and unseen
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return unanswered{err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return unanswered{fmt.Errorf("POST %s: %w", r.path, err)}
	}
	var answer struct{ ID string }
	if json.Unmarshal(body, &answer) != nil || answer.ID != r.id || resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("POST %s: %s: %.200s", r.path, resp.Status, bytes.TrimSpace(body))
	}
	return nil
}

// into brings the tally up to date.
func (l *load) into(t *tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, r := range l.fired {
		t.fired[id] = r
	}
	for id := range l.unusual {
		t.unusual[id] = true
	}
	t.refused, t.refusal, t.api, t.again = l.refused, l.first, append(t.api[:0], l.took...), l.again
}
