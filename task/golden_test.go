package task_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/offloadhq/offload/task"
)

// The files in testdata/golden are the wire format as it was released: one folder a version. They are never edited and
// never deleted, because messages like them may wait in a queue. A new version gets a new folder.

var goldenTime = time.Date(2026, 3, 1, 12, 30, 45, 123456789, time.UTC)

const goldenID = "01KJ7Z3Q5ZABCDEFGHJKMNPQRS"

type greeting struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

// written are the golden files that this build writes, byte for byte.
var written = []struct {
	file   string
	encode func() (task.Envelope, error)
}{
	{"minimal.json", func() (task.Envelope, error) {
		return task.Define[struct{}]("ping").With(struct{}{}).Encode(goldenID, "/api", goldenTime)
	}},
	{"null.json", func() (task.Envelope, error) {
		return task.Define[*greeting]("greeting.send").With(nil).Encode(goldenID, "/api", goldenTime)
	}},
	{"all.json", func() (task.Envelope, error) {
		return task.Define[greeting]("greeting.send", task.Queue("bulk")).
			With(greeting{"Ada", "a < b && c > d"}).
			Encode("ignored", "https://shop.example/api?v=2", goldenTime.In(time.FixedZone("", 3600)),
				task.ID("order-7.greeting_1"), task.Expires(36*time.Hour), task.Header("tenant", "blue"),
				task.MaxAttempts(3), task.Timeout(90*time.Second), task.Delay(time.Minute),
				task.CausedBy(task.Info{Hops: 4, Headers: map[string]string{
					"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
					"tracestate":  "congo=t61rcWkgMzE",
				}}))
	}},
	{"headers.json", func() (task.Envelope, error) {
		return task.Define[greeting]("greeting.send").With(greeting{"Ada", "hi"}).
			Encode(goldenID, "urn:shop:api", goldenTime,
				task.Header("tenant", "blue"), task.Header("quote", `say "hi" \ é 日本 🎈`), task.Header("empty", ""))
	}},
	{"expiry.json", func() (task.Envelope, error) {
		return task.Define[greeting]("greeting.send", task.Expires(time.Second)).With(greeting{"Ada", "hi"}).
			Encode(goldenID, "/api", goldenTime)
	}},
	{"attempts.json", func() (task.Envelope, error) {
		e, err := task.Define[greeting]("greeting.send").With(greeting{"Ada", "hi"}).Encode(goldenID, "/api", goldenTime)
		if err != nil {
			return e, err
		}
		return e.Again(7, time.Minute, goldenTime)
	}},
	{"unicode.json", func() (task.Envelope, error) {
		return task.Define[greeting]("greeting.send").
			With(greeting{"日本 é 🎈 \u2028 \ufffd", "\x00\b\f\n\r\t\x1f \x7f\u0085 \ufffe\uffff \U0001fffe \"\\</&> \ue000\U0010ffff"}).
			Encode(goldenID, "/api", goldenTime)
	}},
}

// foreign are golden files as other producers may write them: this build reads them and never writes them.
var foreign = []string{"foreign.json", "foreign-spaced.json", "foreign-text-json.json", "no-time.json"}

func TestEncodeWritesTheGoldenBytes(t *testing.T) {
	for _, g := range written {
		e, err := g.encode()
		if err != nil {
			t.Fatalf("%s: %v", g.file, err)
		}
		if want := readGolden(t, g.file); !bytes.Equal(e.Body(), want) {
			t.Errorf("%s: the encoder writes\n%s\nnot\n%s", g.file, e.Body(), want)
		}
		if e.Size() != len(e.Body()) {
			t.Errorf("%s: Size() = %d, body has %d bytes", g.file, e.Size(), len(e.Body()))
		}
	}
}

func TestParseGivesBackWhatEncodeWrote(t *testing.T) {
	for _, g := range written {
		e, err := g.encode()
		if err != nil {
			t.Fatalf("%s: %v", g.file, err)
		}
		back, err := task.Parse(readGolden(t, g.file))
		if err != nil {
			t.Fatalf("%s: %v", g.file, err)
		}
		if got, want := facts(back), facts(e); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read\n%v\nwritten\n%v", g.file, got, want)
		}
		if back.Class() != "" || back.Delay() != 0 {
			t.Errorf("%s: class %q and delay %v travelled", g.file, back.Class(), back.Delay())
		}
	}
}

func TestParseReadsEveryGoldenFile(t *testing.T) {
	want := map[string]map[string]any{
		"minimal.json": fact(map[string]any{"name": "ping", "data": `{}`}),
		"null.json":    fact(map[string]any{"data": `null`}),
		"all.json": fact(map[string]any{
			"id": "order-7.greeting_1", "source": "https://shop.example/api?v=2", "hops": 5, "max": 3, "timeout": "1m30s",
			"expires": "2026-03-03T00:30:45.123456Z",
			"headers": map[string]string{
				"tenant": "blue", "tracestate": "congo=t61rcWkgMzE",
				"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			},
			"data": `{"to":"Ada","text":"a < b && c > d"}`,
		}),
		"headers.json": fact(map[string]any{
			"source":  "urn:shop:api",
			"headers": map[string]string{"tenant": "blue", "quote": `say "hi" \ é 日本 🎈`, "empty": ""},
		}),
		"expiry.json":   fact(map[string]any{"expires": "2026-03-01T12:30:46.123456Z"}),
		"attempts.json": fact(map[string]any{"attempts": 7}),
		"unicode.json": fact(map[string]any{
			"data": `{"to":"日本 é 🎈 \u2028 ` + "\ufffd" + `","text":"\u0000\b\f\n\r\t\u001f ` + "\x7f\u0085" + ` \ufffe\uffff ` +
				"\U0001fffe" + ` \"\\</&> ` + "\ue000\U0010ffff" + `"}`,
		}),
		"foreign.json": fact(map[string]any{
			"id": "A234-1234-1234", "name": "com.example.invoice.paid", "source": "https://example.com/contexts/billing",
			"time": "2018-04-05T17:31:00Z",
			"headers": map[string]string{
				"comexampleextension1": "value", "comexampleothervalue": "5", "vip": "true", "rate": "1.50",
				"sequence": "-7",
			},
			"data": `{"amount":9007199254740993, "tags":["a","b"]}`,
		}),
		"foreign-spaced.json": fact(map[string]any{
			"id": "1", "source": "/spaced", "time": "2026-03-01T10:30:45.5Z",
			"data": "{\r\n\t\t\"to\" : \"Ada\",\r\n\t\t\"text\" : \"}],{ \\\" \\\\\"\r\n\t}",
		}),
		"foreign-text-json.json": fact(map[string]any{
			"id": "2", "type": "text/json; charset=utf-8",
		}),
		"no-time.json": fact(map[string]any{"id": "3", "time": "0001-01-01T00:00:00Z", "type": ""}),
	}
	files, err := os.ReadDir("testdata/golden/v1")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(want) || len(files) != len(written)+len(foreign) {
		t.Errorf("%d golden files, %d expectations, %d written and %d foreign ones", len(files), len(want), len(written), len(foreign))
	}
	for _, f := range files {
		e, err := task.Parse(readGolden(t, f.Name()))
		if err != nil {
			t.Errorf("%s: %v", f.Name(), err)
			continue
		}
		if got := facts(e); !reflect.DeepEqual(got, want[f.Name()]) {
			t.Errorf("%s: read\n%v\nnot\n%v", f.Name(), got, want[f.Name()])
		}
	}
}

// TestCloudEventsSDKReadsEveryGoldenFile asks the official SDK whether what Offload writes is a CloudEvent, and whether
// both read the same one.
func TestCloudEventsSDKReadsEveryGoldenFile(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/v*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var ce event.Event
		if err := json.Unmarshal(body, &ce); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if err := ce.Validate(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		e, err := task.Parse(body)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if e.ID() != ce.ID() || e.Name() != ce.Type() || e.Source() != ce.Source() || !e.Time().Equal(ce.Time()) {
			t.Errorf("%s: the SDK reads %s %s %s %v, Parse %s %s %s %v", file,
				ce.ID(), ce.Type(), ce.Source(), ce.Time(), e.ID(), e.Name(), e.Source(), e.Time())
		}
		if p, elsewhere := e.Payload(); elsewhere {
			if !bytes.Equal(p.Inline, ce.Data()) {
				t.Errorf("%s: the SDK reads the data\n%q\nParse\n%q", file, ce.Data(), p.Inline)
			}
			continue
		}
		if !sameJSON(t, e.Data(), ce.Data()) {
			t.Errorf("%s: the SDK reads the data\n%s\nParse\n%s", file, ce.Data(), e.Data())
		}
	}
}

func readGolden(t *testing.T, file string) []byte {
	t.Helper()
	if !strings.Contains(file, "/") {
		file = "v1/" + file
	}
	b, err := os.ReadFile(filepath.Join("testdata", "golden", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// facts are everything that an envelope says.
func facts(e task.Envelope) map[string]any {
	expires := ""
	if !e.Expires().IsZero() {
		expires = e.Expires().Format(time.RFC3339Nano)
	}
	return map[string]any{
		"id": e.ID(), "name": e.Name(), "source": e.Source(), "type": contentType(e),
		"time": e.Time().Format(time.RFC3339Nano), "expires": expires,
		"attempts": e.Attempts(), "hops": e.Hops(), "max": e.MaxAttempts(), "timeout": e.Timeout().String(),
		"headers": e.Headers(), "data": string(e.Data()),
	}
}

// contentType reads the attribute that no accessor shows.
func contentType(e task.Envelope) string {
	var m struct{ DataContentType string }
	if err := json.Unmarshal(e.Body(), &m); err != nil {
		return err.Error()
	}
	return m.DataContentType
}

// fact fills in what most golden files share.
func fact(differs map[string]any) map[string]any {
	m := map[string]any{
		"id": goldenID, "name": "greeting.send", "source": "/api", "type": "application/json",
		"time": "2026-03-01T12:30:45.123456Z", "expires": "", "attempts": 0, "hops": 0, "max": 0, "timeout": "0s",
		"headers": map[string]string(nil), "data": `{"to":"Ada","text":"hi"}`,
	}
	for k, v := range differs {
		m[k] = v
	}
	return m
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	if len(b) == 0 {
		b = []byte("null") // the SDK drops null data
	}
	value := func(text []byte) any {
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return v
	}
	return reflect.DeepEqual(value(a), value(b))
}
