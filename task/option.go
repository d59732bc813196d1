package task

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// DefineOption sets a default of a definition. The interface is sealed: only this package makes options.
type DefineOption interface{ define(*Policy) error }

// FireOption changes one firing. The interface is sealed: only this package makes options.
type FireOption interface{ fire(*firing) error }

// Option may stand in both places: in [Define] as the default, in a firing for that one task.
type Option interface {
	DefineOption
	FireOption
}

// firing collects what the options of one firing say.
type firing struct {
	id          string
	now         time.Time
	class       string
	delay       time.Duration
	expires     time.Duration
	maxAttempts int
	timeout     time.Duration
	hops        int
	headers     []header
	trace       trace
}

// trace is a W3C trace context: the values of traceparent and tracestate.
type trace struct{ parent, state string }

type header struct{ key, value string }

type defineFunc func(*Policy) error

func (f defineFunc) define(p *Policy) error { return f(p) }

type fireFunc func(*firing) error

func (f fireFunc) fire(x *firing) error { return f(x) }

type bothOption struct {
	defineFunc
	fireFunc
}

// MaxAttempts sets how often the task is tried in all, the first try included: 1 to 1000. The queue has a limit of its
// own (maxReceiveCount, 15 in the template): a worker refuses at start a definition that asks for more, and the queue's
// redrive ends a task that was fired with more.
func MaxAttempts(n int) Option {
	check := func() error {
		if n < 1 || n > 1000 {
			return fmt.Errorf("MaxAttempts(%d): must be 1 to 1000", n)
		}
		return nil
	}
	return bothOption{
		func(p *Policy) error { p.MaxAttempts = n; return check() },
		func(f *firing) error { f.maxAttempts = n; return check() },
	}
}

// Timeout bounds one attempt: 1 ms to 24 h, in whole milliseconds (a rest is cut off). The handler's context ends after
// it. It never extends the deadline of the invocation, which on Lambda is the function's timeout.
func Timeout(d time.Duration) Option {
	check := func() error {
		if d < time.Millisecond || d > 24*time.Hour {
			return fmt.Errorf("Timeout(%v): must be 1ms to 24h", d)
		}
		return nil
	}
	return bothOption{
		func(p *Policy) error { p.Timeout = d.Truncate(time.Millisecond); return check() },
		func(f *firing) error { f.timeout = d.Truncate(time.Millisecond); return check() },
	}
}

// Queue routes the task to a queue class: "" (standard) or up to 64 of a–z, 0–9 and '-'. The client maps classes to
// transports (client.Options.Routes) and refuses a class that has none.
func Queue(class string) Option {
	return bothOption{
		func(p *Policy) error { p.Class = class; return checkClass(class) },
		func(f *firing) error { f.class = class; return checkClass(class) },
	}
}

// Expires sets how long after its firing the task may still start: more than 0, at most 14 days (the longest that a
// queue keeps a message). A worker that finds it too late moves it to the dead-letter queue with the reason "expired".
// The clocks of host and worker are compared, so allow for their difference.
func Expires(d time.Duration) Option {
	check := func() error {
		if d <= 0 || d > 14*24*time.Hour {
			return fmt.Errorf("Expires(%v): must be more than 0 and at most 14 days", d)
		}
		return nil
	}
	return bothOption{
		func(p *Policy) error { p.Expires = d; return check() },
		func(f *firing) error { f.expires = d; return check() },
	}
}

// Backoff sets the waits between attempts; see [Exponential] and [Constant].
func Backoff(policy BackoffFunc) DefineOption {
	return defineFunc(func(p *Policy) error {
		if policy == nil {
			return errors.New("Backoff(nil): needs a function")
		}
		p.Backoff = policy
		return nil
	})
}

// Aliases lists older names under which tasks of this definition may still arrive. A worker handles them as it
// handles the name; a client always writes the name.
func Aliases(old ...string) DefineOption {
	old = slices.Clone(old)
	return defineFunc(func(p *Policy) error {
		for _, name := range old {
			if err := checkName(name); err != nil {
				return fmt.Errorf("Aliases: %w", err)
			}
		}
		p.Aliases = append(p.Aliases, old...)
		return nil
	})
}

// Delay keeps the task from starting for d. The transport must allow it: Amazon SQS takes up to 15 minutes, in whole
// seconds (a rest counts as a second); the asynchronous Lambda road takes none. Negative delays are refused.
func Delay(d time.Duration) FireOption {
	return fireFunc(func(f *firing) error {
		if d < 0 {
			return fmt.Errorf("Delay(%v): must not be negative", d)
		}
		f.delay = d
		return nil
	})
}

// At is [Delay] until t by the clock of the host. A time that has passed means now.
func At(t time.Time) FireOption {
	return fireFunc(func(f *firing) error {
		f.delay = max(0, t.Sub(f.now))
		return nil
	})
}

// ID gives the task an id instead of a new one: 1 to 64 of letters, digits, '.', '_' and '-'. Use it to fire again,
// with the id of the receipt, a task whose first firing is unconfirmed: both copies are then one task to whoever
// deduplicates.
func ID(id string) FireOption {
	return fireFunc(func(f *firing) error {
		f.id = id
		return checkID(id)
	})
}

// Header adds a CloudEvents extension attribute, which the handler finds in [Info].Headers. The key is 1 to 20 of a–z
// and 0–9, and none of the attributes that CloudEvents or Offload define themselves; the value is valid UTF-8
// without control characters. A second Header with the same key replaces the first. (CloudEvents 1.0.2, "Naming Conventions" and "Type System".)
func Header(key, value string) FireOption {
	return fireFunc(func(f *firing) error {
		if err := checkHeader(key, value); err != nil {
			return err
		}
		f.setHeader(key, value)
		return nil
	})
}

// setHeader keeps keys unique, as JSON and readers want them: the last option wins.
func (f *firing) setHeader(key, value string) {
	if i := f.header(key); i >= 0 {
		f.headers[i].value = value
		return
	}
	f.headers = append(f.headers, header{key, value})
}

func (f *firing) header(key string) int {
	return slices.IndexFunc(f.headers, func(h header) bool { return h.key == key })
}

// Trace says which trace the task belongs to, in the words of W3C Trace Context: it becomes the headers traceparent and
// tracestate, unless the firing has a [Header] traceparent of its own, wherever that stands; the two always come from
// the same place. It is for instrumentation. A value that no header may have is left out, not a reason to fail. A second
// Trace replaces the first.
func Trace(traceparent, tracestate string) FireOption {
	return fireFunc(func(f *firing) error {
		f.trace = traceOf(traceparent, tracestate)
		return nil
	})
}

// CausedBy marks the task as fired by the task that info describes: the hop count goes one up and the trace context
// (traceparent, tracestate) is carried on unless the firing sets its own, as a header or with [Trace]. A client does this
// by itself when the context it is given is that of a handler.
func CausedBy(info Info) FireOption {
	return fireFunc(func(f *firing) error {
		f.hops = max(info.Hops, 0) + 1
		if f.trace.parent == "" {
			f.trace = traceOf(info.Headers[attrTraceParent], info.Headers[attrTraceState])
		}
		return nil
	})
}

func traceOf(parent, state string) trace {
	if parent == "" || checkHeader(attrTraceParent, parent) != nil {
		return trace{}
	}
	if checkHeader(attrTraceState, state) != nil {
		state = ""
	}
	return trace{parent, state}
}

// carryTrace is done when all options have spoken. A tracestate belongs to its traceparent only.
func (f *firing) carryTrace() {
	if f.trace.parent == "" || f.header(attrTraceParent) >= 0 {
		return
	}
	f.setHeader(attrTraceParent, f.trace.parent)
	if f.trace.state != "" && f.header(attrTraceState) < 0 {
		f.setHeader(attrTraceState, f.trace.state)
	}
}

func checkClass(class string) error {
	if len(class) > 64 {
		return fmt.Errorf("Queue(%q): is longer than 64 bytes", class)
	}
	for i := range len(class) {
		if c := class[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("Queue(%q): a class holds a–z, 0–9 and '-' only", class)
		}
	}
	return nil
}

func checkID(id string) error {
	if id == "" || len(id) > 64 {
		return fmt.Errorf("ID(%q): must be 1 to 64 bytes", id)
	}
	for i := range len(id) {
		if !isPlain(id[i]) {
			return fmt.Errorf("ID(%q): holds letters, digits, '.', '_' and '-' only", id)
		}
	}
	return nil
}

func checkHeader(key, value string) error {
	if key == "" || len(key) > 20 {
		return fmt.Errorf("Header(%q): the key must be 1 to 20 bytes", key)
	}
	for i := range len(key) {
		if c := key[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return fmt.Errorf("Header(%q): the key holds a–z and 0–9 only", key)
		}
	}
	if reserved(key) {
		return fmt.Errorf("Header(%q): the key is defined by CloudEvents or Offload", key)
	}
	if !utf8.ValidString(value) {
		return fmt.Errorf("Header(%q): the value is not valid UTF-8", key)
	}
	for _, r := range value {
		if r < 0x20 || 0x7f <= r && r <= 0x9f || r&0xfffe == 0xfffe || 0xfdd0 <= r && r <= 0xfdef {
			return fmt.Errorf("Header(%q): the value holds the forbidden character %U", key, r)
		}
	}
	return nil
}
