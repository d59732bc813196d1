package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/offloadhq/offload/task"
)

// MaxURL is the longest URL of a [Delivery], in bytes.
const MaxURL = 2048

// Webhook posts a payload to a URL, signed. Receivers have bad days: the waits grow to hours, and the last of the
// 12 attempts comes about three hours after the first on average, six at most (a receiver's Retry-After may stretch it).
var Webhook = task.Define[Delivery]("webhook.deliver",
	task.MaxAttempts(12),
	task.Backoff(task.Exponential(10*time.Second, 6*time.Hour)),
	task.Timeout(30*time.Second),
)

// Delivery is the arguments of [Webhook].
type Delivery struct {
	// URL is where to post: absolute, http or https, without user and password, at most [MaxURL] bytes. Which
	// addresses it may lead to is decided when the worker connects, not here.
	URL string `json:"url"`
	// Payload is the body of the request: any JSON value.
	Payload json.RawMessage `json:"payload"`
}

// Validate returns what is wrong with the delivery, nil if nothing is. The error matches task.ErrInvalid. It never
// repeats the URL, whose path and query often hold a token.
func (d Delivery) Validate() error {
	return invalid(Webhook, checkURL(d.URL), checkPayload(d.Payload))
}

func checkURL(raw string) error {
	if raw == "" {
		return errors.New("url is empty")
	}
	if len(raw) > MaxURL {
		return fmt.Errorf("url is %d bytes long: at most %d are allowed", len(raw), MaxURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return fmt.Errorf("url does not parse: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("url has the scheme %q: it must be http or https", u.Scheme)
	}
	if u.Hostname() == "" {
		return errors.New("url has no host")
	}
	if u.User != nil {
		return errors.New("url holds a user or password: receivers trust the signature instead")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("url has the port %q: it must be 1 to 65535", p)
		}
	}
	return nil
}

func checkPayload(p json.RawMessage) error {
	if len(p) == 0 {
		return errors.New("payload is missing")
	}
	if !json.Valid(p) {
		return errors.New("payload is not valid JSON")
	}
	return nil
}
