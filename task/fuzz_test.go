package task_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/offloadhq/offload/task"
)

// fuzzSeeds are events, nearly events and hostile ones.
func fuzzSeeds(f *testing.F) [][]byte {
	files, err := filepath.Glob("testdata/golden/v*/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	var seeds [][]byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, b, b[:len(b)/2], bytes.ReplaceAll(b, []byte(":"), []byte(" :\n")), bytes.ToUpper(b))
	}
	for _, more := range []string{
		"", `,"offloadreader":2`, `,"offloadreader":3`, `,"offloadreader":-1`, `,"offloadattempt":2147483647`, `,"offloadattempt":2147483648`,
		`,"offloadhops":null`, `,"offloadtimeout":0.0`, `,"time":"0000-01-01T00:00:00Z"`, `,"time":"9999-12-31T23:59:59.999999999-23:59"`,
		`,"time":"2026-03-01t12:30:45z"`, `,"expirytime":""`, `,"ID":"2"`, `,"\u0069\u0064":"2"`, `,"ſource":"x"`, `,"":1`, `,"\u0000":1`,
		`,"x":"\ud800"`, `,"x":"\ud83d\ude00"`, "\u002c\"x\":\"\xff\"", ",\"\xff\":1,\"\xfe\":2", `,"x":-0`, `,"x":1E+2`, `,"x":[[[{}]]]`, `,"x":"\\"`,
		`,"x":"\\\""`, `,"data_base64":""`, `,"dataref":"s3://b/k"`, `,"dataref":null,"offloadlength":7`, `,"offloadencoding":"gzip"`, `,"x":true,"y":false`, "\t\r\n ", `,"datacontenttype":"text/plain"`,
	} {
		seeds = append(seeds, eventWith(more))
	}
	for _, raw := range []string{"", "{}", "[]", "null", `"`, "{", `{"":`, `{"a":1,}`, "\x00", "{}{}", strings.Repeat("[", 100)} {
		seeds = append(seeds, []byte(raw))
	}
	if len(seeds) < 50 {
		f.Fatalf("%d seeds", len(seeds))
	}
	return seeds
}

// FuzzParse: no input panics, and what Parse takes is what other readers of the same bytes see.
func FuzzParse(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := task.Parse(body)
		if errors.Is(err, task.ErrMalformed) {
			if e.ID() != "" || e.Body() != nil {
				t.Fatalf("an envelope comes with %v", err)
			}
			return
		}
		if err != nil && !errors.Is(err, task.ErrNewerEnvelope) {
			t.Fatalf("untyped error %v", err)
		}
		if e.ID() == "" || e.Name() == "" {
			t.Fatalf("id %q, name %q", e.ID(), e.Name())
		}
		agreesWithEncodingJSON(t, e)
		if err != nil {
			return
		}
		agreesWithCloudEvents(t, e)
		again, err := e.Again(e.Attempts()/2+1, time.Second, goldenTime)
		if err != nil {
			t.Fatalf("does not go again: %v", err)
		}
		if again.ID() != e.ID() || again.Name() != e.Name() || again.Attempts() != e.Attempts()/2+1 {
			t.Fatalf("%s goes again as %s", body, again.Body())
		}
		goesWithoutItsData(t, e)
		if utf8.Valid(e.Data()) && !bytes.ContainsAny(e.Data(), "\ufffe\uffff") && !bytes.Equal(again.Data(), e.Data()) {
			t.Fatalf("data %q goes again as %q", e.Data(), again.Data())
		}
		if at := sqsAccepts(again.Body()); at >= 0 && sqsAccepts(body) < 0 {
			t.Fatalf("a queue refuses byte %d of %q", at, again.Body())
		}
	})
}

// goesWithoutItsData: the data of any event can be taken out of it, once or twice, and the rest stays.
func goesWithoutItsData(t *testing.T, e task.Envelope) {
	t.Helper()
	for _, p := range []task.Payload{{Ref: "a/b", Digest: "d", Length: 1}, {Inline: []byte("zz"), Encoding: task.Gzip}} {
		small, err := e.WithPayload(p)
		if err != nil {
			t.Fatalf("%s: %v", e.Body(), err)
		}
		back, err := task.Parse(small.Body())
		got, elsewhere := back.Payload()
		if err != nil || !elsewhere || got.Ref != p.Ref || got.Digest != p.Digest || got.Length != p.Length || got.Encoding != p.Encoding || !bytes.Equal(got.Inline, p.Inline) {
			t.Fatalf("%s without its data is %s (%v)", e.Body(), small.Body(), err)
		}
		if back.ID() != e.ID() || back.Name() != e.Name() || back.Attempts() != e.Attempts() || len(back.Headers()) != len(e.Headers()) || back.Data() != nil {
			t.Fatalf("%s without its data is %s", e.Body(), small.Body())
		}
		e = back
	}
}

// agreesWithEncodingJSON: a reader that uses the standard library, and so ignores case and takes the last of doubled
// keys, must see the same task.
func agreesWithEncodingJSON(t *testing.T, e task.Envelope) {
	t.Helper()
	var plain struct {
		ID, Type, Source string
		Data             json.RawMessage
	}
	if err := json.Unmarshal(e.Body(), &plain); err != nil {
		if errors.As(err, new(*json.UnmarshalTypeError)) && e.Source() == "" {
			return // a newer envelope may have another kind of source
		}
		t.Fatalf("encoding/json refuses %q: %v", e.Body(), err)
	}
	if plain.ID != e.ID() || plain.Type != e.Name() || plain.Source != e.Source() || !bytes.Equal(plain.Data, e.Data()) {
		t.Fatalf("encoding/json reads %+v from %q", plain, e.Body())
	}
}

// agreesWithCloudEvents: where the official SDK reads the event too, it must be the same one. (It refuses more: extension
// values of no CloudEvents type, say.)
func agreesWithCloudEvents(t *testing.T, e task.Envelope) {
	t.Helper()
	var ce cloudevents.Event
	if json.Unmarshal(e.Body(), &ce) != nil {
		return
	}
	if ce.ID() != e.ID() || ce.Type() != e.Name() {
		t.Fatalf("the SDK reads id %q and type %q from %q", ce.ID(), ce.Type(), e.Body())
	}
}

// FuzzRoundTrip: what is fired arrives, in characters that a queue takes.
func FuzzRoundTrip(f *testing.F) {
	for i, text := range []string{
		"", "hi", "日本", "\x00\x1f\x7f", "\ufffe\uffff", "\xff\xfe", `\`, `"`, `\"`, "\u2028\u2029", "<&>", "\U0010ffff", "\xed\xa0\x80",
		`{"specversion":"1.0"}`, `\uffff`, "\ufffd", strings.Repeat("a", 5000), "\r\n\t", "'", "\u212a", "ſ", "a\xc3", "\xf0\x9f\x8e", "}", "]", ",", ":",
	} {
		f.Add("id-1", "/api", "tenant", text, text, int64(i)*1e15, uint16(i))
		f.Add("ID", "urn:x", "data", "x"+text, "", int64(-i), uint16(i*100))
	}
	d := task.Define[greeting]("greeting.send")
	f.Fuzz(func(t *testing.T, id, source, key, value, text string, micros int64, n uint16) {
		now := time.UnixMicro(micros)
		want := greeting{value, text}
		e, err := d.With(want).Encode(id, source, now, task.Header(key, value), task.MaxAttempts(int(n)), task.CausedBy(task.Info{Hops: int(n)}))
		if err != nil {
			if !errors.Is(err, task.ErrInvalid) {
				t.Fatalf("untyped error %v", err)
			}
			// The options were refused; the arguments must travel all the same.
			if e, err = d.With(want).Encode("id-1", "/api", goldenTime); err != nil {
				t.Fatal(err)
			}
			id, source, now = "id-1", "/api", goldenTime
		} else if e.Headers()[key] != value || e.Hops() != int(n)+1 {
			t.Fatalf("headers %q, hops %d", e.Headers(), e.Hops())
		}
		if at := sqsAccepts(e.Body()); at >= 0 {
			t.Fatalf("a queue refuses byte %d of %q", at, e.Body())
		}
		back, err := task.Parse(e.Body())
		if err != nil {
			t.Fatalf("%v: %q", err, e.Body())
		}
		if back.ID() != id || back.Source() != source || !back.Time().Equal(now.Truncate(time.Microsecond)) ||
			back.Hops() != e.Hops() || len(back.Headers()) != len(e.Headers()) {
			t.Fatalf("%q came back as %v", e.Body(), facts(back))
		}
		got, err := d.Decode(back)
		if valid := (greeting{each(value), each(text)}); err != nil || got != valid {
			t.Fatalf("%q came back as %q, %v", valid, got, err)
		}
	})
}

// each replaces every byte that is no UTF-8, as encoding/json does.
func each(s string) string { return string([]rune(s)) }
