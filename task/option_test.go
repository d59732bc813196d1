package task_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
)

var noArgs = struct{}{}

// encode fires a small task with the options.
func encode(opts ...task.FireOption) (task.Envelope, error) {
	return task.Define[struct{}]("ping").With(noArgs).Encode("id-1", "/api", goldenTime, opts...)
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func TestDefineTakesGoodNames(t *testing.T) {
	for _, name := range []string{"a", "Z", "email.welcome", "a1._-Z", strings.Repeat("n", task.MaxNameLen)} {
		d := task.Define[int](name)
		if d.Name() != name || d.With(1).Name() != name {
			t.Errorf("Define(%q) is named %q, its task %q", name, d.Name(), d.With(1).Name())
		}
	}
}

func TestDefinePanicsOnBadNames(t *testing.T) {
	const rule = "a name starts with a letter and holds letters, digits, '.', '_' and '-' only"
	long := strings.Repeat("n", task.MaxNameLen+1)
	for name, want := range map[string]string{
		"":         `task.Define: task name "": is empty`,
		"1st":      `task.Define: task name "1st": ` + rule,
		".a":       `task.Define: task name ".a": ` + rule,
		"a b":      `task.Define: task name "a b": ` + rule,
		"é":        `task.Define: task name "é": ` + rule,
		"a\u212a":  "task.Define: task name \"a\u212a\": " + rule,
		"a/b":      `task.Define: task name "a/b": ` + rule,
		"a\x00":    `task.Define: task name "a\x00": ` + rule,
		long:       fmt.Sprintf("task.Define: task name %q: is longer than 128 bytes", long),
		"order\n":  `task.Define: task name "order\n": ` + rule,
		"order:go": `task.Define: task name "order:go": ` + rule,
	} {
		if got := panicOf(func() { task.Define[int](name) }); got != want {
			t.Errorf("Define(%q) panics with %v, want %v", name, got, want)
		}
	}
}

// TestBadOptions has every refusal of an option, with its text, in both places where the option may stand.
func TestBadOptions(t *testing.T) {
	tests := []struct {
		option any
		want   string
	}{
		{task.MaxAttempts(0), "MaxAttempts(0): must be 1 to 1000"},
		{task.MaxAttempts(-1), "MaxAttempts(-1): must be 1 to 1000"},
		{task.MaxAttempts(1001), "MaxAttempts(1001): must be 1 to 1000"},
		{task.Timeout(0), "Timeout(0s): must be 1ms to 24h"},
		{task.Timeout(time.Millisecond - 1), "Timeout(999.999µs): must be 1ms to 24h"},
		{task.Timeout(24*time.Hour + 1), "Timeout(24h0m0.000000001s): must be 1ms to 24h"},
		{task.Queue("Bulk"), `Queue("Bulk"): a class holds a–z, 0–9 and '-' only`},
		{task.Queue("a_b"), `Queue("a_b"): a class holds a–z, 0–9 and '-' only`},
		{task.Queue(strings.Repeat("q", 65)), `Queue("` + strings.Repeat("q", 65) + `"): is longer than 64 bytes`},
		{task.Expires(0), "Expires(0s): must be more than 0 and at most 14 days"},
		{task.Expires(-time.Second), "Expires(-1s): must be more than 0 and at most 14 days"},
		{task.Expires(14*24*time.Hour + 1), "Expires(336h0m0.000000001s): must be more than 0 and at most 14 days"},
		{task.Backoff(nil), "Backoff(nil): needs a function"},
		{task.Aliases("ok", ""), `Aliases: task name "": is empty`},
		{task.Delay(-1), "Delay(-1ns): must not be negative"},
		{task.ID(""), `ID(""): must be 1 to 64 bytes`},
		{task.ID(strings.Repeat("i", 65)), `ID("` + strings.Repeat("i", 65) + `"): must be 1 to 64 bytes`},
		{task.ID("a b"), `ID("a b"): holds letters, digits, '.', '_' and '-' only`},
		{task.Header("", "v"), `Header(""): the key must be 1 to 20 bytes`},
		{task.Header(strings.Repeat("h", 21), "v"), `Header("hhhhhhhhhhhhhhhhhhhhh"): the key must be 1 to 20 bytes`},
		{task.Header("Tenant", "v"), `Header("Tenant"): the key holds a–z and 0–9 only`},
		{task.Header("x-y", "v"), `Header("x-y"): the key holds a–z and 0–9 only`},
		{task.Header("data", "v"), `Header("data"): the key is defined by CloudEvents or Offload`},
		{task.Header("offloadfuture", "v"), `Header("offloadfuture"): the key is defined by CloudEvents or Offload`},
		{task.Header("k", "a\xff"), `Header("k"): the value is not valid UTF-8`},
		{task.Header("k", "a\nb"), `Header("k"): the value holds the forbidden character U+000A`},
		{task.Header("k", "\x7f"), `Header("k"): the value holds the forbidden character U+007F`},
		{task.Header("k", "\u0085"), `Header("k"): the value holds the forbidden character U+0085`},
		{task.Header("k", "\ufffe"), `Header("k"): the value holds the forbidden character U+FFFE`},
		{task.Header("k", "\uffff"), `Header("k"): the value holds the forbidden character U+FFFF`},
		{task.Header("k", "\U0010ffff"), `Header("k"): the value holds the forbidden character U+10FFFF`},
		{task.Header("k", "\ufdd0"), `Header("k"): the value holds the forbidden character U+FDD0`},
	}
	for _, test := range tests {
		places := 0
		if o, ok := test.option.(task.FireOption); ok {
			places++
			_, err := encode(o)
			var invalid *task.InvalidError
			if !errors.As(err, &invalid) || !errors.Is(err, task.ErrInvalid) || invalid.Name != "ping" {
				t.Errorf("%s: the error of Encode is %#v", test.want, err)
			} else if got, want := err.Error(), `task "ping": `+test.want; got != want {
				t.Errorf("Encode says %q, want %q", got, want)
			}
		}
		if o, ok := test.option.(task.DefineOption); ok {
			places++
			want := `task.Define: task "ping": ` + test.want
			if got := panicOf(func() { task.Define[int]("ping", o) }); got != want {
				t.Errorf("Define panics with %v, want %v", got, want)
			}
		}
		if places == 0 {
			t.Errorf("%s: is no option", test.want)
		}
	}
}

func TestBadSources(t *testing.T) {
	for source, want := range map[string]string{
		"":          `task "ping": source "": is empty`,
		"my api":    `task "ping": source "my api": is not a URI reference: holds ' '`,
		"é":         `task "ping": source "é": is not a URI reference: holds 'é'`,
		`a"b`:       `task "ping": source "a\"b": is not a URI reference: holds '"'`,
		`a\b`:       `task "ping": source "a\\b": is not a URI reference: holds '\\'`,
		"a\x7f":     `task "ping": source "a\x7f": is not a URI reference: holds '\x7f'`,
		"/%zz":      `task "ping": source "/%zz": is not a URI reference: parse "/%zz": invalid URL escape "%zz"`,
		"http://[a": `task "ping": source "http://[a": is not a URI reference: parse "http://[a": missing ']' in host`,
	} {
		_, err := task.Define[struct{}]("ping").With(noArgs).Encode("id-1", source, goldenTime)
		if !errors.Is(err, task.ErrInvalid) || err.Error() != want {
			t.Errorf("source %q: %v, want %s", source, err, want)
		}
	}
	for _, source := range []string{"/", "api", "/shop/api-2", "https://shop.example/api?v=2#x", "urn:uuid:6e8bc430", "//host:80/%20"} {
		if _, err := task.Define[struct{}]("ping").With(noArgs).Encode("id-1", source, goldenTime); err != nil {
			t.Errorf("source %q: %v", source, err)
		}
	}
}

func TestBadTimes(t *testing.T) {
	for _, now := range []time.Time{
		time.Date(-1, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("west", -2*3600)),
	} {
		if _, err := task.Define[struct{}]("ping").With(noArgs).Encode("id-1", "/api", now); !errors.Is(err, task.ErrInvalid) {
			t.Errorf("%v: %v", now, err)
		}
	}
	late := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	if _, err := task.Define[struct{}]("ping").With(noArgs).Encode("id-1", "/api", late, task.Expires(time.Hour)); !errors.Is(err, task.ErrInvalid) {
		t.Errorf("expiry beyond the year 9999: %v", err)
	}
	for _, now := range []time.Time{{}, time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(-1, 5), late} {
		e, err := task.Define[struct{}]("ping").With(noArgs).Encode("id-1", "/api", now)
		if err != nil {
			t.Errorf("%v: %v", now, err)
			continue
		}
		back, err := task.Parse(e.Body())
		if err != nil || !back.Time().Equal(now.Truncate(time.Microsecond)) {
			t.Errorf("%v comes back as %v, %v", now, back.Time(), err)
		}
	}
}

func TestOptionsReachTheEnvelope(t *testing.T) {
	d := task.Define[struct{}]("ping", task.Queue("slow"), task.Expires(time.Hour), task.MaxAttempts(5), task.Timeout(time.Minute))
	plain, err := d.With(noArgs).Encode("id-1", "/api", goldenTime)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Class() != "slow" || d.With(noArgs).Class() != "slow" || plain.Expires().Sub(plain.Time()) != time.Hour {
		t.Errorf("class %q, expires %v", plain.Class(), plain.Expires())
	}
	if plain.MaxAttempts() != 0 || plain.Timeout() != 0 {
		t.Errorf("the definition's attempts %d and timeout %v travel; the worker's build decides them", plain.MaxAttempts(), plain.Timeout())
	}
	own, err := d.With(noArgs).Encode("id-1", "/api", goldenTime, nil,
		task.Queue(""), task.Expires(2*time.Hour), task.MaxAttempts(1), task.Timeout(1500*time.Microsecond), task.Delay(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if own.Class() != "" || own.Expires().Sub(own.Time()) != 2*time.Hour || own.MaxAttempts() != 1 ||
		own.Timeout() != time.Millisecond || own.Delay() != time.Second {
		t.Errorf("class %q, expires %v, attempts %d, timeout %v, delay %v", own.Class(), own.Expires(), own.MaxAttempts(), own.Timeout(), own.Delay())
	}
}

func TestAtIsADelayByTheClockOfTheFiring(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 0: 0, -time.Hour: 0} {
		if e, err := encode(task.At(goldenTime.Add(wait))); err != nil || e.Delay() != want {
			t.Errorf("At(now%+v) delays by %v, %v", wait, e.Delay(), err)
		}
	}
}

func TestDelayLeftCountsFromTheFiring(t *testing.T) {
	e, err := encode(task.Delay(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Again(1, time.Second, goldenTime.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e     task.Envelope
		after time.Duration // the firing
		left  time.Duration
	}{
		{e, 0, time.Minute},
		{e, time.Second, 59 * time.Second},
		{e, time.Minute, 0},
		{e, time.Hour, 0},
		{e, -time.Hour, time.Minute}, // a clock was set back
		{again, time.Hour, time.Second},
		{again, time.Hour + time.Second/2, time.Second / 2},
		{again, 2 * time.Hour, 0},
		{mustParse(t, e.Body()), 0, 0},
	} {
		if left := c.e.DelayLeft(goldenTime.Add(c.after)); left != c.left {
			t.Errorf("of %v, %v after the firing, %v are left, want %v", c.e.Delay(), c.after, left, c.left)
		}
	}
}

func TestDelayBeyondExpiryIsRefused(t *testing.T) {
	if _, err := encode(task.Delay(time.Minute), task.Expires(time.Minute)); !errors.Is(err, task.ErrInvalid) {
		t.Errorf("error is %v", err)
	}
	if _, err := encode(task.Delay(time.Minute-1), task.Expires(time.Minute)); err != nil {
		t.Error(err)
	}
}

func TestSecondHeaderReplacesTheFirst(t *testing.T) {
	e, err := encode(task.Header("tenant", "x"), task.Header("tenant", "own"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := task.Parse(e.Body())
	if err != nil || len(back.Headers()) != 1 || back.Header("tenant") != "own" || back.Header("other") != "" {
		t.Errorf("headers %v, %v in %s", back.Headers(), err, e.Body())
	}
}

// TestTheTraceContextComesFromOnePlace: the firing's own header goes before Trace, and that before the cause, in whatever
// order they stand; and a tracestate never gets beside the traceparent of another trace.
func TestTheTraceContextComesFromOnePlace(t *testing.T) {
	cause := task.CausedBy(task.Info{Headers: map[string]string{"traceparent": "cause", "tracestate": "cause-state", "tenant": "blue"}})
	trace, bare := task.Trace("trace", "trace-state"), task.Trace("trace", "")
	parent, state := task.Header("traceparent", "own"), task.Header("tracestate", "own-state")
	for name, c := range map[string]struct {
		opts []task.FireOption
		want map[string]string
	}{
		"cause":                {[]task.FireOption{cause}, map[string]string{"traceparent": "cause", "tracestate": "cause-state"}},
		"trace":                {[]task.FireOption{trace}, map[string]string{"traceparent": "trace", "tracestate": "trace-state"}},
		"trace, cause":         {[]task.FireOption{trace, cause}, map[string]string{"traceparent": "trace", "tracestate": "trace-state"}},
		"cause, trace":         {[]task.FireOption{cause, trace}, map[string]string{"traceparent": "trace", "tracestate": "trace-state"}},
		"bare trace, cause":    {[]task.FireOption{bare, cause}, map[string]string{"traceparent": "trace"}},
		"trace, bare trace":    {[]task.FireOption{trace, bare}, map[string]string{"traceparent": "trace"}},
		"no trace, cause":      {[]task.FireOption{task.Trace("", "state"), cause}, map[string]string{"traceparent": "cause", "tracestate": "cause-state"}},
		"own, trace":           {[]task.FireOption{parent, trace}, map[string]string{"traceparent": "own"}},
		"trace, own":           {[]task.FireOption{trace, parent}, map[string]string{"traceparent": "own"}},
		"own, cause":           {[]task.FireOption{parent, cause}, map[string]string{"traceparent": "own"}},
		"cause, own":           {[]task.FireOption{cause, parent}, map[string]string{"traceparent": "own"}},
		"trace, own with both": {[]task.FireOption{trace, state, parent, cause}, map[string]string{"traceparent": "own", "tracestate": "own-state"}},
		"trace, own state":     {[]task.FireOption{state, trace}, map[string]string{"traceparent": "trace", "tracestate": "own-state"}},
		"forbidden state":      {[]task.FireOption{task.Trace("trace", "a\n")}, map[string]string{"traceparent": "trace"}},
		"forbidden trace":      {[]task.FireOption{task.Trace("a\uffff", "state")}, nil},
		"forbidden cause":      {[]task.FireOption{task.CausedBy(task.Info{Headers: map[string]string{"traceparent": "a\uffff", "tracestate": "s"}})}, nil},
	} {
		e, err := encode(c.opts...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		back, err := task.Parse(e.Body())
		if err != nil || !maps.Equal(back.Headers(), c.want) || !maps.Equal(e.Headers(), c.want) {
			t.Errorf("%s: headers %v, want %v; %v", name, back.Headers(), c.want, err)
		}
	}
}

func TestHops(t *testing.T) {
	if e, err := encode(task.CausedBy(task.Info{Hops: -5})); err != nil || e.Hops() != 1 {
		t.Errorf("after hop -5: hop %d, %v", e.Hops(), err)
	}
	e, err := encode(task.CausedBy(task.Info{Hops: task.MaxHops - 1}))
	if err != nil || e.Hops() != task.MaxHops {
		t.Fatalf("hop %d: %v", e.Hops(), err)
	}
	_, err = encode(task.CausedBy(task.Info{Hops: task.MaxHops}))
	if !errors.Is(err, task.ErrHops) || !errors.Is(err, task.ErrInvalid) {
		t.Errorf("error is %v", err)
	}
}

func TestZeroValuesAreRefused(t *testing.T) {
	var zero task.Definition[int]
	for name, undefined := range map[string]task.Task{"task": {}, "definition": zero.With(1)} {
		_, err := undefined.Encode("id-1", "/api", goldenTime)
		if !errors.Is(err, task.ErrInvalid) || undefined.Name() != "" || undefined.Class() != "" {
			t.Errorf("zero %s %q: %v", name, undefined.Name(), err)
		}
	}
	if zero.Name() != "" || zero.Policy().MaxAttempts != 0 {
		t.Errorf("zero definition: %q, %+v", zero.Name(), zero.Policy())
	}
}

func TestPolicyIsACopy(t *testing.T) {
	old := []string{"mail.old"}
	aliases := task.Aliases(old...)
	old[0] = "changed"
	d := task.Define[int]("mail", aliases, task.Aliases("mail.older"))
	d.Policy().Aliases[1] = "changed"
	p := d.Policy()
	if len(p.Aliases) != 2 || p.Aliases[0] != "mail.old" || p.Aliases[1] != "mail.older" {
		t.Errorf("aliases %q", p.Aliases)
	}
	if p.MaxAttempts != 10 || p.Timeout != 0 || p.Expires != 0 || p.Class != "" || p.Backoff(1) != time.Second || p.Backoff(99) != 15*time.Minute {
		t.Errorf("defaults %+v", p)
	}
}
