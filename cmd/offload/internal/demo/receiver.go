package demo

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How the receiver treats a webhook, by the first segment of the path.
const (
	moodFine   = "fine"
	moodFlaky  = "flaky"
	moodGone   = "gone"
	moodBroken = "broken"
)

// receiver is the other end of the webhooks: an HTTP server with moods. It counts by the task id that a delivery
// carries, so that a delivery that comes twice is one effect.
type receiver struct {
	URL    string
	server *http.Server
	served chan error

	mu    sync.Mutex
	tries map[string]int  // guarded by mu: requests by task id
	done  map[string]bool // guarded by mu: task ids that were answered 200
}

func startReceiver() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{
		URL:    "http://" + listener.Addr().String(),
		served: make(chan error, 1),
		tries:  map[string]int{},
		done:   map[string]bool{},
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() { r.served <- r.server.Serve(listener) }()
	return r, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	id := req.Header.Get("Offload-Task-Id")
	mood, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries[id]++
	switch {
	case mood == moodGone:
		w.WriteHeader(http.StatusGone)
	case mood == moodBroken:
		w.WriteHeader(http.StatusInternalServerError)
	case mood == moodFlaky && r.tries[id] <= 2:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		r.done[id] = true
		w.WriteHeader(http.StatusOK)
	}
}

// delivered returns the ids of the tasks whose delivery was answered 200.
func (r *receiver) delivered() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]string, 0, len(r.done))
	for id := range r.done {
		ids = append(ids, id)
	}
	return ids
}

func (r *receiver) close(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	<-r.served
	return err
}

// repeated returns the ids of the tasks that came more than once.
func (r *receiver) repeated() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for id, n := range r.tries {
		if n > 1 {
			ids = append(ids, id)
		}
	}
	return ids
}
