package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

func ExampleEvent_Validate() {
	event := jobs.Event{Properties: json.RawMessage(`{"plan":"pro"}`)}
	err := event.Validate()
	fmt.Println(err)
	fmt.Println(errors.Is(err, task.ErrInvalid)) // answer 400
	// Output:
	// task "analytics.record": name is empty
	// true
}

func TestValidate(t *testing.T) {
	long := strings.Repeat("x", 5000)
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	ok := raw(`{}`)
	tests := []struct {
		name string
		args interface{ Validate() error }
		want string // a part of the error, "" for none
	}{
		{"event", jobs.Event{Name: "signup"}, ""},
		{"event with all", jobs.Event{Name: "an event: ü", Properties: raw(` {"n":12345678901234567890}`), At: time.Now()}, ""},
		{"event of the longest name", jobs.Event{Name: long[:128]}, ""},
		{"event without name", jobs.Event{}, "name is empty"},
		{"event with a long name", jobs.Event{Name: long[:129]}, "name is 129 bytes long"},
		{"event with a newline", jobs.Event{Name: "a\nb"}, "control character U+000A"},
		{"event with bad UTF-8", jobs.Event{Name: "a\xff"}, "not valid UTF-8"},
		{"event with a list", jobs.Event{Name: "a", Properties: raw(`[1]`)}, "not a JSON object"},
		{"event with null", jobs.Event{Name: "a", Properties: raw(`null`)}, "not a JSON object"},
		{"event with half an object", jobs.Event{Name: "a", Properties: raw(`{"a":`)}, "not valid JSON"},
		{"event with empty properties", jobs.Event{Name: "a", Properties: raw(``)}, "not valid JSON"},
		{"event of year 10000", jobs.Event{Name: "a", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "year 10000"},
		{"event of year 0", jobs.Event{Name: "a", At: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}, "year 0"},

		{"delivery", jobs.Delivery{URL: "https://example.com/hook?x=1", Payload: ok}, ""},
		{"delivery to an address", jobs.Delivery{URL: "http://[2001:db8::1]:8080", Payload: raw(`null`)}, ""},
		{"delivery without url", jobs.Delivery{Payload: ok}, "url is empty"},
		{"delivery with a long url", jobs.Delivery{URL: "http://a/" + long, Payload: ok}, "url is 5009 bytes long"},
		{"delivery by ftp", jobs.Delivery{URL: "ftp://example.com", Payload: ok}, `scheme "ftp"`},
		{"delivery to a file", jobs.Delivery{URL: "file:///etc/passwd", Payload: ok}, `scheme "file"`},
		{"delivery to a relative url", jobs.Delivery{URL: "/hook", Payload: ok}, `scheme ""`},
		{"delivery to no host", jobs.Delivery{URL: "http:///hook", Payload: ok}, "no host"},
		{"delivery to a port only", jobs.Delivery{URL: "http://:80/", Payload: ok}, "no host"},
		{"delivery to an opaque url", jobs.Delivery{URL: "http:example.com", Payload: ok}, "no host"},
		{"delivery to port 0", jobs.Delivery{URL: "http://a:0/", Payload: ok}, `port "0"`},
		{"delivery to port 65536", jobs.Delivery{URL: "http://a:65536/", Payload: ok}, `port "65536"`},
		{"delivery with a password", jobs.Delivery{URL: "http://u:hunter2@a/", Payload: ok}, "user or password"},
		{"delivery with a newline", jobs.Delivery{URL: "http://a/\r\nX: y", Payload: ok}, "does not parse"},
		{"delivery without payload", jobs.Delivery{URL: "http://a"}, "payload is missing"},
		{"delivery of no JSON", jobs.Delivery{URL: "http://a", Payload: raw(`{]`)}, "payload is not valid JSON"},

		{"picture", jobs.Picture{Width: 1, Image: []byte("x")}, ""},
		{"picture of the largest size", jobs.Picture{Width: jobs.MaxWidth, Image: make([]byte, jobs.MaxImage)}, ""},
		{"picture of width 0", jobs.Picture{Image: []byte("x")}, "width is 0"},
		{"picture of width -1", jobs.Picture{Width: -1, Image: []byte("x")}, "width is -1"},
		{"picture too wide", jobs.Picture{Width: jobs.MaxWidth + 1, Image: []byte("x")}, "width is 2049"},
		{"picture without image", jobs.Picture{Width: 1}, "image is empty"},
		{"picture too large", jobs.Picture{Width: 1, Image: make([]byte, jobs.MaxImage+1)}, "image is 16777217 bytes long"},

		{"table of no rows", jobs.Table{}, ""},
		{"table of the most rows", jobs.Table{Rows: jobs.MaxRows}, ""},
		{"table of -1 rows", jobs.Table{Rows: -1}, "rows is -1"},
		{"table of too many rows", jobs.Table{Rows: jobs.MaxRows + 1}, "rows is 100000001"},
	}
	ctx := task.WithInfo(t.Context(), task.Info{ID: "01T"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.args.Validate()
			if _, begun := jobs.Begin(ctx, tt.args); (begun == nil) != (err == nil) || begun != nil && !task.IsPermanent(begun) {
				t.Errorf("Begin: %v, Validate: %v: want both nil, or Begin's permanent", begun, err)
			}
			if tt.want == "" {
				if err != nil {
					t.Fatalf("error %v, want none", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, task.ErrInvalid) {
				t.Fatalf("error %v, want one of task.ErrInvalid with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v: holds the password", err)
			}
		})
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	err := jobs.Picture{}.Validate()
	for _, want := range []string{`task "thumbnail.make"`, "width is 0", "image is empty"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
}

func TestBeginOutsideWorker(t *testing.T) {
	if _, err := jobs.Begin(context.Background(), jobs.Table{}); !task.IsPermanent(err) {
		t.Errorf("error %v, want a permanent one", err)
	}
	info, err := jobs.Begin(task.WithInfo(t.Context(), task.Info{ID: "01T", Attempt: 3}), jobs.Table{})
	if err != nil || info.ID != "01T" || info.Attempt != 3 {
		t.Errorf("Begin = %+v, %v; want the info of the context", info, err)
	}
}

// What travels is a promise to tasks that wait in a queue during a deploy.
func TestArgumentsOnTheWire(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		task task.Task
		want string
	}{
		{
			jobs.Analytics.With(jobs.Event{Name: "a", Properties: json.RawMessage(`{"n":12345678901234567890}`), At: at}),
			`{"name":"a","properties":{"n":12345678901234567890},"at":"2026-07-01T12:00:00Z"}`,
		},
		{jobs.Analytics.With(jobs.Event{Name: "a"}), `{"name":"a"}`},
		{
			jobs.Webhook.With(jobs.Delivery{URL: "http://a/?x=1&y=2", Payload: json.RawMessage(`["<&>"]`)}),
			`{"url":"http://a/?x=1&y=2","payload":["<&>"]}`,
		},
		{jobs.Thumbnail.With(jobs.Picture{Width: 7, Image: []byte{0, 255}}), `{"width":7,"image":"AP8="}`},
		{jobs.Export.With(jobs.Table{Rows: 9}), `{"rows":9}`},
	}
	for _, tt := range tests {
		e, err := tt.task.Encode("01T", "test", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(e.Data()); got != tt.want {
			t.Errorf("%s: data %s, want %s", e.Name(), got, tt.want)
		}
	}
}

func TestPolicies(t *testing.T) {
	for _, d := range []task.Definable{jobs.Analytics, jobs.Webhook, jobs.Thumbnail, jobs.Export} {
		p := d.Policy()
		if p.MaxAttempts > 15 {
			t.Errorf("%s: %d attempts, more than the 15 receives of the template's queues", d.Name(), p.MaxAttempts)
		}
		if p.Timeout <= 0 || p.Timeout >= 15*time.Minute {
			t.Errorf("%s: timeout %v, want one below Lambda's 15 minutes", d.Name(), p.Timeout)
		}
	}
}

func TestClasses(t *testing.T) {
	for class, tasks := range map[string][]task.Definable{
		"": {jobs.Webhook, jobs.Thumbnail}, "direct": {jobs.Analytics}, "bulk": {jobs.Export},
	} {
		for _, d := range tasks {
			if got := d.Policy().Class; got != class {
				t.Errorf("%s: class %q, want %q", d.Name(), got, class)
			}
			// The functions of the template run for a minute, and for 15 of the class bulk.
			if d.Policy().Timeout > time.Minute != (class == "bulk") {
				t.Errorf("%s: timeout %v does not fit the function of class %q", d.Name(), d.Policy().Timeout, class)
			}
		}
	}
}

func TestCheckKey(t *testing.T) {
	tests := []struct {
		key  string
		want string // a part of the error, "" for none
	}{
		{"a", ""},
		{"analytics/01K0ABC.json", ""},
		{"a/.b/c..d/...e/-_", ""},
		{"a/.../b", ""},
		{strings.Repeat("a/", 511) + "bb", ""},
		{"a/" + strings.Repeat("x", 255), ""},
		{"", "is empty"},
		{strings.Repeat("a/", 512) + "b", "is 1025 bytes long"},
		{strings.Repeat("x", 256), "longer than 255"},
		{"/etc/passwd", "starts with a slash"},
		{".hidden", "starts with a dot"},
		{"..", "starts with a dot"},
		{"../a", "starts with a dot"},
		{"a/..", `segment ".."`},
		{"a/../../b", `segment ".."`},
		{"a/./b", `segment "."`},
		{"a//b", "empty segment"},
		{"a/", "empty segment"},
		{`a\b`, `holds "\\"`},
		{"a\x00b", `holds "\x00"`},
		{"a%2e%2e/b", `holds "%"`},
		{"a b", `holds " "`},
		{"a\nb", `holds "\n"`},
		{"a:b", `holds ":"`},
		{"ü", "holds"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.20q", tt.key), func(t *testing.T) {
			err := jobs.CheckKey(tt.key)
			if tt.want == "" {
				if err != nil {
					t.Errorf("error %v, want none", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, jobs.ErrBadKey) || !task.IsPermanent(err) {
				t.Errorf("error %v, want a permanent ErrBadKey with %q", err, tt.want)
			}
		})
	}
}

// Every id that Fire accepts must give a key that every store accepts.
func TestAnyTaskIDIsPartOfAKey(t *testing.T) {
	for _, id := range []string{".", "..", ".a", "-", "_", "a.b", strings.Repeat("Z", 64)} {
		if _, err := jobs.Export.With(jobs.Table{}).Encode(id, "test", time.Now()); err != nil {
			t.Fatalf("id %q: %v", id, err)
		}
		if err := jobs.CheckKey(jobs.ExportPrefix + id + ".csv"); err != nil {
			t.Errorf("id %q: %v", id, err)
		}
	}
}
