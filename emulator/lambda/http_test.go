package lambda_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/emulator/lambda"
)

// client is the real SDK in front of b.
func client(t *testing.T, b *bench) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
	})
}

func TestHTTP_TheSDKInvokes(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function", func(f *lambda.Function) { f.Aliases = map[string]string{"live": "3"} }))
	c := client(t, b)
	out, err := c.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f"), Qualifier: aws.String("live"),
		Payload: []byte(`{"do":"log","text":"hello"}`), LogType: types.LogTypeTail,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := decode(t, lambda.Response{Payload: out.Payload, FunctionError: aws.ToString(out.FunctionError)})
	if out.StatusCode != 200 || aws.ToString(out.ExecutedVersion) != "3" || s.Calls != 1 {
		t.Errorf("out %+v, state %+v", out, s)
	}
	tail, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(tail), "\n")
	if !strings.HasPrefix(lines[0], "START RequestId: "+s.RequestID+" Version: 3") {
		t.Errorf("tail begins with %q", lines[0])
	}
	for _, want := range []string{"\nhello\n", "\nstderr hello\n", "\nno newline\n", "\nEND RequestId: " + s.RequestID + "\nREPORT RequestId: " + s.RequestID + "\tDuration: ", "\tMemory Size: 1024 MB\tMax Memory Used: ", "\tInit Duration: "} {
		if !strings.Contains(string(tail), want) {
			t.Errorf("tail %q does not have %q", tail, want)
		}
	}

	out, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"do":"error"}`)})
	if err != nil || aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), `"errorMessage":"as ordered"`) || out.LogResult != nil {
		t.Errorf("a function error: %+v, %v", out, err)
	}
	out, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent})
	if err != nil || out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("an event: %+v, %v", out, err)
	}
	out, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeDryRun})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("a dry run: %+v, %v", out, err)
	}
	poll(t, "the end of the event", func() bool { return b.PendingAsync() == 0 })
}

func TestHTTP_TheSDKKnowsTheErrors(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function", func(f *lambda.Function) { f.Reserved = ptr(0) }))
	c := client(t, b)
	_, err := c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("g")})
	if e, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || !strings.Contains(e.ErrorMessage(), "function:g") || aws.ToString(e.Type) != "User" {
		t.Errorf("unknown function: %v", err)
	}
	_, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f")})
	if e, ok := errors.AsType[*types.TooManyRequestsException](err); !ok || e.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		t.Errorf("throttled: %v", err)
	}
	_, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte("{")})
	if _, ok := errors.AsType[*types.InvalidRequestContentException](err); !ok {
		t.Errorf("no JSON: %v", err)
	}
	for _, kind := range []types.InvocationType{types.InvocationTypeEvent, types.InvocationTypeRequestResponse} {
		_, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: kind, Payload: bytes.Repeat([]byte("1"), 6<<20+1)})
		if _, ok := errors.AsType[*types.RequestTooLargeException](err); !ok {
			t.Errorf("too large, %s: %v", kind, err)
		}
	}
	for _, kind := range []types.InvocationType{types.InvocationTypeEvent, types.InvocationTypeDryRun} {
		_, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: kind, Qualifier: aws.String("live")})
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
			t.Errorf("unknown alias, %s: %v", kind, err)
		}
	}
	_, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("f"), InvocationType: "Later"})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "InvalidParameterValueException" {
		t.Errorf("unknown type: %v", err)
	}
}

func TestHTTP_HeadersOfAnAnswer(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	server := httptest.NewServer(b)
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/2015-03-31/functions/000000000000%3Afunction%3Af/invocations", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amzn-Trace-Id", "Root=1-2-3;Lineage=a")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	s := decode(t, lambda.Response{Payload: body})
	if s.Trace != "Root=1-2-3;Lineage=a" || answer.Header.Get("X-Amzn-RequestId") != s.RequestID || answer.Header.Get("X-Amz-Executed-Version") != "$LATEST" {
		t.Errorf("trace %q, headers %v", s.Trace, answer.Header)
	}
}

func TestReport_HasWhatLambdaLogs(t *testing.T) {
	b := newBench(t, lambda.Options{}, function(t, "function"))
	first, second := b.ask(order{Do: "log", Text: "a"}), b.ask(order{Do: "log", Text: "b"})
	r := b.awaitReport(first.RequestID)
	if r.Function != "f" || r.Version != "$LATEST" || r.Kind != lambda.Synchronous || r.Outcome != lambda.Succeeded || r.PID != first.PID || r.MemoryMB != 1024 {
		t.Errorf("report %+v", r)
	}
	if r.Init <= 0 || r.Duration <= 0 || r.Billed != (r.Init+r.Duration+time.Millisecond-1).Truncate(time.Millisecond) {
		t.Errorf("init %v, duration %v, billed %v", r.Init, r.Duration, r.Billed)
	}
	if r := b.awaitReport(second.RequestID); r.Init != 0 {
		t.Errorf("init %v in the second invocation", r.Init)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	got := map[string][]string{}
	for _, l := range b.lines {
		if l.Stderr {
			got[l.RequestID] = append(got[l.RequestID], l.Text)
		}
	}
	if len(got) != 2 || got[first.RequestID][0] != "stderr a" || got[second.RequestID][0] != "stderr b" {
		t.Errorf("lines by request: %v", got)
	}
}
