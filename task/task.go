package task

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Task is a definition with arguments, not yet fired. It is an ordinary value; the zero Task is refused when fired.
type Task struct {
	def  *definition
	args any
}

// JSONAppender is implemented by arguments that encode themselves, for tasks that are fired so often that the time of
// an encoding by reflection counts. Define such a task for a pointer type, and a firing allocates nothing.
type JSONAppender interface {
	// AppendJSON appends one JSON value to b and returns the extended slice; it must not keep b. The value must be what
	// encoding/json decodes into the same arguments. It is checked to be JSON, and refused if it is not. It is called
	// for a nil pointer too.
	AppendJSON(b []byte) ([]byte, error)
}

// Name is the task name; "" for the zero Task.
func (t Task) Name() string {
	if t.def == nil {
		return ""
	}
	return t.def.name
}

// Class is the queue class of the definition, which the option [Queue] of a firing may change; "" for the zero Task.
func (t Task) Class() string {
	if t.def == nil {
		return ""
	}
	return t.def.policy.Class
}

// Encode makes the wire form. It is what clients call; programs call Fire. id is the task id unless the option [ID]
// gives another; source is the CloudEvents source, a URI reference that names the firing service; now is the time of
// the firing.
//
// Arguments become what encoding/json writes, without HTML escaping, unless they encode themselves ([JSONAppender]).
// Characters that Amazon SQS refuses become escapes. What cannot be encoded (a channel, a function, NaN, a cycle, a method
// that fails or panics) is an error, never a panic. Every error is an [*InvalidError] and matches [ErrInvalid]; a chain of
// more than [MaxHops] tasks matches [ErrHops].
func (t Task) Encode(id, source string, now time.Time, opts ...FireOption) (Envelope, error) {
	var e Envelope
	err := t.EncodeInto(&e, nil, id, source, now, opts...)
	return e, err
}

// EncodeInto is [Task.Encode] that sets e, and takes the memory of room for the body, from its beginning, if that suffices. It
// is for clients that know when nobody reads an earlier envelope in that memory any more. After an error e is not changed.
func (t Task) EncodeInto(e *Envelope, room []byte, id, source string, now time.Time, opts ...FireOption) error {
	if t.def == nil {
		return &InvalidError{Err: errors.New("a zero task.Task: make tasks with Definition.With")}
	}
	x := encoders.Get().(*encoder)
	x.firing = firing{id: id, now: now, class: t.def.policy.Class, expires: t.def.policy.Expires}
	if err := x.envelope(e, room, t, source, opts); err != nil {
		// The encoder is not used again: a panic may have left it torn.
		return &InvalidError{Name: t.def.name, ID: x.firing.id, Err: err}
	}
	if max(cap(x.text), x.buf.Cap()) <= maxPooled {
		encoders.Put(x)
	}
	return nil
}

// envelope applies the options and writes the event.
func (x *encoder) envelope(e *Envelope, room []byte, t Task, source string, opts []FireOption) error {
	f := &x.firing
	for _, o := range opts {
		if o == nil {
			continue
		}
		if err := o.fire(f); err != nil {
			return err
		}
	}
	f.carryTrace()
	if err := f.check(); err != nil {
		return err
	}
	if err := x.from(source, t.def.name); err != nil {
		return err
	}
	fired := time.UnixMicro(f.now.UnixMicro()).UTC()
	extras := f.extras(fired)
	body, data, err := x.write(room, fired, extras, t)
	if err != nil {
		return fmt.Errorf("encode %T: %w", t.args, err)
	}
	*e = Envelope{id: f.id, name: t.def.name, source: source, class: f.class, time: fired, body: body, data: data, extras: extras}
	return nil
}

// extras are what the options have set; nil if that is nothing.
func (f *firing) extras(fired time.Time) *extras {
	if f.expires == 0 && f.hops == 0 && f.maxAttempts == 0 && f.timeout == 0 && len(f.headers) == 0 && f.delay == 0 {
		return nil
	}
	x := &extras{hops: f.hops, maxAttempts: f.maxAttempts, timeout: f.timeout, headers: f.headers, delay: f.delay, since: f.now}
	if f.expires > 0 {
		x.expires = fired.Add(f.expires)
	}
	return x
}

// check judges what the options and the caller of Encode say together.
func (f *firing) check() error {
	if err := checkID(f.id); err != nil {
		return err
	}
	if f.hops > MaxHops {
		return fmt.Errorf("hop %d: %w: tasks have fired each other %d times in a row", f.hops, ErrHops, MaxHops)
	}
	if f.expires > 0 && f.delay >= f.expires {
		return fmt.Errorf("delay %v: not before the task expires, %v after its firing", f.delay, f.expires)
	}
	if s := f.now.Unix(); s < firstSecond || s > lastSecond || f.expires > 0 && f.now.Add(f.expires).Unix() > lastSecond {
		return fmt.Errorf("time %v: RFC 3339 has the years 0 to 9999 only: check the clock of this host", f.now.UTC())
	}
	return nil
}

// The seconds that RFC 3339 can write: those of the years 0 to 9999.
var (
	firstSecond = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastSecond  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

func checkSource(source string) error {
	if source == "" {
		return errors.New(`source "": is empty`)
	}
	plain := true // a path of plain characters is a URI reference, and what most sources are
	for _, r := range source {
		if r <= 0x20 || r >= 0x7f || r == '"' || r == '\\' {
			return fmt.Errorf("source %q: is not a URI reference: holds %q", source, r)
		}
		plain = plain && (r == '/' || isPlain(byte(r)))
	}
	if plain {
		return nil
	}
	if _, err := url.Parse(source); err != nil {
		return fmt.Errorf("source %q: is not a URI reference: %w", source, err)
	}
	return nil
}
