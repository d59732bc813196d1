package otelclient

import (
	"context"
	"errors"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// named are the errors with an error.type of their own; the first that matches counts.
var named = []struct {
	err  error
	name string
}{
	{task.ErrTooLarge, "too_large"},
	{task.ErrDelay, "delay"},
	{task.ErrHops, "hops"},
	{task.ErrInvalid, "invalid"},
	{client.ErrBufferFull, "buffer_full"},
	{client.ErrClosed, "closed"},
	{client.ErrNoRoute, "no_route"},
}

// late are those that a more particular cause goes before.
var late = []struct {
	err  error
	name string
}{
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "canceled"},
	{transport.ErrNoResult, "no_result"},
}

// errorType is the error.type of an error: few values, and nothing of a task in them.
func errorType(err error) string {
	for _, n := range named {
		if errors.Is(err, n.err) {
			return n.name
		}
	}
	e, ok := errors.AsType[*transport.Error](err)
	if ok && e.Code != "" {
		return e.Code
	}
	for _, n := range late {
		if errors.Is(err, n.err) {
			return n.name
		}
	}
	switch {
	case ok:
		return e.Kind.String()
	case errors.Is(err, client.ErrUnconfirmed):
		return "unconfirmed"
	case errors.Is(err, client.ErrNotSent):
		return "not_sent"
	}
	return semconv.ErrorType(err).Value.AsString()
}

// describe is the text of a span's status. It is made of what the transport says for certain: a service may quote the
// body that it refuses in its message, and an encoder the argument that it cannot encode.
func describe(err error, kind string) string {
	e, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return kind
	}
	text := kind
	if e.Target != "" {
		text = e.Target + ": " + kind
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}
