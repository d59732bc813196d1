package worker

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// Mux finds the handler of a task by its name, which it matches exactly. Register everything before [New]; a Mux is
// not safe for concurrent use, and a Worker does not see what is registered after it was made.
type Mux struct {
	middleware []Middleware
	routes     map[string]route
}

// route is a handler with its middleware around it, and the policy of its definition.
type route struct {
	name    string // of the definition; the task may have come by an alias
	policy  task.Policy
	handler Handler
}

// NewMux returns an empty Mux. The middleware stands around every handler that is registered; the first is the
// outermost. A nil Middleware is skipped.
func NewMux(mw ...Middleware) *Mux {
	return &Mux{middleware: slices.Clone(mw), routes: map[string]route{}}
}

// Handle registers h for the tasks of d, under its name and its aliases, inside the given middleware and that of the
// Mux. Arguments that do not decode are a permanent error. Tasks run concurrently, so h must be safe for that.
//
// Handle panics, naming the task, if the name or an alias has a handler already, if d is the zero Definition, or if m or
// h is nil: like a route of a web server, a mistake here is one of the program.
func Handle[T any](m *Mux, d task.Definition[T], h func(context.Context, T) error, mw ...Middleware) {
	switch {
	case m == nil:
		panic(fmt.Sprintf("worker.Handle: task %q: the Mux is nil: make one with NewMux", d.Name()))
	case d.Name() == "":
		panic("worker.Handle: a zero task.Definition: make definitions with task.Define")
	case h == nil:
		panic(fmt.Sprintf("worker.Handle: task %q: the handler is nil", d.Name()))
	}
	m.add(d, typed[T]{d, h}, mw)
}

func (m *Mux) add(d task.Definable, h Handler, mw []Middleware) {
	r := route{name: d.Name(), policy: d.Policy(), handler: compose(compose(h, mw), m.middleware)}
	for _, name := range append([]string{d.Name()}, r.policy.Aliases...) {
		if other, ok := m.routes[name]; ok {
			panic(fmt.Sprintf("worker.Handle: task %q: the name %q has a handler already, that of task %q", d.Name(), name, other.name))
		}
		m.routes[name] = r
	}
}

// typed is the innermost Handler: it decodes the arguments and isolates the user's function.
type typed[T any] struct {
	definition task.Definition[T]
	function   func(context.Context, T) error
}

func (t typed[T]) Handle(ctx context.Context, d transport.Delivery) error {
	envelope, err := envelopeOf(ctx, d)
	if err != nil {
		return task.Permanent(err)
	}
	args, err := t.definition.Decode(envelope)
	if err != nil {
		return err
	}
	return isolate(ctx, func(ctx context.Context) error { return t.function(ctx, args) })
}

type envelopeKey struct{}

// envelopeOf returns the envelope that the executor has parsed already, with its data, unless a middleware gave d another body.
func envelopeOf(ctx context.Context, d transport.Delivery) (task.Envelope, error) {
	if e, ok := ctx.Value(envelopeKey{}).(*task.Envelope); ok {
		if b := e.Body(); len(b) > 0 && bytes.Equal(b, d.Body) {
			return *e, nil
		}
	}
	return task.Parse(d.Body)
}
