package localstack_test

import (
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/localstack"
)

// faults is an HTTP client that can be broken.
type faults struct {
	next aws.HTTPClient
	// throttle is what the service answers when it refuses for a time.
	throttle func() *http.Response

	mu       sync.Mutex
	lose     bool          // guarded by mu: the next answer is lost
	refuse   bool          // guarded by mu: the next request is throttled
	held     chan struct{} // guarded by mu: no request gets through before it is closed
	answered int           // guarded by mu: requests that the service has answered with 202
}

func newFaults(throttle func() *http.Response) *faults {
	return &faults{next: localstack.NewHTTPClient(), throttle: throttle}
}

func (f *faults) Do(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	lose, refuse, held := f.lose, f.refuse, f.held
	f.lose, f.refuse = false, false
	f.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if refuse {
		return f.throttle(), nil
	}
	answer, err := f.next.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusAccepted {
		f.set(func() { f.answered++ })
	}
	if lose {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return answer, nil
}

func (f *faults) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *faults) loseAnswer() { f.set(func() { f.lose = true }) }
func (f *faults) refuseNext() { f.set(func() { f.refuse = true }) }

func (f *faults) hold() (release func()) {
	held := make(chan struct{})
	f.set(func() { f.held = held })
	return func() { close(held) }
}
