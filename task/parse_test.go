package task_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
)

// eventWith is a small envelope with more members written into it.
func eventWith(members string) []byte {
	return []byte(`{"specversion":"1.0","id":"1","source":"/api","type":"ping","data":{}` + members + `}`)
}

func TestE9_MalformedEnvelopes(t *testing.T) {
	const head = "envelope is malformed: "
	for body, want := range map[string]string{
		"":                     `is not JSON: ""`,
		"hello":                `is not JSON: "hello"`,
		`{`:                    `is not JSON: "{"`,
		`{}x`:                  `is not JSON: "{}x"`,
		"\ufeff{}":             `is not JSON: "\ufeff{}"`,
		`null`:                 `is not a JSON object: "null"`,
		`[]`:                   `is not a JSON object: "[]"`,
		` "text"`:              `is not a JSON object: " \"text\""`,
		`7`:                    `is not a JSON object: "7"`,
		`{}`:                   `"specversion" is "", not "1.0": this is no CloudEvents 1.0 event`,
		`{"specversion":"0.3"`: `is not JSON: "{\"specversion\":\"0.3\""`,
		`{"specversion":"0.3","id":"1","source":"/","type":"a"}`:                             `"specversion" is "0.3", not "1.0": this is no CloudEvents 1.0 event`,
		`{"specversion":1.0,"id":"1","source":"/","type":"a"}`:                               `"specversion": must be a string, not 1.0`,
		`{"specversion":"1.0","source":"/","type":"a"}`:                                      `"id": ID(""): must be 1 to 64 bytes`,
		`{"specversion":"1.0","id":"a b","source":"/","type":"a"}`:                           `"id": ID("a b"): holds letters, digits, '.', '_' and '-' only`,
		`{"specversion":"1.0","id":7,"source":"/","type":"a"}`:                               `"id": must be a string, not 7`,
		`{"specversion":"1.0","id":null,"source":"/","type":"a"}`:                            `"id": must be a string, not null`,
		`{"specversion":"1.0","id":"1","type":"a"}`:                                          `"source" is missing or empty`,
		`{"specversion":"1.0","id":"1","source":{},"type":"a"}`:                              `"source": must be a string, not {}`,
		`{"specversion":"1.0","id":"1","source":"/"}`:                                        `"type": task name "": is empty`,
		`{"specversion":"1.0","id":"1","source":"/","type":"é"}`:                             `"type": task name "é": a name starts with a letter and holds letters, digits, '.', '_' and '-' only`,
		`{"specversion":"1.0","id":"1","source":"/","type":["a"]}`:                           `"type": must be a string, not ["a"]`,
		string(eventWith(`,"time":7`)):                                                       `"time": must be a string, not 7`,
		string(eventWith(`,"time":"yesterday"`)):                                             `"time": must be an RFC 3339 time, not "yesterday"`,
		string(eventWith(`,"expirytime":"2026-13-01T00:00:00Z"`)):                            `"expirytime": must be an RFC 3339 time, not "2026-13-01T00:00:00Z"`,
		string(eventWith(`,"datacontenttype":true`)):                                         `"datacontenttype": must be a string, not true`,
		string(eventWith(`,"offloadattempt":"1"`)):                                           `"offloadattempt": must be a whole number from 0 to 2147483647, not "1"`,
		string(eventWith(`,"offloadattempt":-1`)):                                            `"offloadattempt": must be a whole number from 0 to 2147483647, not -1`,
		string(eventWith(`,"offloadattempt":1.5`)):                                           `"offloadattempt": must be a whole number from 0 to 2147483647, not 1.5`,
		string(eventWith(`,"offloadhops":2147483648`)):                                       `"offloadhops": must be a whole number from 0 to 2147483647, not 2147483648`,
		string(eventWith(`,"offloadmaxattempts":1e3`)):                                       `"offloadmaxattempts": must be a whole number from 0 to 2147483647, not 1e3`,
		string(eventWith(`,"offloadtimeout":99999999999999999999999`)):                       `"offloadtimeout": must be a whole number from 0 to 2147483647, not 99999999999999999999999`,
		string(eventWith(`,"offloadreader":"2"`)):                                            `"offloadreader": must be a whole number from 0 to 2147483647, not "2"`,
		string(eventWith(`,"":"2"`)):                                                         `key "": is empty, which some readers take for the end of the object`,
		string(eventWith(`,"id":"2"`)):                                                       `key "id": stands there twice, if case is ignored`,
		string(eventWith(`,"\u0069d":"2"`)):                                                  `key "id": stands there twice, if case is ignored`,
		string(eventWith(`,"data":{}`)):                                                      `key "data": stands there twice, if case is ignored`,
		string(eventWith(`,"tenant":"a","tenant":"a"`)):                                      `key "tenant": stands there twice, if case is ignored`,
		string(eventWith(`,"tenant":"a","Tenant":"a"`)):                                      `key "Tenant": stands there twice, if case is ignored`,
		string(eventWith(`,"ſku":"a","sku":"a"`)):                                            `key "sku": stands there twice, if case is ignored`,
		string(eventWith(`,"Time":"2026-03-01T12:30:45Z"`)):                                  `key "Time": differs from "time" by case only`,
		string(eventWith(`,"offloadHops":1`)):                                                `key "offloadHops": differs from "offloadhops" by case only`,
		string(eventWith(`,"offloadattemptſ":1`)):                                            "", // ſ is an s, and no attribute is called so: tolerated
		string(eventWith(`,"ſubject":"a"`)):                                                  `key "ſubject": differs from "subject" by case only`,
		string(eventWith(`,"partition` + "\u212a" + `ey":"a"`)):                              "key \"partition\u212aey\": differs from \"partitionkey\" by case only",
		string(eventWith(`,"offload` + "\\u212a" + `ey":"a","offloadkey":"b"`)):              `key "offloadkey": stands there twice, if case is ignored`,
		string(eventWith(`,"İd":"a"`)):                                                       "", // a dotted capital I is no i to encoding/json either
		strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001):                  "is not JSON: \"" + strings.Repeat(`{\"a\":`, 12) + `{\"a\"` + "\"… (60007 bytes)",
		string(eventWith(`,"x":` + strings.Repeat("[", 9_998) + strings.Repeat("]", 9_998))): "",
	} {
		e, err := task.Parse([]byte(body))
		if want == "" {
			if err != nil || e.ID() != "1" {
				t.Errorf("%.80s: %v", body, err)
			}
			continue
		}
		if !errors.Is(err, task.ErrMalformed) || err.Error() != head+want {
			t.Errorf("%.80s:\n%v, want\n%s", body, err, head+want)
		}
		if e.ID() != "" || e.Body() != nil {
			t.Errorf("%.80s: an envelope comes with the error", body)
		}
	}
}

func TestE9_TruncatedAtEachByte(t *testing.T) {
	for _, g := range written {
		body := readGolden(t, g.file)
		for n := range body {
			if _, err := task.Parse(body[:n:n]); !errors.Is(err, task.ErrMalformed) {
				t.Fatalf("%s cut to %d bytes: %v", g.file, n, err)
			}
		}
	}
}

func TestE9_BigNumbersKeepEveryDigit(t *testing.T) {
	const big1 = "9007199254740993" // 2⁵³ + 1: no float64
	huge := "1" + strings.Repeat("0", 400) + "1"
	body := []byte(`{"specversion":"1.0","id":"1","source":"/","type":"n","data":{"n":` + big1 + `,"h":` + huge + `,"e":1e999}}`)
	e, err := task.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	e, err = e.Again(1, 0, goldenTime)
	if err != nil {
		t.Fatal(err)
	}
	typed, err := task.Define[struct {
		N int64
		H *big.Int
	}]("n").Decode(e)
	if err != nil || typed.N != 9007199254740993 || typed.H.String() != huge {
		t.Errorf("decoded %v %v, %v", typed.N, typed.H, err)
	}
	untyped, err := task.Define[map[string]any]("n").Decode(e)
	if err != nil || untyped["n"] != json.Number(big1) || untyped["h"] != json.Number(huge) || untyped["e"] != json.Number("1e999") {
		t.Errorf("decoded %v, %v", untyped, err)
	}
}

func TestE9_DecodeFailuresArePermanent(t *testing.T) {
	tests := map[string]struct {
		body   string
		decode func(task.Envelope) error
		want   string
	}{
		"wrong type":   {`"data":{"to":7}`, decode[greeting], `task "n": decode task_test.greeting: json: cannot unmarshal number into Go struct field greeting.to of type string`},
		"overflow":     {`"data":99999999999999999999`, decode[int64], `task "n": decode int64: json: cannot unmarshal number 99999999999999999999 into Go value of type int64`},
		"huge number":  {`"data":1e999`, decode[float64], `task "n": decode float64: json: cannot unmarshal number 1e999 into Go value of type float64`},
		"no data":      {`"subject":"x"`, decode[greeting], `task "n": decode task_test.greeting: the envelope has no data`},
		"not JSON":     {`"datacontenttype":"text/plain","data":"hi"`, decode[string], `task "n": decode string: datacontenttype "text/plain" is not JSON`},
		"bad type":     {`"datacontenttype":"; /","data":"hi"`, decode[string], `task "n": decode string: datacontenttype "; /" is not JSON`},
		"panic":        {`"data":1`, decode[unmarshalPanics], `task "n": decode task_test.unmarshalPanics: UnmarshalJSON panicked: own error`},
		"undecodable":  {`"data":{}`, decode[func()], `task "n": decode func(): json: cannot unmarshal object into Go value of type func()`},
		"deep nesting": {`"data":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000), decode[[]int], `task "n": decode []int: json: cannot unmarshal array into Go value of type int`},
	}
	for name, test := range tests {
		e, err := task.Parse([]byte(`{"specversion":"1.0","id":"1","source":"/","type":"n",` + test.body + `}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := test.decode(e); !task.IsPermanent(err) || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if err := tests["panic"].decode(mustParse(t, eventWith(""))); !errors.Is(err, errOwn) {
		t.Errorf("%v hides its cause", err)
	}
}

type unmarshalPanics struct{}

func (*unmarshalPanics) UnmarshalJSON([]byte) error { panic(errOwn) }

func decode[T any](e task.Envelope) error {
	_, err := task.Define[T]("other.name").Decode(e)
	return err
}

func TestDecodeTakesEveryJSONContentType(t *testing.T) {
	for _, contentType := range []string{
		"", `"datacontenttype":"application/json",`, `"datacontenttype":"application/JSON; charset=utf-8",`,
		`"datacontenttype":"text/json",`, `"datacontenttype":"application/vnd.example+json",`, `"datacontenttype":"",`,
	} {
		e := mustParse(t, []byte(`{"specversion":"1.0","id":"1","source":"/","type":"n",`+contentType+`"data":{"to":"Ada","unknown":1}}`))
		if g, err := task.Define[greeting]("n").Decode(e); err != nil || g.To != "Ada" {
			t.Errorf("%s: %v, %v", contentType, g, err)
		}
	}
}

// TestH1_NewerEnvelopeIsKeptForANewerWorker: such an envelope is no malformed one, and says who it is, even when the newer version changed
// the types of attributes.
func TestH1_NewerEnvelopeIsKeptForANewerWorker(t *testing.T) {
	for _, more := range []string{
		`,"offloadreader":3`,
		`,"offloadreader":2147483647,"offloadhops":{"now":"an object"}`,
		`,"data_base64":"e30=","offloadreader":3`,
	} {
		e, err := task.Parse(eventWith(more))
		if !errors.Is(err, task.ErrNewerEnvelope) || errors.Is(err, task.ErrMalformed) {
			t.Errorf("%s: %v", more, err)
		}
		if e.ID() != "1" || e.Name() != "ping" {
			t.Errorf("%s: id %q, name %q", more, e.ID(), e.Name())
		}
	}
	_, err := task.Parse(eventWith(`,"offloadreader":3`))
	if want := `task "ping": envelope needs a newer reader: it asks for version 3, this build reads 2: update the worker`; err == nil || err.Error() != want {
		t.Errorf("error is %v", err)
	}
	for _, more := range []string{`,"offloadreader":0`, `,"offloadreader":1`, `,"offloadreader":2`} {
		if _, err := task.Parse(eventWith(more)); err != nil {
			t.Errorf("%s: %v", more, err)
		}
	}
	if _, err := task.Parse([]byte(`{"specversion":"1.0","offloadreader":3,"id":"1"}`)); !errors.Is(err, task.ErrMalformed) {
		t.Errorf("newer and without a name: %v", err)
	}
}

func TestAgainKeepsWhatItDoesNotKnow(t *testing.T) {
	body := []byte(`{"data":{"b":1, "a":9007199254740993},"vip":true,"tag":["x"],"offloadfuture":{"y":1.0},"id":"A","offloadattempt":3,` +
		`"source":"/api","type":"ping","specversion":"1.0","note":"` + "\uffff" + `"}`)
	first := mustParse(t, body)
	if first.Attempts() != 3 {
		t.Fatalf("attempts %d", first.Attempts())
	}
	again, err := first.Again(4, time.Minute, goldenTime)
	if err != nil {
		t.Fatal(err)
	}
	if again.Attempts() != 4 || again.Delay() != time.Minute || again.ID() != "A" || again.Name() != "ping" {
		t.Errorf("attempts %d, delay %v, id %q, name %q", again.Attempts(), again.Delay(), again.ID(), again.Name())
	}
	if at := sqsAccepts(again.Body()); at >= 0 {
		t.Errorf("a queue refuses byte %d of %q", at, again.Body())
	}
	var before, after map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(body, &before), json.Unmarshal(again.Body(), &after)); err != nil {
		t.Fatal(err)
	}
	before["offloadattempt"], before["note"] = []byte("4"), []byte(`"\uffff"`)
	for key, value := range before {
		if !bytes.Equal(value, after[key]) {
			t.Errorf("%s was %s, is %s", key, value, after[key])
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d attributes, %d before", len(after), len(before))
	}
	if string(mustParse(t, body).Body()) != string(first.Body()) {
		t.Error("Again changed the first envelope")
	}
	if _, err := first.Again(-1, 0, goldenTime); !errors.Is(err, task.ErrMalformed) {
		t.Errorf("a negative count: %v", err)
	}
	if _, err := (task.Envelope{}).Again(1, 0, goldenTime); !errors.Is(err, task.ErrMalformed) {
		t.Errorf("an empty envelope: %v", err)
	}
}

func TestAgainKeepsTheClass(t *testing.T) {
	e, err := encode(task.Queue("slow"))
	if err != nil {
		t.Fatal(err)
	}
	if e, err = e.Again(1, 0, goldenTime); err != nil || e.Class() != "slow" {
		t.Errorf("class %q, %v", e.Class(), err)
	}
}

func TestManyAttributesAreReadInLinearTime(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // collecting is not reading
	const few, times = 10_000, 10
	event := func(n int) []byte {
		var b bytes.Buffer
		b.WriteString(`{"specversion":"1.0","id":"1","source":"/","type":"n"`)
		for i := range n {
			b.WriteString(`,"k` + strings.Repeat("x", i%3) + big.NewInt(int64(i)).String() + `":1`)
		}
		b.WriteString("}")
		return b.Bytes()
	}
	least := []time.Duration{math.MaxInt64, math.MaxInt64}
	both := [][]byte{event(few), event(times * few)}
	for range 5 {
		for i, b := range both {
			least[i] = min(least[i], processorTime(t, func() {
				if _, err := task.Parse(b); err != nil {
					t.Fatal(err)
				}
			}))
		}
	}
	some, many := least[0], least[1]
	if t.Logf("%d attributes take %v, %d times as many %v", few, some, times, many); many > 6*times*some {
		t.Errorf("%d times as many attributes take %d times as long", times, many/some)
	}
}

func mustParse(t testing.TB, body []byte) task.Envelope {
	t.Helper()
	e, err := task.Parse(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return e
}
