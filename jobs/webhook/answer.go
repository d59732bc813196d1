package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/offloadhq/offload/task"
)

// MaxRetryAfter is the longest Retry-After that is honoured, so that one answer cannot park a delivery for days.
const MaxRetryAfter = time.Hour

// StatusError is the answer of a receiver that did not take the delivery.
type StatusError struct {
	Host   string // as in the URL, with the port if that has one; the rest of a URL may hold secrets
	Status int    // the HTTP status code
	Body   string // the first 4 KiB of the body, valid UTF-8
}

// Error names the host, the status and the beginning of the body.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("webhook to %q: answered %d %s", e.Host, e.Status, http.StatusText(e.Status))
	text = strings.TrimRight(text, " ")
	if e.Status/100 == 3 {
		text += ": redirects are not followed: deliver to the final URL"
	}
	if e.Body != "" {
		text += fmt.Sprintf(": %.512q", e.Body)
	}
	return text
}

// judge turns an answer into the outcome of the attempt: nil, permanent, or to be retried.
func judge(e *StatusError, retryAfterHeader string, now time.Time) error {
	switch {
	case e.Status/100 == 2:
		return nil
	case e.Status/100 == 3:
		return task.Permanent(e)
	case e.Status/100 == 4 && !slowDown(e.Status):
		return task.Permanent(e)
	}
	if d, ok := retryAfter(retryAfterHeader, now); ok {
		return task.RetryAfter(e, d)
	}
	return e
}

// slowDown reports the client errors that speak of time and not of the request.
func slowDown(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusTooManyRequests
}

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3), bounded by MaxRetryAfter. Zero, a time that has passed and
// nonsense are false: the backoff of the policy, which grows, is the better answer to them.
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0, false
	}
	if strings.Trim(header, "0123456789") == "" {
		seconds, err := strconv.ParseInt(header, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) { // the only error left is a number too large
			return MaxRetryAfter, true
		}
		return time.Duration(seconds) * time.Second, seconds > 0
	}
	at, err := http.ParseTime(header)
	if err != nil || !at.After(now) {
		return 0, false
	}
	return min(at.Sub(now), MaxRetryAfter), true
}
