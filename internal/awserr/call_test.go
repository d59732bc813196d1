package awserr_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/offloadhq/offload/internal/awserr"
)

// TestCallWatchesManyRequests has one watch around the client of a program that reads a lot at once: what the race detector says
// is the verdict.
func TestCallWatchesManyRequests(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer server.Close()
	var call awserr.Call
	client := call.Watch(server.Client())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
				if err != nil {
					t.Error(err)
					return
				}
				response, err := client.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	all.Wait()
}
