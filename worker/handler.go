package worker

import (
	"context"

	"github.com/offloadhq/offload/transport"
)

// Handler runs one delivery. Programs write typed functions and register them with [Handle]; this is the form that
// middleware sees. The context carries task.Info and ends at the attempt's timeout or at the invocation's margin,
// whichever is first; context.Cause tells which ([ErrTimeout], [ErrDeadline]). A Handler must be safe for concurrent use.
type Handler interface {
	Handle(ctx context.Context, d transport.Delivery) error
}

// HandlerFunc makes a Handler of a function.
type HandlerFunc func(ctx context.Context, d transport.Delivery) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, d transport.Delivery) error { return f(ctx, d) }

// Middleware wraps a Handler in another. It is called once, when the handler is registered; the Handler that it
// returns is called for every delivery, concurrently. The first middleware is the outermost, and those of the [Mux]
// stand around those of the handler:
//
//	NewMux(a, b)   Handle(mux, def, h, c)
//
//	delivery ──► a ──► b ──► c ──► decode ──► h
//	   error ◄── a ◄── b ◄── c ◄────────────◄─┘
//
// A middleware may answer without calling the next Handler, replace the error, or call it with another context. If it
// replaces the delivery's body, the arguments are decoded from the new one.
type Middleware func(Handler) Handler

// compose puts h inside the middleware, the first outermost.
func compose(h Handler, mw []Middleware) Handler {
	for i := len(mw) - 1; i >= 0; i-- {
		if mw[i] != nil {
			h = mw[i](h)
		}
	}
	return h
}
