// Package analytics is the handler of jobs.Analytics: one object for each event, so that a duplicate changes nothing.
//
// The object is analytics/<task id>.json: one line of JSON, such as
//
//	{"id":"01K0…","name":"signup","at":"2026-07-12T12:00:00Z","source":"web","properties":{"plan":"pro"}}
//
// properties is absent when the event has none, and otherwise as it was written, without insignificant space. The same
// event gives the same bytes however often it runs. An event without a time of its own takes the time of its firing.
package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

// Handler records events. Make one with [New]. It is safe for concurrent use if its store is.
type Handler struct{ store jobs.Store }

// New returns a handler that records into store.
func New(store jobs.Store) *Handler { return &Handler{store} }

// Handle stores the event. Bad arguments are permanent; errors of the store are as the store marks them.
func (h *Handler) Handle(ctx context.Context, e jobs.Event) error {
	info, err := jobs.Begin(ctx, e)
	if err != nil {
		return err
	}
	object, err := encode(info, e)
	if err != nil {
		return task.Permanent(fmt.Errorf("event %q: encode: %w", info.ID, err))
	}
	if err := h.store.Put(ctx, jobs.AnalyticsPrefix+info.ID+".json", bytes.NewReader(object)); err != nil {
		return fmt.Errorf("event %q: %w", info.ID, err)
	}
	return nil
}

type record struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	At         time.Time       `json:"at"`
	Source     string          `json:"source"`
	Properties json.RawMessage `json:"properties,omitempty"`
}

func encode(info task.Info, e jobs.Event) ([]byte, error) {
	at := e.At
	if at.IsZero() {
		at = info.FiredAt
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(record{info.ID, e.Name, at.UTC(), info.Source, e.Properties})
	return b.Bytes(), err
}
