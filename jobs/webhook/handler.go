package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

const (
	// MinSecret is the shortest secret, in bytes. Use 32 random ones.
	MinSecret = 16
	// DefaultTimeout is the time for one request.
	DefaultTimeout = 10 * time.Second

	maxBody = 4 << 10 // what is read of an answer
)

// Options of [New]. Nil means the defaults.
type Options struct {
	// OldSecrets sign too, while receivers change over to the new secret. Each has at least [MinSecret] bytes; at
	// most 7.
	OldSecrets []string
	// Timeout is for one request, from the name look-up to the end of the answer. Default [DefaultTimeout]. The
	// deadline of the task holds besides.
	Timeout time.Duration
	// AllowLoopback lets deliveries go to 127.0.0.0/8 and ::1. For development only: on Lambda the Runtime API is
	// there.
	AllowLoopback bool
	// AllowPrivate lets deliveries go to 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::/7, for receivers in
	// one's own network. Never to link-local addresses or fd00:ec2::/32, where the metadata services are.
	AllowPrivate bool
}

// Handler delivers webhooks. Make one with [New]. It is safe for concurrent use.
type Handler struct {
	secrets []string
	timeout time.Duration
	dialer  *net.Dialer
	client  *http.Client
}

// New returns a handler that signs with secret. All that is wrong with its arguments is in the error, which never holds a
// secret.
func New(secret string, opts *Options) (*Handler, error) {
	if opts == nil {
		opts = &Options{}
	}
	h := &Handler{secrets: append([]string{secret}, opts.OldSecrets...), timeout: opts.Timeout}
	var problems []error
	if len(secret) < MinSecret {
		problems = append(problems, fmt.Errorf("secret is %d bytes long: it needs %d at least", len(secret), MinSecret))
	}
	for i, old := range opts.OldSecrets {
		if len(old) < MinSecret {
			problems = append(problems, fmt.Errorf("OldSecrets[%d] is %d bytes long: it needs %d at least", i, len(old), MinSecret))
		}
	}
	if len(h.secrets) > maxSignatures {
		problems = append(problems, fmt.Errorf("OldSecrets has %d secrets: at most %d are allowed", len(opts.OldSecrets), maxSignatures-1))
	}
	if h.timeout < 0 {
		problems = append(problems, fmt.Errorf("Timeout is %v: it must not be negative", h.timeout))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("webhook handler: %w", err)
	}
	if h.timeout == 0 {
		h.timeout = DefaultTimeout
	}
	g := guard{loopback: opts.AllowLoopback, private: opts.AllowPrivate}
	// A dial may outlive its request (package net/http keeps the connection for the next one), so it has a limit of
	// its own.
	h.dialer = &net.Dialer{ControlContext: g.control, Timeout: h.timeout}
	h.client = &http.Client{
		Transport: newTransport(h.dialer),
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	return h, nil
}

// newTransport shares nothing with http.DefaultTransport: no proxy, and no setting that another package could change.
// HTTP/1.1 alone, because an HTTP/2 connection that died while the process was frozen holds up many deliveries.
func newTransport(d *net.Dialer) *http.Transport {
	t := &http.Transport{
		DialContext:            d.DialContext,
		TLSHandshakeTimeout:    d.Timeout,
		MaxIdleConnsPerHost:    4,
		MaxIdleConns:           64,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// Close closes idle connections. Deliveries that run are not disturbed.
func (h *Handler) Close() { h.client.CloseIdleConnections() }

// Handle delivers d once and returns what should become of the task: nil (delivered), a permanent error (bad arguments,
// a refused address, 3xx, most of 4xx), or any other for a retry, with the receiver's Retry-After if it sent one. It
// matches [*StatusError] if there was an answer, [ErrRefused] if the address was refused, and the error of ctx if that
// has ended. Errors name the host and never the rest of the URL, the payload or a secret.
func (h *Handler) Handle(ctx context.Context, d jobs.Delivery) error {
	info, err := jobs.Begin(ctx, d)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	req, err := h.request(ctx, d, info, time.Now())
	if err != nil {
		return task.Permanent(fmt.Errorf("webhook: make the request: %w", withoutURL(err)))
	}
	resp, err := h.client.Do(req)
	if err != nil {
		err = fmt.Errorf("webhook to %q: %w", req.URL.Host, withoutURL(err))
		if errors.Is(err, ErrRefused) {
			return task.Permanent(err)
		}
		return err
	}
	defer resp.Body.Close()
	// An answer whose body breaks off or dawdles is an answer: its status was complete.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	answer := &StatusError{Host: req.URL.Host, Status: resp.StatusCode, Body: strings.ToValidUTF8(string(body), "\ufffd")}
	return judge(answer, resp.Header.Get("Retry-After"), time.Now())
}

func (h *Handler) request(ctx context.Context, d jobs.Delivery, info task.Info, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Payload))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Offload-Webhook/1")
	req.Header.Set(TaskIDHeader, info.ID)
	req.Header.Set(AttemptHeader, strconv.Itoa(info.Attempt))
	req.Header.Set(SignatureHeader, signatureHeader(h.secrets, now, d.Payload))
	// Not sent. It tells net/http that the request may be repeated on a new connection if a pooled one turns out to
	// be dead (package http, "Transport"): the receiver knows the task id.
	req.Header["Idempotency-Key"] = nil
	return req, nil
}

// withoutURL drops the wrapper of net/http that repeats the whole URL.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
