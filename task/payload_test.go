package task_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
)

// storedBytes reads a payload as the golden files of version 2 name it.
func storedBytes(t testing.TB, key string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden", "payloads", filepath.FromSlash(key)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	hiDigest     = "6ce64acdb3383f1f4601b5e2afd940c71a9d633a96e396aeba944bc0f96b32ce"
	hiGzipDigest = "8ce3b638eae5324fec3f83f30a3ad7d825ed173a5d3e4b2146b539db2bf032f2"
	hiLength     = 24
	// hashedID is the SHA-256 of order-7.greeting_1.
	hashedID = "314f100dd192d0111554334060b8d7b66faf45e02aef3f2b87d665cbdd660f47"
)

var (
	hiStored     = task.Payload{Ref: goldenID + "/" + hiDigest, Digest: hiDigest, Length: hiLength}
	hiStoredGzip = task.Payload{Ref: hashedID + "/" + hiGzipDigest, Digest: hiGzipDigest, Encoding: task.Gzip, Length: hiLength}
)

func hi(opts ...task.FireOption) (task.Envelope, error) {
	return task.Define[greeting]("greeting.send", task.Queue("bulk")).With(greeting{"Ada", "hi"}).Encode(goldenID, "/api", goldenTime, opts...)
}

// payloads are the golden files with payloads that this build writes, byte for byte.
func payloads(t testing.TB) map[string]struct {
	payload task.Payload
	encode  func() (task.Envelope, error)
} {
	gz := storedBytes(t, hiStoredGzip.Ref)
	with := func(p task.Payload, opts ...task.FireOption) func() (task.Envelope, error) {
		return func() (task.Envelope, error) {
			e, err := hi(opts...)
			if err != nil {
				return e, err
			}
			return e.WithPayload(p)
		}
	}
	inline := task.Payload{Inline: gz, Encoding: task.Gzip, Length: hiLength}
	all := []task.FireOption{
		task.ID("order-7.greeting_1"), task.Expires(36 * time.Hour), task.Header("tenant", "blue"),
		task.MaxAttempts(3), task.Timeout(90 * time.Second), task.Delay(time.Minute),
	}
	return map[string]struct {
		payload task.Payload
		encode  func() (task.Envelope, error)
	}{
		"v2/stored.json":      {hiStored, with(hiStored)},
		"v2/stored-gzip.json": {hiStoredGzip, with(hiStoredGzip, all...)},
		"v2/inline-gzip.json": {inline, with(inline, all...)},
		"v2/attempts.json": {inline, func() (task.Envelope, error) {
			e, err := with(inline)()
			if err != nil {
				return e, err
			}
			return e.Again(7, time.Minute, goldenTime)
		}},
	}
}

func TestPayloadsWriteTheGoldenBytes(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/v2/*.json")
	if err != nil || len(files) != len(payloads(t)) {
		t.Errorf("%d golden files, %d expectations, %v", len(files), len(payloads(t)), err)
	}
	for file, g := range payloads(t) {
		e, err := g.encode()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		want := readGolden(t, file)
		if !bytes.Equal(e.Body(), want) {
			t.Errorf("%s: the encoder writes\n%s\nnot\n%s", file, e.Body(), want)
		}
		back, err := task.Parse(want)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if got, want := facts(back), facts(e); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read\n%v\nwritten\n%v", file, got, want)
		}
		for _, one := range []task.Envelope{e, back} {
			if p, ok := one.Payload(); !ok || !reflect.DeepEqual(p, g.payload) || one.Data() != nil {
				t.Errorf("%s: payload %+v, %v, data %q", file, p, ok, one.Data())
			}
		}
		if _, err := task.Define[greeting]("greeting.send").Decode(back); !task.IsPermanent(err) || !strings.Contains(err.Error(), "not read from its payload") {
			t.Errorf("%s: decoded without its data: %v", file, err)
		}
		got, err := task.Define[greeting]("greeting.send").Decode(back.WithData([]byte(`{"to":"Ada","text":"hi"}`)))
		if err != nil || got != (greeting{"Ada", "hi"}) {
			t.Errorf("%s: %v, %v", file, got, err)
		}
	}
}

func TestGoldenPayloadsAreWhatTheirNamesSay(t *testing.T) {
	for _, p := range []task.Payload{hiStored, hiStoredGzip} {
		if sum := sha256.Sum256(storedBytes(t, p.Ref)); hex.EncodeToString(sum[:]) != p.Digest {
			t.Errorf("%s: the digest is %x", p.Ref, sum)
		}
	}
	if sum := sha256.Sum256([]byte("order-7.greeting_1")); hex.EncodeToString(sum[:]) != hashedID {
		t.Errorf("the hashed id is %x", sum)
	}
}

// The class and the delay do not travel in the body, and must not be lost on the way to it.
func TestWithPayloadKeepsEverythingElse(t *testing.T) {
	e, err := hi(task.Delay(time.Minute), task.Header("tenant", "blue"), task.Trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x=y"))
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(e.Body())
	with, err := e.WithPayload(hiStored)
	if err != nil {
		t.Fatal(err)
	}
	if with.Class() != "bulk" || with.Delay() != time.Minute || with.ID() != e.ID() || with.Header("tenant") != "blue" ||
		with.Header("traceparent") != e.Header("traceparent") || with.Header("tracestate") != "x=y" {
		t.Errorf("became %s, class %q, delay %v", with.Body(), with.Class(), with.Delay())
	}
	if !bytes.Equal(e.Body(), before) || string(e.Data()) != `{"to":"Ada","text":"hi"}` {
		t.Error("WithPayload changed the first envelope")
	}
	if _, ok := e.Payload(); ok {
		t.Error("the first envelope has a payload")
	}
	read := with.WithData([]byte(`{}`))
	if _, ok := read.Payload(); ok || string(read.Data()) != `{}` || !bytes.Equal(read.Body(), with.Body()) {
		t.Errorf("with data: body %s, data %s", read.Body(), read.Data())
	}
	again, err := read.Again(3, time.Second, goldenTime)
	if p, ok := again.Payload(); err != nil || !ok || p.Ref != hiStored.Ref || again.Attempts() != 3 || again.Size() > with.Size()+len(`,"offloadattempt":3`) {
		t.Errorf("goes again as %s, %v", again.Body(), err)
	}
}

// An event by another hand has its attributes anywhere, and may have some of those that a payload replaces.
func TestWithPayloadOfForeignEvents(t *testing.T) {
	for name, body := range map[string]string{
		"data first":      `{"data":{"n":1},"id":"1","source":"/x","type":"ping","specversion":"1.0","tag":["x"],"vip":true}`,
		"data in between": `{"id":"1","source":"/x","data" : {"n":1} ,"type":"ping","specversion":"1.0","tag":["x"],"vip":true}`,
		"data last":       `{"id":"1","source":"/x","type":"ping","specversion":"1.0","tag":["x"],"vip":true,"data":{"n":1}}`,
		"a reader":        `{"offloadreader":1,"id":"1","source":"/x","type":"ping","specversion":"1.0","tag":["x"],"vip":true,"data":{"n":1}}`,
		"a reference":     `{"dataref":"s3://b/k","offloadlength":9,"id":"1","source":"/x","type":"ping","specversion":"1.0","tag":["x"],"vip":true,"data":{"n":1}}`,
		"another payload": `{"dataref":"x","offloaddigest":"y","offloadencoding":"gzip","offloadlength":9,"offloadreader":2,"id":"1","source":"/x","type":"ping","specversion":"1.0","tag":["x"],"vip":true}`,
		"only attributes": `{"id":"1","source":"/x","type":"ping","specversion":"1.0","tag":["x"],"vip":true}`,
		"null everywhere": `{"dataref":null,"offloaddigest":null,"offloadencoding":null,"offloadlength":null,"data_base64":null,"id":"1","source":"/x","type":"ping","specversion":"1.0","tag":["x"],"vip":true,"data":{}}`,
		"a noncharacter":  `{"id":"1","source":"/x` + "\uffff" + `","type":"ping","specversion":"1.0","tag":["x"],"vip":true,"data":{"n":1}}`,
	} {
		e, err := mustParse(t, []byte(body)).WithPayload(task.Payload{Inline: []byte("zzz"), Encoding: task.Gzip, Length: 7})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		back := mustParse(t, e.Body())
		p, ok := back.Payload()
		var m map[string]any
		if err := json.Unmarshal(e.Body(), &m); err != nil {
			t.Fatal(err)
		}
		if !ok || string(p.Inline) != "zzz" || p.Ref != "" || p.Digest != "" || p.Length != 7 || len(m) != 10 || m["vip"] != true || m["offloadreader"] != 2.0 {
			t.Errorf("%s: became %s", name, e.Body())
		}
		if at := sqsAccepts(e.Body()); at >= 0 {
			t.Errorf("%s: a queue refuses byte %d of %q", name, at, e.Body())
		}
	}
}

func TestWithPayloadRefuses(t *testing.T) {
	e, err := hi()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []task.Payload{{}, {Ref: "x", Inline: []byte("y")}, {Ref: "x", Length: -1}} {
		if _, err := e.WithPayload(p); err == nil {
			t.Errorf("%+v: no error", p)
		}
	}
	if _, err := (task.Envelope{}).WithPayload(task.Payload{Ref: "x"}); !errors.Is(err, task.ErrMalformed) {
		t.Errorf("an empty envelope: %v", err)
	}
}

func TestE9_MalformedPayloads(t *testing.T) {
	const event = `{"specversion":"1.0","id":"1","source":"/api","type":"ping"%s}`
	for more, want := range map[string]string{
		`,"data_base64":"e30="`:           `"data_base64": binary data is not supported`,
		`,"data_base64":""`:               `"data_base64": binary data is not supported`,
		`,"data_base64":"e30=","data":{}`: `"data" and "data_base64" stand there both`,
		`,"data_base64":"e30=","offloadencoding":"gzip","dataref":"x"`:     `"dataref" and "data_base64" stand there both`,
		`,"data_base64":"e30","offloadencoding":"gzip"`:                    `"data_base64": illegal base64 data at input byte 0`,
		`,"data_base64":"e 0=","offloadencoding":"gzip"`:                   `"data_base64": illegal base64 data at input byte 1`,
		`,"data_base64":7,"offloadencoding":"gzip"`:                        `"data_base64": must be a string, not 7`,
		`,"offloadencoding":"zstd"`:                                        `"offloadencoding": is "zstd": "gzip" is known`,
		`,"offloadencoding":"gzip","data":{}`:                              `"offloadencoding": "data" has none`,
		`,"offloadlength":-1`:                                              `"offloadlength": must be a whole number from 0 to 2147483647, not -1`,
		`,"offloadlength":"1"`:                                             `"offloadlength": must be a whole number from 0 to 2147483647, not "1"`,
		`,"offloaddigest":1`:                                               `"offloaddigest": must be a string, not 1`,
		`,"dataref":{}`:                                                    `"dataref": must be a string, not {}`,
		`,"dataref":"a","dataref":"b"`:                                     `key "dataref": stands there twice, if case is ignored`,
		`,"offloadDigest":"x"`:                                             `key "offloadDigest": differs from "offloaddigest" by case only`,
		`,"data_base64":"e30=","offloadencoding":"gzip","Data":{}`:         `key "Data": differs from "data" by case only`,
		`,"data_base64":"e30=","offloadencoding":"gzip","dataref":null`:    "",
		`,"data_base64":"","offloadencoding":"gzip"`:                       "",
		`,"dataref":"s3://bucket/key"`:                                     "",
		`,"dataref":"s3://bucket/key","data":{}`:                           "",
		`,"offloadreader":2,"dataref":"","offloadlength":1,"data":[1,2,3]`: "",
	} {
		_, err := task.Parse(fmt.Appendf(nil, event, more))
		if want == "" && err == nil {
			continue
		}
		if !errors.Is(err, task.ErrMalformed) || want == "" || !strings.HasPrefix(err.Error(), "envelope is malformed: "+want) {
			t.Errorf("%s:\n%v, want\n%s", more, err, want)
		}
	}
}

// Data that stands in the event goes before a reference to it: CloudEvents allows both ("Dataref extension").
func TestDataGoesBeforeAReference(t *testing.T) {
	e := mustParse(t, eventWith(`,"dataref":"s3://bucket/key","offloaddigest":"x","offloadlength":3`))
	if _, ok := e.Payload(); ok || string(e.Data()) != "{}" {
		t.Errorf("payload %v, data %q", ok, e.Data())
	}
}
