package task

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"reflect"
	"strings"
	"sync"

	"github.com/offloadhq/offload/internal/plainjson"
)

// MaxNameLen is the longest task name, in bytes.
const MaxNameLen = 128

// Definition binds a task name to the type of its arguments and to defaults. It is a small value: copy it, share it
// between goroutines. The zero Definition is not usable; make one with [Define].
type Definition[T any] struct{ d *definition }

type definition struct {
	name   string
	policy Policy
	args   reflect.Type

	once  sync.Once          // of the next
	plain *plainjson.Encoder // of args; nil if that type needs encoding/json
}

// encoder is made at the first firing: a program that fires nothing does not even link it.
func (d *definition) encoder() *plainjson.Encoder {
	d.once.Do(func() { d.plain = plainjson.For(d.args) })
	return d.plain
}

// Definable is any Definition, whatever its argument type. Clients and workers take it where only the name and the
// policy matter.
type Definable interface {
	Name() string
	Policy() Policy
}

// Define declares a kind of task. The name is matched exactly, on both sides, for as long as tasks of that name may
// exist: it is part of the wire format. It is 1 to [MaxNameLen] bytes of ASCII letters, digits, '.', '_' and '-', and
// starts with a letter; the custom is "noun.verb". To rename a definition, keep the old name with [Aliases].
//
// Define panics on a bad name or a bad option, as regexp.MustCompile does: a definition is a package-level variable
// and a mistake in it is a mistake in the program.
func Define[T any](name string, opts ...DefineOption) Definition[T] {
	if err := checkName(name); err != nil {
		panic(fmt.Sprintf("task.Define: %v", err))
	}
	p := defaultPolicy()
	for _, o := range opts {
		if o == nil {
			continue
		}
		if err := o.define(&p); err != nil {
			panic(fmt.Sprintf("task.Define: task %q: %v", name, err))
		}
	}
	return Definition[T]{&definition{name: name, policy: p, args: reflect.TypeFor[T]()}}
}

// Name is the task name given to [Define]; "" for the zero Definition.
func (d Definition[T]) Name() string {
	if d.d == nil {
		return ""
	}
	return d.d.name
}

// Policy is the definition's policy with the documented defaults filled in. The caller may change the copy.
func (d Definition[T]) Policy() Policy {
	if d.d == nil {
		return Policy{}
	}
	return d.d.policy.clone()
}

// With binds arguments. It cannot fail: encoding, and so every refusal, happens when the task is fired. The arguments
// are read during that call only; what is changed afterwards does not reach the task.
func (d Definition[T]) With(args T) Task { return Task{def: d.d, args: args} }

// Decode reads the arguments from an envelope with encoding/json: unknown fields are ignored, so that a newer host
// may add some, and a number where T has an interface is a [json.Number], so that large ones keep every digit. A
// failure is [Permanent], because the same bytes will not decode next time either, and names the
// task. The name of the envelope is not compared: a worker has matched it, perhaps by an alias.
func (d Definition[T]) Decode(e Envelope) (T, error) {
	var args T
	if err := decodeData(e, &args); err != nil {
		var zero T
		return zero, Permanent(fmt.Errorf("task %q: decode %T: %w", e.name, zero, err))
	}
	return args, nil
}

func decodeData(e Envelope, into any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicError("UnmarshalJSON", r)
		}
	}()
	if contentType := e.rest().contentType; !isJSON(contentType) {
		return fmt.Errorf("datacontenttype %q is not JSON", contentType)
	}
	if _, elsewhere := e.Payload(); elsewhere {
		return errors.New("the data was not read from its payload (transport/claimcheck.Resolver does)")
	}
	if e.data == nil {
		return errors.New("the envelope has no data")
	}
	dec := json.NewDecoder(bytes.NewReader(e.data))
	dec.UseNumber()
	return dec.Decode(into)
}

// panicError tells of a panic in the program's own method; a panic with an error stays recognisable.
func panicError(method string, r any) error {
	if err, ok := r.(error); ok {
		return fmt.Errorf("%s panicked: %w", method, err)
	}
	return fmt.Errorf("%s panicked: %v", method, r)
}

// isJSON follows the CloudEvents JSON format, "Payload Serialization": the subtype is json or ends in +json.
func isJSON(contentType string) bool {
	if contentType == "" || contentType == contentTypeJSON {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasSuffix(t, "/json") || strings.HasSuffix(t, "+json"))
}

func checkName(name string) error {
	if name == "" {
		return errors.New(`task name "": is empty`)
	}
	if len(name) > MaxNameLen {
		return fmt.Errorf("task name %q: is longer than %d bytes", name, MaxNameLen)
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !isPlain(c)) {
			return fmt.Errorf("task name %q: a name starts with a letter and holds letters, digits, '.', '_' and '-' only", name)
		}
	}
	return nil
}

// isPlain reports the bytes that names and ids may hold: they need no escape in JSON, in a queue or in a file name.
func isPlain(c byte) bool { return plain[c] }

var plain = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") {
		t[c] = true
	}
	return t
}()
