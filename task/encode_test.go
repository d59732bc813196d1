package task_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/offloadhq/offload/task"
)

// sqsAccepts is the rule of Amazon SQS (SendMessage, MessageBody), written anew: the offset of the first character
// that it refuses, -1 if there is none.
func sqsAccepts(body []byte) int {
	for i := 0; i < len(body); {
		r, n := utf8.DecodeRune(body[i:])
		allowed := r == 0x9 || r == 0xA || r == 0xD || 0x20 <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0x10FFFF
		if !allowed || r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func TestC3_EveryUnicodeScalarValueRoundTrips(t *testing.T) {
	d := task.Define[string]("text")
	// Each value stands once beside others and once alone at the edges of its string.
	check := func(s string) {
		t.Helper()
		e, err := d.With(s).Encode("id-1", "/api", goldenTime)
		if err != nil {
			t.Fatalf("%+q: %v", s, err)
		}
		if at := sqsAccepts(e.Body()); at >= 0 {
			t.Fatalf("%+q: a queue refuses the body at byte %d: %+q", s, at, e.Body()[at:min(at+8, e.Size())])
		}
		back, err := task.Parse(e.Body())
		if err != nil {
			t.Fatalf("%+q: %v", s, err)
		}
		got, err := d.Decode(back)
		if err != nil || got != s {
			t.Fatalf("%+q came back as %+q, %v", s, got, err)
		}
	}
	values := 0
	var all strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue // a surrogate is no scalar value
		}
		values++
		all.WriteRune(r)
		if all.Len() > 32<<10 {
			check(all.String())
			all.Reset()
		}
	}
	check(all.String())
	if values != 1_112_064 {
		t.Errorf("%d scalar values, Unicode has 1,112,064", values)
	}
	for _, r := range []rune{0, '\t', '"', '\\', 0x7f, 0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1fffe, 0x10ffff} {
		check(string(r))
		check(`\` + string(r) + `\`)
		check(strings.Repeat(string(r), 3))
	}
}

// marshaler writes its bytes as they are.
type marshaler []byte

func (m marshaler) MarshalJSON() ([]byte, error) { return m, nil }

func TestC3_ForbiddenCharactersOfAMarshalerAreMended(t *testing.T) {
	for raw, want := range map[string]string{
		"\"\ufffe\uffff\"":          "\ufffe\uffff",
		"\"a\xff\xfeb\"":            "a\ufffdb",
		"\"\xed\xa0\x80\"":          "\ufffd", // a surrogate, as CESU-8 writes it
		"\"\xc0\x80\"":              "\ufffd", // an overlong NUL
		"\"\xf4\x90\x80\x80\"":      "\ufffd", // beyond U+10FFFF
		"\"cut \xe6\x97\"":          "cut \ufffd",
		"\"\\ufffe\xff\\\\\uffff\"": "\ufffe\ufffd\\\uffff",
	} {
		for kind, args := range map[string]any{"RawMessage": json.RawMessage(raw), "MarshalJSON": marshaler(raw)} {
			e, err := task.Define[any]("text").With(args).Encode("id-1", "/api", goldenTime)
			if err != nil {
				t.Errorf("%s %q: %v", kind, raw, err)
				continue
			}
			if at := sqsAccepts(e.Body()); at >= 0 {
				t.Errorf("%s %q: a queue refuses byte %d of %q", kind, raw, at, e.Body())
			}
			if got, err := task.Define[string]("text").Decode(e); err != nil || got != want {
				t.Errorf("%s %q reads as %+q, %v, want %+q", kind, raw, got, err, want)
			}
			if !json.Valid(e.Body()) || !bytes.HasSuffix(e.Body(), append(bytes.Clone(e.Data()), '}')) {
				t.Errorf("%s %q: body %q, data %q", kind, raw, e.Body(), e.Data())
			}
		}
	}
}

type node struct{ Next *node }

type panics struct{ value any }

func (p panics) MarshalJSON() ([]byte, error) { panic(p.value) }

type textPanics struct{}

func (textPanics) MarshalText() ([]byte, error) { panic("text") }

type fails struct{}

var errOwn = errors.New("own error")

func (fails) MarshalJSON() ([]byte, error) { return nil, errOwn }

func TestA16_WhatCannotBeEncodedIsATypedError(t *testing.T) {
	ring := &node{}
	ring.Next = ring
	cyclicMap := map[string]any{}
	cyclicMap["self"] = cyclicMap
	cyclicSlice := make([]any, 1)
	cyclicSlice[0] = cyclicSlice
	var nilMap map[string]int
	tests := map[string]struct {
		args any
		want string // how the error goes on after: task "any": encode TYPE:
	}{
		"NaN":                {math.NaN(), "json: unsupported value: NaN"},
		"Inf":                {math.Inf(1), "json: unsupported value: +Inf"},
		"-Inf in a struct":   {struct{ F float64 }{math.Inf(-1)}, "json: unsupported value: -Inf"},
		"chan":               {make(chan int), "json: unsupported type: chan int"},
		"func":               {func() {}, "json: unsupported type: func()"},
		"complex":            {1i, "json: unsupported type: complex128"},
		"chan in a map":      {map[string]any{"c": make(chan int)}, "json: unsupported type: chan int"},
		"map with bad keys":  {map[[1]int]int{{1}: 1}, "json: unsupported type: map[[1]int]int"},
		"cyclic pointer":     {ring, "json: unsupported value: encountered a cycle via *task_test.node"},
		"cyclic map":         {cyclicMap, "json: unsupported value: encountered a cycle via map[string]interface {}"},
		"cyclic slice":       {cyclicSlice, "json: unsupported value: encountered a cycle via []interface {}"},
		"panic with text":    {panics{"boom"}, "MarshalJSON panicked: boom"},
		"panic with error":   {panics{errOwn}, "MarshalJSON panicked: own error"},
		"panic of runtime":   {panicking(func() { nilMap["x"] = 1 }), "MarshalJSON panicked: assignment to entry in nil map"},
		"panic in text":      {textPanics{}, "MarshalJSON panicked: text"},
		"panic with nil":     {panics{nil}, "MarshalJSON panicked: panic called with nil argument"},
		"error":              {fails{}, "json: error calling MarshalJSON for type task_test.fails: own error"},
		"bad JSON":           {marshaler(`{"a":`), "json: error calling MarshalJSON for type task_test.marshaler: unexpected end of JSON input"},
		"no JSON":            {marshaler(""), "json: error calling MarshalJSON for type task_test.marshaler: unexpected end of JSON input"},
		"two values":         {json.RawMessage(`1 2`), "json: error calling MarshalJSON for type json.RawMessage: invalid character '2' after top-level value"},
		"breaking out":       {json.RawMessage(`{}},"id":"forged"`), "json: error calling MarshalJSON for type json.RawMessage: invalid character '}' after top-level value"},
		"bad json.Number":    {json.Number("1e"), `json: invalid number literal "1e"`},
		"own panic":          {appends(func([]byte) ([]byte, error) { panic("boom") }), "AppendJSON panicked: boom"},
		"own error":          {appends(func(b []byte) ([]byte, error) { return append(b, '1'), errOwn }), "AppendJSON: own error"},
		"own nothing":        {appends(func(b []byte) ([]byte, error) { return b, nil }), `AppendJSON wrote what is not JSON: ""`},
		"own two values":     {appends(func(b []byte) ([]byte, error) { return append(b, "1 2"...), nil }), `AppendJSON wrote what is not JSON: "1 2"`},
		"own breaking out":   {appends(func(b []byte) ([]byte, error) { return append(b, `{}},"id":"forged"`...), nil }), `AppendJSON wrote what is not JSON: "{}},\"id\":\"forged\""`},
		"nested beyond JSON": {json.RawMessage(strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)), "json: error calling MarshalJSON for type json.RawMessage: invalid character '[' exceeded max depth"},
	}
	d := task.Define[any]("any")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := d.With(test.args).Encode("id-1", "/api", goldenTime)
			var invalid *task.InvalidError
			if !errors.As(err, &invalid) || !errors.Is(err, task.ErrInvalid) || invalid.ID != "id-1" || invalid.Name != "any" {
				t.Fatalf("error is %#v", err)
			}
			if want := fmt.Sprintf(`task "any": encode %T: %s`, test.args, test.want); err.Error() != want {
				t.Errorf("error is\n%s, want\n%s", err, want)
			}
			if strings.Contains(test.want, errOwn.Error()) && !errors.Is(err, errOwn) {
				t.Errorf("%v hides its cause", err)
			}
			if e.ID() != "" || e.Body() != nil {
				t.Errorf("an envelope comes with the error: %s", e.Body())
			}
			// Whatever is kept for the next call must not carry anything over.
			good, err := d.With("good").Encode("id-2", "/api", goldenTime)
			if err != nil || string(good.Data()) != `"good"` || !json.Valid(good.Body()) || good.ID() != "id-2" {
				t.Errorf("the next task is %s, %v", good.Body(), err)
			}
		})
	}
}

// appends is a value whose AppendJSON is f.
type appends func(b []byte) ([]byte, error)

func (f appends) AppendJSON(b []byte) ([]byte, error) { return f(b) }

func TestArgumentsThatEncodeThemselves(t *testing.T) {
	for want, f := range map[string]appends{
		`{"a":[1,"\u2028"]}`:                     func(b []byte) ([]byte, error) { return append(b, `{"a":[1,"\u2028"]}`...), nil },
		`"` + strings.Repeat("long", 1000) + `"`: func(b []byte) ([]byte, error) { return fmt.Appendf(b, "%q", strings.Repeat("long", 1000)), nil },
		`"of its own"`:                           func([]byte) ([]byte, error) { return []byte(`"of its own"`), nil },
		`"\ufffe` + "\ufffd" + `"`:               func(b []byte) ([]byte, error) { return append(b, "\"\ufffe\xff\""...), nil },
		` 1 `:                                    func(b []byte) ([]byte, error) { return append(b, " 1 "...), nil },
	} {
		e, err := task.Define[appends]("own").With(f).Encode("id-1", "/api", goldenTime)
		if err != nil || string(e.Data()) != want || !json.Valid(e.Body()) {
			t.Errorf("%s, %v", e.Body(), err)
		}
		if back, err := task.Parse(e.Body()); err != nil || string(back.Data()) != strings.TrimSpace(want) {
			t.Errorf("parsed %s, %v", back.Data(), err)
		}
	}
}

// panicking is a value whose MarshalJSON runs f.
type panicking func()

func (f panicking) MarshalJSON() ([]byte, error) { f(); return []byte("null"), nil }

func TestA16_NestedEncodeInsideMarshalJSON(t *testing.T) {
	var inner task.Envelope
	args := panicking(func() {
		inner, _ = task.Define[string]("inner").With("in").Encode("id-in", "/api", goldenTime)
	})
	outer, err := task.Define[any]("outer").With(args).Encode("id-out", "/api", goldenTime)
	if err != nil || outer.ID() != "id-out" || string(outer.Data()) != "null" || inner.ID() != "id-in" || string(inner.Data()) != `"in"` {
		t.Errorf("outer %s, inner %s, %v", outer.Body(), inner.Body(), err)
	}
}

func TestEnvelopesShareNothing(t *testing.T) {
	d := task.Define[[]string]("list")
	args := []string{"before"}
	bound := d.With(args)
	const goroutines = 8
	envelopes := make([]task.Envelope, goroutines*100)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range 100 {
				id := fmt.Sprintf("g%d-%d", g, i)
				e, err := bound.Encode(id, "/api", goldenTime, task.Header("n", id))
				if err != nil {
					t.Error(err)
				}
				envelopes[g*100+i] = e
			}
		})
	}
	wg.Wait()
	args[0] = "after" // what changes after the firing does not reach the task
	for i, e := range envelopes {
		id := fmt.Sprintf("g%d-%d", i/100, i%100)
		back, err := task.Parse(e.Body())
		if err != nil || back.ID() != id || back.Headers()["n"] != id || string(back.Data()) != `["before"]` {
			t.Fatalf("envelope %s is %s, %v", id, e.Body(), err)
		}
	}
}

func TestHTMLIsNotEscaped(t *testing.T) {
	e, err := task.Define[string]("html").With("<a&b>").Encode("id-1", "/api", goldenTime)
	if err != nil || string(e.Data()) != `"<a&b>"` {
		t.Errorf("data %s, %v", e.Data(), err)
	}
}

// TestEncodeIntoTakesTheRoomThatItIsGiven, and no other.
func TestEncodeIntoTakesTheRoomThatItIsGiven(t *testing.T) {
	d := task.Define[string]("room")
	for _, size := range []int{0, 1, 100, 4000} {
		for _, capacity := range []int{0, 10, 400, 5000} {
			memory := bytes.Repeat([]byte{'#'}, capacity+8)
			want, err := d.With(strings.Repeat("x", size)).Encode("id-1", "/api", goldenTime)
			if err != nil {
				t.Fatal(err)
			}
			var e task.Envelope
			err = d.With(strings.Repeat("x", size)).EncodeInto(&e, memory[:0:capacity], "id-1", "/api", goldenTime)
			if err != nil || !bytes.Equal(e.Body(), want.Body()) || !bytes.Equal(e.Data(), want.Data()) {
				t.Errorf("%d bytes of room: %s, %v", capacity, e.Body(), err)
			}
			if inside := &e.Body()[0] == &memory[0]; inside != (capacity >= e.Size()) {
				t.Errorf("%d bytes of room for %d: taken %t", capacity, e.Size(), inside)
			}
			if string(memory[capacity:]) != "########" {
				t.Errorf("%d bytes of room for %d: more was written", capacity, e.Size())
			}
			kept := e
			if err := d.With("\x00").EncodeInto(&e, nil, "id 1", "/api", goldenTime); err == nil || e.ID() != kept.ID() || string(e.Body()) != string(kept.Body()) {
				t.Errorf("after the error %v the envelope is %s", err, e.Body())
			}
		}
	}
}

// own is an order that encodes itself.
type own struct{ order }

func (o *own) AppendJSON(b []byte) ([]byte, error) {
	b = strconv.AppendInt(append(b, `{"id":`...), o.ID, 10)
	return append(b, '}'), nil
}

func TestEncodeIntoAllocatesNothing(t *testing.T) {
	allocatesNothing(t, task.Define[*own]("order.own").With(&own{sampleOrder}))
}

// allocatesNothing fails if the task allocates when it is encoded into memory that is there.
func allocatesNothing(t *testing.T, bound task.Task) {
	t.Helper()
	var e task.Envelope
	room := make([]byte, 0, 1024)
	allocations := testing.AllocsPerRun(200, func() {
		if err := bound.EncodeInto(&e, room, "id-1", "/shop/api", goldenTime); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 0 && !raceEnabled {
		t.Errorf("%v allocations a task", allocations)
	}
}

func TestEncodeAllocatesLittle(t *testing.T) {
	bound := task.Define[order]("order.ship").With(sampleOrder)
	allocations := testing.AllocsPerRun(200, func() {
		if _, err := bound.Encode("id-1", "/shop/api", goldenTime); err != nil {
			t.Fatal(err)
		}
	})
	if limit := 2.0; allocations > limit && !raceEnabled {
		t.Errorf("%v allocations a task, limit %v", allocations, limit)
	}
}
