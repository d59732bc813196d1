package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

func call(h http.Handler, method, path string, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, bytes.NewReader(body)))
	return w
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func TestRoutesFireTheirTask(t *testing.T) {
	c, recorder := clienttest.New(t, jobs.Analytics, jobs.Export)
	h := newHandler(c, quiet())
	for path, body := range map[string]string{
		"/events":              `{"name":"signup","properties":{"plan":"free"}}`,
		"/webhooks":            `{"url":"http://127.0.0.1:1/x","payload":{"a":1}}`,
		"/thumbnails?width=50": "image bytes",
		"/exports":             `{"rows":1000}`,
	} {
		w := call(h, http.MethodPost, path, []byte(body))
		var answer struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusAccepted || answer.ID == "" {
			t.Errorf("POST %s: %d %s", path, w.Code, w.Body)
		}
	}
	if got := clienttest.Fired(t, recorder, jobs.Analytics); len(got) != 1 || got[0].Name != "signup" {
		t.Errorf("events fired: %+v", got)
	}
	if got := clienttest.Fired(t, recorder, jobs.Webhook); len(got) != 1 || got[0].URL != "http://127.0.0.1:1/x" {
		t.Errorf("webhooks fired: %+v", got)
	}
	if got := clienttest.Fired(t, recorder, jobs.Thumbnail); len(got) != 1 || string(got[0].Image) != "image bytes" || got[0].Width != 50 {
		t.Errorf("thumbnails fired: %+v", got)
	}
	if got := clienttest.Fired(t, recorder, jobs.Export); len(got) != 1 || got[0].Rows != 1000 {
		t.Errorf("exports fired: %+v", got)
	}
}

func TestBadInputIsToldAndFiresNothing(t *testing.T) {
	for _, c := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/events", `{"name":""}`, 400, "name"},
		{"/events", `{"name":"x","propertys":{}}`, 400, "propertys"},
		{"/events", `{"name":"x"} {}`, 400, "more than one"},
		{"/events", `{`, 400, "body"},
		{"/events", `{"name":7}`, 400, "name"},
		{"/webhooks", `{"url":"ftp://x","payload":1}`, 400, "ftp"},
		{"/thumbnails", "x", 400, "width"},
		{"/thumbnails?width=0", "x", 400, "width"},
		{"/thumbnails?width=9", "", 400, "image"},
		{"/thumbnails?width=9", strings.Repeat("x", maxImage+1), 413, "too large: it may have 16777216 bytes"},
		{"/thumbnails?width=9", strings.Repeat("x", maxImage), 413, "large"}, // by Fire: this client has no claim check
		{"/events", `{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too large: it may have 1048576 bytes"},
		{"/exports", `{"rows":-1}`, 400, "rows"},
	} {
		tasks, recorder := clienttest.New(t, jobs.Analytics, jobs.Export)
		w := call(newHandler(tasks, quiet()), http.MethodPost, c.path, []byte(c.body))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("POST %s %.40q: %d %s; want %d and %q", c.path, c.body, w.Code, w.Body, c.status, c.says)
		}
		if n := len(recorder.Envelopes()); n != 0 {
			t.Errorf("POST %s %.40q: %d tasks were fired", c.path, c.body, n)
		}
	}
}

// broken is a client that cannot fire.
type broken struct{ err error }

func (b broken) Fire(context.Context, task.Task, ...task.FireOption) (client.Receipt, error) {
	return client.Receipt{ID: "task-1"}, b.err
}

func TestTroubleIs503AndKeepsTheID(t *testing.T) {
	for _, c := range []struct {
		err    error
		withID bool
	}{
		{fmt.Errorf("x: %w", client.ErrNotSent), false},
		{fmt.Errorf("x: %w", client.ErrUnconfirmed), true},
		{errors.New("anything else"), false},
	} {
		w := call(newHandler(broken{c.err}, quiet()), http.MethodPost, "/exports", []byte(`{"rows":1}`))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%v: %d, Retry-After %q", c.err, w.Code, w.Header().Get("Retry-After"))
		}
		if got := strings.Contains(w.Body.String(), `"id":"task-1"`); got != c.withID {
			t.Errorf("%v: answer %s, want the id: %v", c.err, w.Body, c.withID)
		}
	}
}

func TestHealthz(t *testing.T) {
	if w := call(newHandler(broken{}, quiet()), http.MethodGet, "/healthz", nil); w.Code != http.StatusOK {
		t.Fatalf("GET /healthz: %d", w.Code)
	}
	if w := call(newHandler(broken{}, quiet()), http.MethodGet, "/events", nil); w.Code != http.StatusMethodNotAllowed {
		t.Fatalf("GET /events: %d", w.Code)
	}
}
