package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/emulator/lambda"
)

func TestInvoke_TheProcessSeesWhatLambdaGives(t *testing.T) {
	t.Setenv("HOME", "/nowhere")
	t.Setenv("TEST_SECRET_OF_THE_EMULATOR", "x")
	f := function(t, "function", func(f *lambda.Function) {
		f.Env["OWN_VARIABLE"] = "own"
		f.Env["AWS_ENDPOINT_URL_S3"] = "http://own"
		f.Aliases = map[string]string{"live": "7"}
		f.Timeout = 15 * time.Minute
	})
	b := newBench(t, lambda.Options{
		Region: "eu-west-1", Env: map[string]string{"AWS_ENDPOINT_URL": "http://emulator", "AWS_ENDPOINT_URL_S3": "http://emulator"},
	}, f)
	r, err := b.Invoke(t.Context(), lambda.Request{Function: "f", Qualifier: "live", Payload: []byte(`{"a": [1]}`), TraceHeader: "Root=1-2-3"})
	if err != nil {
		t.Fatal(err)
	}
	s := decode(t, r)
	for name, want := range map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "7", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test",
		"AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "test", "LAMBDA_TASK_ROOT": f.Dir,
		"LAMBDA_RUNTIME_DIR": "/var/runtime", "_HANDLER": "bootstrap", "TZ": ":UTC", "OWN_VARIABLE": "own",
		"AWS_ENDPOINT_URL": "http://emulator", "AWS_ENDPOINT_URL_S3": "http://own", "_X_AMZN_TRACE_ID": "Root=1-2-3",
		"HOME": "", "TEST_SECRET_OF_THE_EMULATOR": "",
	} {
		if got := s.Env[name]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if s.Env["PATH"] == "" || !strings.Contains(s.Env["AWS_LAMBDA_LOG_STREAM_NAME"], "/[7]") {
		t.Errorf("PATH = %q, log stream = %q", s.Env["PATH"], s.Env["AWS_LAMBDA_LOG_STREAM_NAME"])
	}
	dir, _ := filepath.EvalSymlinks(f.Dir)
	if s.Dir != dir && s.Dir != f.Dir {
		t.Errorf("working directory = %q, want %q", s.Dir, f.Dir)
	}
	if s.ARN != "arn:aws:lambda:eu-west-1:000000000000:function:f:live" || s.Trace != "Root=1-2-3" {
		t.Errorf("ARN = %q, trace = %q", s.ARN, s.Trace)
	}
	if s.RequestID != r.RequestID || r.ExecutedVersion != "7" {
		t.Errorf("request id %q and %q, executed version %q", s.RequestID, r.RequestID, r.ExecutedVersion)
	}
	if s.Left < 15*time.Minute-patience || s.Left > 15*time.Minute {
		t.Errorf("time left = %v, want a little less than 15 min", s.Left)
	}
	if string(s.Payload) != `{"a":[1]}` && string(s.Payload) != `{"a": [1]}` {
		t.Errorf("payload = %s", s.Payload)
	}
}

func TestInvoke_ATraceHeaderIsMadeWhenThereIsNone(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	if s := b.ask(order{}); !strings.HasPrefix(s.Trace, "Root=1-") || !strings.Contains(s.Trace, ";Parent=") {
		t.Errorf("trace = %q", s.Trace)
	}
}

func TestInvoke_AnswersOfEveryKind(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	if s := b.ask(order{}); s.Calls != 1 {
		t.Errorf("calls = %d", s.Calls)
	}
	r, err := b.Invoke(t.Context(), lambda.Request{Function: "f"})
	if s := decode(t, r); err != nil || string(s.Payload) != "{}" {
		t.Errorf("an empty payload came as %s, err %v; want {}", s.Payload, err)
	}
	f := decodeFailure(t, b.do(order{Do: "error"}))
	if f.Message != "as ordered" || f.Type == "" {
		t.Errorf("a returned error gave %+v", f)
	}
	if s := b.ask(order{}); s.Calls != 4 {
		t.Errorf("calls = %d: the process of a handler that returned an error was not reused", s.Calls)
	}
	if n := len(b.do(order{Do: "big", N: 6<<20 + 90}).Payload); n != 6<<20+92 {
		t.Errorf("a response within the limit came as %d bytes", n)
	}
	f = decodeFailure(t, b.do(order{Do: "big", N: 6<<20 + 100}))
	if f.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("a response over the limit gave %+v", f)
	}
}

func TestInvoke_RefusesInTheWordsOfAWS(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function", func(f *lambda.Function) {
		f.Aliases = map[string]string{"live": "3"}
	}))
	large := bytes.Repeat([]byte("1"), 6<<20+1)
	for _, c := range []struct {
		name string
		req  lambda.Request
		kind error
		code string
		says string
	}{
		{"unknown function", lambda.Request{Function: "g"}, lambda.ErrNotFound, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g"},
		{"unknown alias", lambda.Request{Function: "f", Qualifier: "dev"}, lambda.ErrNotFound, "ResourceNotFoundException", "function:f:dev"},
		{"unknown version", lambda.Request{Function: "f:4"}, lambda.ErrNotFound, "ResourceNotFoundException", "function:f:4"},
		{"other region", lambda.Request{Function: "arn:aws:lambda:eu-west-1:000000000000:function:f"}, lambda.ErrNotFound, "ResourceNotFoundException", "eu-west-1"},
		{"other account", lambda.Request{Function: "111111111111:function:f"}, lambda.ErrNotFound, "ResourceNotFoundException", "function:f"},
		{"two qualifiers", lambda.Request{Function: "f:live", Qualifier: "3"}, lambda.ErrInvalid, "InvalidParameterValueException", "differ"},
		{"no name", lambda.Request{Function: "a b"}, lambda.ErrInvalid, "InvalidParameterValueException", `"a b"`},
		{"no JSON", lambda.Request{Function: "f", Payload: []byte("{")}, lambda.ErrInvalid, "InvalidRequestContentException", "Could not parse request body into json"},
		{"too large", lambda.Request{Function: "f", Payload: large}, lambda.ErrTooLarge, "RequestTooLargeException", "6291456"},
	} {
		_, err := b.Invoke(t.Context(), c.req)
		e, ok := errors.AsType[*lambda.Error](err)
		if !ok || !errors.Is(err, c.kind) || e.Code != c.code || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: error %v, want %s with %q", c.name, err, c.code, c.says)
		}
		if _, async := b.InvokeAsync(t.Context(), c.req); !errors.Is(async, c.kind) {
			t.Errorf("%s: asynchronous: error %v", c.name, async)
		}
	}
	if _, err := b.InvokeAsync(t.Context(), lambda.Request{Function: "f", Payload: large[:1<<20+1]}); !errors.Is(err, lambda.ErrTooLarge) {
		t.Errorf("an event of more than 1 MiB: %v", err)
	}
}

func TestInvoke_Qualifiers(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function", func(f *lambda.Function) {
		f.Aliases = map[string]string{"live": "3", "same": "3", "head": "$LATEST"}
		f.Concurrency = 1 // a version makes room for another
	}))
	var before state
	for i, c := range []struct{ function, qualifier, version, arn string }{
		{"f", "", "$LATEST", ""},
		{"f", "$LATEST", "$LATEST", ":$LATEST"},
		{"f", "head", "$LATEST", ":head"},
		{"f:live", "", "3", ":live"},
		{"f", "same", "3", ":same"},
		{"000000000000:function:f", "3", "3", ":3"},
		{"arn:aws:lambda:us-east-1:000000000000:function:f:live", "live", "3", ":live"},
	} {
		r, err := b.Invoke(t.Context(), lambda.Request{Function: c.function, Qualifier: c.qualifier})
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		s := decode(t, r)
		if r.ExecutedVersion != c.version || s.Env["AWS_LAMBDA_FUNCTION_VERSION"] != c.version {
			t.Errorf("%+v: executed %q in a process of %q", c, r.ExecutedVersion, s.Env["AWS_LAMBDA_FUNCTION_VERSION"])
		}
		if want := "arn:aws:lambda:us-east-1:000000000000:function:f" + c.arn; s.ARN != want {
			t.Errorf("%+v: ARN %q, want %q", c, s.ARN, want)
		}
		if i != 0 && i != 3 && s.PID != before.PID {
			t.Errorf("%+v: a new process, though the version is the same", c)
		}
		if i == 3 && (s.PID == before.PID || alive(before.PID)) {
			t.Errorf("%+v: the process of another version was used, or not ended at the limit of 1", c)
		}
		before = s
	}
}

func TestInvoke_TheCallerMayLeave(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	file := filepath.Join(t.TempDir(), "go")
	payload, _ := json.Marshal(order{Do: "wait", Text: file})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.Invoke(ctx, lambda.Request{Function: "f", Payload: payload})
		done <- err
	}()
	b.awaitWaiting(1)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	touch(t, file)
	b.await("the end of the invocation", func() bool { return len(b.reports) == 1 && b.reports[0].Outcome == lambda.Succeeded })
}

func TestRuntimeAPI_AnswersMistakes(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "raw"))
	var got []string
	if err := json.Unmarshal(b.do(order{}).Payload, &got); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"wrong response: 400 InvalidRequestID", "wrong error: 400 InvalidRequestID",
		"late init error: 403 InvalidStateTransition", "next without answer: 403 InvalidStateTransition",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	b.await("the answer to a second response", func() bool {
		return len(b.lines) > 0 && strings.HasPrefix(b.lines[0].Text, "second response: 403") ||
			len(b.lines) > 0 && strings.HasPrefix(b.lines[0].Text, "second response: 400")
	})
}

func TestInvoke_AnAnswerDoesNotWaitForTheNextRequestForLong(t *testing.T) {
	b := newBench(t, lambda.Options{}.WithTiming(lambda.Timing{HoldAnswer: time.Millisecond}), function(t, "raw"))
	r := b.do(order{Do: "no next"})
	b.mu.Lock()
	defer b.mu.Unlock()
	if string(r.Payload) != `"answered"` || len(b.reports) != 0 {
		t.Errorf("%s, reports %+v; want the answer before the end of the invocation", r.Payload, b.reports)
	}
}

func TestOptionsAndFunctions_EveryProblemIsNamed(t *testing.T) {
	_, err := lambda.New(&lambda.Options{AccountID: "1", Concurrency: -1, InitTimeout: -1, RetryDelays: []time.Duration{-1}})
	for _, want := range []string{"AccountID", "Concurrency", "InitTimeout", "RetryDelays"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v does not name %s", err, want)
		}
	}
	b := newBench(t, lambda.Options{})
	_, err = b.AddFunction(lambda.Function{
		Name: "a b", MemoryMB: 64, Timeout: time.Hour, Concurrency: -1, Reserved: ptr(-1),
		Env:     map[string]string{"AWS_REGION": "x", "1": "", "LONG": strings.Repeat("x", 4<<10)},
		Aliases: map[string]string{"1": "1", "ok": "latest"},
		Async: map[string]lambda.AsyncConfig{
			"gone": {}, "": {MaxRetries: ptr(3), MaxAge: time.Second, OnFailure: "arn:x"}, "$LATEST": {},
		},
	})
	for _, want := range []string{
		`function "a b"`, "Name", "Dir", "MemoryMB 64", "Timeout 1h", "Concurrency -1", "Reserved -1", `"AWS_REGION"`, `"1"`,
		"4096", `alias "1"`, `version "latest"`, `"gone"`, "MaxRetries 3", "MaxAge 1s", "OnFailure", "given twice",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("AddFunction: %v does not name %s", err, want)
		}
	}
	if _, err := b.AddFunction(function(t, "function")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.AddFunction(function(t, "function")); err == nil || !strings.Contains(err.Error(), `"f"`) {
		t.Errorf("a name that is taken: %v", err)
	}
}
