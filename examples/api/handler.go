package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

// What is larger is refused while it is read: an image, or JSON.
const (
	maxImage = jobs.MaxImage
	maxBody  = 1 << 20
)

// firer is the client, or a test's double.
type firer interface {
	Fire(ctx context.Context, t task.Task, opts ...task.FireOption) (client.Receipt, error)
}

// newHandler routes the API. Every route but /healthz fires one task and answers 202 with its id, which is
// the request's Idempotency-Key if it has one.
func newHandler(tasks firer, log *slog.Logger) http.Handler {
	a := &api{tasks: tasks, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", a.fire(event, maxBody))
	mux.HandleFunc("POST /webhooks", a.fire(webhook, maxBody))
	mux.HandleFunc("POST /thumbnails", a.fire(thumbnail, maxImage))
	mux.HandleFunc("POST /exports", a.fire(export, maxBody))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}

type api struct {
	tasks firer
	log   *slog.Logger
}

// fire answers with the task that read makes of a request with a body of so many bytes at most.
func (a *api) fire(read func(*http.Request) (task.Task, error), most int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, most)
		t, err := read(r)
		if err != nil {
			a.refuse(w, client.Receipt{}, err)
			return
		}
		var opts []task.FireOption
		if key := r.Header.Get("Idempotency-Key"); key != "" {
			opts = append(opts, task.ID(key)) // a request that is sent again makes no second task
		}
		receipt, err := a.tasks.Fire(r.Context(), t, opts...)
		if err != nil {
			a.refuse(w, receipt, err)
			return
		}
		answer(w, http.StatusAccepted, map[string]string{"id": receipt.ID})
	}
}

func event(r *http.Request) (task.Task, error) {
	var args jobs.Event
	return read(r, &args, func() task.Task { return jobs.Analytics.With(args) })
}

func webhook(r *http.Request) (task.Task, error) {
	var args jobs.Delivery
	return read(r, &args, func() task.Task { return jobs.Webhook.With(args) })
}

func export(r *http.Request) (task.Task, error) {
	var args jobs.Table
	return read(r, &args, func() task.Task { return jobs.Export.With(args) })
}

func thumbnail(r *http.Request) (task.Task, error) {
	width, err := strconv.Atoi(r.URL.Query().Get("width"))
	if err != nil {
		return task.Task{}, badRequest{fmt.Errorf("query: width=%q is no whole number: write /thumbnails?width=200", r.URL.Query().Get("width"))}
	}
	image, err := io.ReadAll(r.Body)
	if err != nil {
		return task.Task{}, badRequest{fmt.Errorf("body: %w", err)}
	}
	args := jobs.Picture{Width: width, Image: image}
	return jobs.Thumbnail.With(args), args.Validate()
}

// read decodes the body into args, validates them and binds the task. It is strict, so that a misspelt field is told
// and not lost.
func read(r *http.Request, args interface{ Validate() error }, bind func() task.Task) (task.Task, error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(args); err != nil {
		return task.Task{}, badRequest{fmt.Errorf("body: %w", err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return task.Task{}, badRequest{errors.New("body: there is more than one JSON value")}
	}
	if err := args.Validate(); err != nil {
		return task.Task{}, err
	}
	return bind(), nil
}

// badRequest is an error of the request that is none of a task.
type badRequest struct{ error }

func (e badRequest) Unwrap() error { return e.error }

// refuse answers 400 (413 when it is the size) to input that will never do, and 503 to everything else. A task that is
// not confirmed keeps its id: whoever fires again under it makes no second task.
func (a *api) refuse(w http.ResponseWriter, receipt client.Receipt, err error) {
	body := map[string]string{"error": err.Error()}
	if errors.Is(err, client.ErrUnconfirmed) {
		body["id"] = receipt.ID
	}
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		body["error"] = fmt.Sprintf("body: too large: it may have %d bytes", tooLong.Limit)
		answer(w, http.StatusRequestEntityTooLarge, body)
	case errors.Is(err, task.ErrTooLarge):
		answer(w, http.StatusRequestEntityTooLarge, body)
	case errors.Is(err, task.ErrInvalid), errors.As(err, new(badRequest)):
		answer(w, http.StatusBadRequest, body)
	default:
		a.log.Error("task was not fired", "id", receipt.ID, "error", err)
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusServiceUnavailable, body)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody is left to tell
}
