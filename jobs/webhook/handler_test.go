package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/offloadhq/offload/internal/memnet"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/webhook"
	"github.com/offloadhq/offload/task"
)

func newHandler(t *testing.T, opts webhook.Options) *webhook.Handler {
	t.Helper()
	h, err := webhook.New(secret, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

var onLoopback = webhook.Options{AllowLoopback: true}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// nobody is a URL at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	address, release, err := memnet.Nobody()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return "http://" + address
}

func delivery(url string) jobs.Delivery {
	return jobs.Delivery{URL: url, Payload: json.RawMessage(`{"order":7}`)}
}

func attempt(t testing.TB, n int) context.Context {
	return task.WithInfo(t.Context(), task.Info{ID: "01TASK", Attempt: n})
}

func TestRequest(t *testing.T) {
	requests := make(chan *http.Request, 1)
	bodies := make(chan string, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
		requests <- r
	})
	h := newHandler(t, webhook.Options{AllowLoopback: true, OldSecrets: []string{oldSecret}})
	if err := h.Handle(attempt(t, 3), delivery(url+"/hook?x=1")); err != nil {
		t.Fatal(err)
	}
	r, body := <-requests, <-bodies
	if body != `{"order":7}` || r.Method != "POST" || r.URL.String() != "/hook?x=1" || r.ContentLength != int64(len(body)) {
		t.Errorf("got %s %s with %d bytes %q", r.Method, r.URL, r.ContentLength, body)
	}
	for key, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "Offload-Webhook/1",
		"Offload-Task-Id": "01TASK", "Offload-Attempt": "3", "Idempotency-Key": "", "Accept-Encoding": "",
	} {
		if got := r.Header.Get(key); got != want {
			t.Errorf("header %s: %q, want %q", key, got, want)
		}
	}
	for _, s := range []string{secret, oldSecret} {
		if err := webhook.Verify(s, r.Header.Get(webhook.SignatureHeader), []byte(body), time.Now(), time.Minute); err != nil {
			t.Error(err)
		}
	}
}

func TestStatus(t *testing.T) {
	tests := map[string][]int{
		"done":      {200, 201, 202, 204, 299},
		"permanent": {300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 418, 422, 451, 499},
		"retry":     {408, 425, 429, 500, 501, 502, 503, 504, 507, 599, 600, 999},
	}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.Header().Set("Retry-After", "77")
		w.WriteHeader(status)
		if status != 204 && status != 304 {
			_, _ = io.WriteString(w, "because")
		}
	})
	h := newHandler(t, onLoopback)
	for want, statuses := range tests {
		for _, status := range statuses {
			err := h.Handle(attempt(t, 1), delivery(fmt.Sprintf("%s/%d", url, status)))
			got := "retry"
			if err == nil {
				got = "done"
			} else if task.IsPermanent(err) {
				got = "permanent"
			}
			if got != want {
				t.Errorf("%d: %s (%v), want %s", status, got, err, want)
			}
			d, ok := task.RetryDelay(err)
			if (want == "retry") != ok || ok && d != 77*time.Second {
				t.Errorf("%d: delay %v, %v", status, d, ok)
			}
			if err == nil {
				continue
			}
			if e, ok := errors.AsType[*webhook.StatusError](err); !ok || e.Status != status || "http://"+e.Host != url {
				t.Errorf("%d: error %#v lacks the facts", status, err)
			}
			if status != 304 && !strings.Contains(err.Error(), "because") {
				t.Errorf("%d: error %q lacks the body", status, err)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const none = -1
	now := time.Date(2026, 7, 12, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"", none},
		{"0", none},
		{"-5", none},
		{"+5", none},
		{"1.5", none},
		{"soon", none},
		{"5s", none},
		{"0x10", none},
		{"1", time.Second},
		{" 120 ", 2 * time.Minute},
		{"007", 7 * time.Second},
		{"3599", time.Hour - time.Second},
		{"3600", time.Hour},
		{"3601", time.Hour},
		{"86400", time.Hour},
		{"9223372036854775807", time.Hour},
		{"9223372036855", time.Hour}, // overflows a Duration
		{"99999999999999999999999", time.Hour},
		{"Sun, 12 Jul 2026 12:00:30 GMT", 30 * time.Second},
		{"Sunday, 12-Jul-26 12:00:30 GMT", 30 * time.Second},
		{"Sun Jul 12 12:00:30 2026", 30 * time.Second},
		{"Sun, 12 Jul 2026 12:00:00 GMT", none},
		{"Sun, 12 Jul 2026 11:59:59 GMT", none},
		{"Wed, 01 Jan 1000 00:00:00 GMT", none},
		{"Fri, 31 Dec 9999 23:59:59 GMT", time.Hour},
		{"2026-07-12T12:00:30Z", none},
	}
	for _, tt := range tests {
		got, ok := webhook.RetryAfter(tt.header, now)
		if ok != (tt.want != none) || ok && got != tt.want {
			t.Errorf("Retry-After: %q: %v, %v; want %v", tt.header, got, ok, tt.want)
		}
	}
}

// Without a usable Retry-After the backoff of the policy holds.
func TestNoRetryAfter(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	err := newHandler(t, onLoopback).Handle(attempt(t, 1), delivery(url))
	if d, ok := task.RetryDelay(err); ok || err == nil {
		t.Errorf("delay %v of %v, want none", d, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var hits atomic.Int32
	target := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	})
	err := newHandler(t, onLoopback).Handle(attempt(t, 1), delivery(url))
	if !task.IsPermanent(err) || !strings.Contains(err.Error(), "redirects are not followed") {
		t.Errorf("error %v, want a permanent one about redirects", err)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the target was asked %d times", n)
	}
}

func TestHugeAnswer(t *testing.T) {
	const size = 64 << 20
	var sent atomic.Int64
	finished := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(finished)
		w.WriteHeader(http.StatusInternalServerError)
		piece := []byte(strings.Repeat("\xff<&>\n\x00", 10_000))
		for sent.Load() < size {
			n, err := w.Write(piece)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	err := newHandler(t, onLoopback).Handle(attempt(t, 1), delivery(url))
	e, ok := errors.AsType[*webhook.StatusError](err)
	if !ok || len(e.Body) > 3*4096 || len(e.Body) < 4096 {
		t.Fatalf("error %.100v keeps %d bytes of the body", err, len(e.Body))
	}
	if n := len(err.Error()); n > 4096 {
		t.Errorf("the text of the error is %d bytes long", n)
	}
	if strings.ContainsFunc(err.Error(), unicode.IsControl) || !utf8.ValidString(err.Error()) {
		t.Error("the text of the error holds raw bytes of the answer")
	}
	<-finished
	if n := sent.Load(); n >= size {
		t.Errorf("all %d bytes were read", n)
	}
}

func TestHugeHeader(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 1<<20))
	})
	if err := newHandler(t, onLoopback).Handle(attempt(t, 1), delivery(url)); err == nil || task.IsPermanent(err) {
		t.Errorf("error %v, want one to be retried", err)
	}
}

func TestNobodyListens(t *testing.T) {
	err := newHandler(t, onLoopback).Handle(attempt(t, 1), delivery(nobody(t)+"/?token=hunter2"))
	if err == nil || task.IsPermanent(err) {
		t.Errorf("error %v, want one to be retried", err)
	}
}

// Row I3: what is in a URL, a payload or a secret does not reach logs and dead letters by way of an error.
func TestI3_ErrorsHoldNoSecrets(t *testing.T) {
	status := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	cut := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	h := newHandler(t, onLoopback)
	for _, url := range []string{nobody(t), status, cut, "http://10.0.0.1", "ftp://a", "http://name.invalid"} {
		ctx, cancel := context.WithTimeout(attempt(t, 1), time.Second)
		err := h.Handle(ctx, jobs.Delivery{URL: url + "/canary1?canary2=canary3#canary4", Payload: json.RawMessage(`"canary5"`)})
		cancel()
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error %v, want one without canaries", url, err)
		}
	}
}

func TestBadArgumentsArePermanent(t *testing.T) {
	h := newHandler(t, onLoopback)
	if err := h.Handle(attempt(t, 1), jobs.Delivery{}); !task.IsPermanent(err) || !errors.Is(err, task.ErrInvalid) {
		t.Errorf("error %v, want a permanent task.ErrInvalid", err)
	}
	if err := h.Handle(t.Context(), delivery("http://a")); !task.IsPermanent(err) {
		t.Errorf("error %v, want a permanent one: no task in the context", err)
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	many := strings.Split(strings.Repeat(","+oldSecret, 8), ",")[1:]
	_, err := webhook.New("hunter2", &webhook.Options{OldSecrets: append(many, "hunter3"), Timeout: -1})
	for _, want := range []string{"secret is 7 bytes long", "OldSecrets[8] is 7 bytes long", "OldSecrets has 9 secrets", "Timeout is -1ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "hunter") {
		t.Errorf("error %v holds a secret", err)
	}
	if h, err := webhook.New(secret, nil); err != nil {
		t.Error(err)
	} else {
		h.Close()
	}
}
