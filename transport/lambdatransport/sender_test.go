package lambdatransport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/offloadhq/offload/internal/memnet"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

func TestSender(t *testing.T) {
	transporttest.Senders(t, transporttest.SenderHarness{Run: synctest.Test, Make: func(tb testing.TB) transporttest.Destination {
		f := &function{tb: tb, name: "work"}
		return transporttest.Destination{
			Sender:     newSender(tb, sdk(f, endpoint), "work", nil),
			TooBig:     1<<20 + 1,
			Arrived:    f.arrived,
			LoseAnswer: func() { f.set(func() { f.lose = true }) },
			Refuse:     func() { f.set(func() { f.refuse = true }) },
			Hold: func() func() {
				held := make(chan struct{})
				f.set(func() { f.held = held })
				return func() { close(held) }
			},
		}
	}})
}

func client(base string) *lambda.Client {
	return lambdatransport.NewClient(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(base),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func TestFunctionsOfEveryNameAreInvoked(t *testing.T) {
	for _, name := range []string{
		"work", "work:live", "work:$LATEST", "123456789012:function:work",
		"arn:aws:lambda:eu-west-1:123456789012:function:work", "arn:aws:lambda:eu-west-1:123456789012:function:work:live",
	} {
		f := &function{tb: t, name: name}
		server := httptest.NewServer(f)
		results, err := newSender(t, client(server.URL), name, nil).Send(t.Context(), envelopes(t, 1))
		server.Close()
		if err != nil || results[0].Outcome != transport.Accepted || results[0].MessageID != "request-1" || len(f.arrived()) != 1 {
			t.Errorf("%s: %+v, %v", name, results, err)
		}
	}
}

func TestB1_ResponseLostAfterAcceptIsUnknown(t *testing.T) {
	f := &function{tb: t, name: "work"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.ServeHTTP(httptest.NewRecorder(), r)
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}))
	defer server.Close()
	results, err := newSender(t, client(server.URL), "work", nil).Send(t.Context(), envelopes(t, 1))
	if err == nil || results[0].Outcome != transport.Unknown || len(f.arrived()) != 1 {
		t.Fatalf("%+v, %v", results, err)
	}
}

func TestB2_AnswerAfterTheTimeoutIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})}
		go func() { _ = server.Serve(network) }()
		defer server.Close()
		api := sdk(&http.Client{Transport: &http.Transport{DialContext: network.Dial}}, endpoint)
		start := time.Now()
		results, err := newSender(t, api, "work", &lambdatransport.Options{Timeout: 50 * time.Millisecond}).Send(t.Context(), envelopes(t, 1))
		if results[0].Outcome != transport.Unknown || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `function "work": no answer within 50ms`) {
			t.Fatalf("%+v, %v", results, err)
		}
		if took := time.Since(start); took != 50*time.Millisecond {
			t.Errorf("a timeout of 50ms took %v", took)
		}
	})
}

func TestNothingThatListensIsRejected(t *testing.T) {
	address, release, err := memnet.Nobody()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	results, err := newSender(t, client("http://"+address), "work", nil).Send(t.Context(), envelopes(t, 1))
	if results[0].Outcome != transport.Rejected || transport.KindOf(err) != transport.Transient || !strings.Contains(err.Error(), "nothing listens there") {
		t.Fatalf("%+v, %v", results, err)
	}
}

func TestB5_EveryCodeIsClassified(t *testing.T) {
	const (
		unknown, rejected = transport.Unknown, transport.Rejected
		transient         = transport.Transient
		throttled         = transport.Throttled
		misconfigured     = transport.Misconfigured
		invalid           = transport.Invalid
	)
	codes := []struct {
		status  int
		code    string
		outcome transport.Outcome
		kind    transport.Kind
	}{
		{429, "TooManyRequestsException", rejected, throttled},
		{400, "TooManyRequestsException", rejected, throttled},
		{502, "EC2ThrottledException", rejected, throttled},
		{400, "ThrottlingException", rejected, throttled},
		{400, "Throttling", rejected, throttled},
		{409, "ResourceConflictException", rejected, throttled},
		{502, "ResourceNotReadyException", rejected, throttled},
		{409, "SnapStartNotReadyException", rejected, throttled},
		{502, "ENILimitReachedException", rejected, throttled},
		{502, "ENINotReadyException", rejected, throttled},
		{502, "SubnetIPAddressLimitReachedException", rejected, throttled},
		{400, "CodeArtifactUserPendingException", rejected, throttled},
		{429, "NeverHeardOf", rejected, throttled},
		{429, "", rejected, throttled},

		{500, "ServiceException", unknown, transient},
		{503, "ServiceUnavailableException", unknown, transient},
		{500, "InternalFailure", unknown, transient},
		{502, "EC2UnexpectedException", unknown, transient},
		{410, "EFSIOException", unknown, transient},
		{408, "EFSMountTimeoutException", unknown, transient},
		{408, "SnapStartTimeoutException", unknown, transient},
		{500, "NeverHeardOf", unknown, transient},
		{502, "", unknown, transient},
		{503, "", unknown, transient},
		{504, "", unknown, transient},
		{400, "NeverHeardOf", rejected, transient},

		{404, "ResourceNotFoundException", rejected, misconfigured},
		{400, "InvalidParameterValueException", rejected, misconfigured},
		{400, "ValidationException", rejected, misconfigured},
		{403, "AccessDeniedException", rejected, misconfigured},
		{403, "ExpiredTokenException", rejected, misconfigured},
		{403, "UnrecognizedClientException", rejected, misconfigured},
		{403, "InvalidSignatureException", rejected, misconfigured},
		{403, "MissingAuthenticationTokenException", rejected, misconfigured},
		{403, "IncompleteSignatureException", rejected, misconfigured},
		{400, "RequestExpired", rejected, misconfigured},
		{400, "OptInRequired", rejected, misconfigured},
		{502, "EC2AccessDeniedException", rejected, misconfigured},
		{502, "KMSAccessDeniedException", rejected, misconfigured},
		{502, "KMSDisabledException", rejected, misconfigured},
		{502, "KMSInvalidStateException", rejected, misconfigured},
		{502, "KMSNotFoundException", rejected, misconfigured},
		{400, "CodeArtifactUserDeletedException", rejected, misconfigured},
		{400, "CodeArtifactUserFailedException", rejected, misconfigured},
		{502, "InvalidRuntimeException", rejected, misconfigured},
		{502, "InvalidSecurityGroupIDException", rejected, misconfigured},
		{502, "InvalidSubnetIDException", rejected, misconfigured},
		{502, "InvalidZipFileException", rejected, misconfigured},
		{403, "EFSMountFailureException", rejected, misconfigured},
		{400, "SnapStartException", rejected, misconfigured},
		{403, "", rejected, misconfigured},
		{404, "", rejected, misconfigured},

		{413, "RequestTooLargeException", rejected, invalid},
		{413, "", rejected, invalid},
		{400, "InvalidRequestContentException", rejected, invalid},
		{415, "UnsupportedMediaTypeException", rejected, invalid},
		{400, "RecursiveInvocationException", rejected, invalid},
	}
	if len(codes) < 40 {
		t.Fatalf("only %d codes", len(codes))
	}
	for _, c := range codes {
		requests := 0
		s := sender(t, func(*http.Request) (*http.Response, error) {
			requests++
			if c.code == "" {
				return answer(c.status, "<html>a proxy</html>"), nil
			}
			return failure(c.status, c.code), nil
		})
		results, err := s.Send(t.Context(), envelopes(t, 1))
		var e *transport.Error
		if !errors.As(err, &e) || results[0].Outcome != c.outcome || e.Kind != c.kind || e.Code == "" || e.Target != `function "work"` {
			t.Errorf("%d %s: %v and %v, want %v and %v: %v", c.status, c.code, results[0].Outcome, transport.KindOf(err), c.outcome, c.kind, err)
			continue
		}
		if e.Kind == misconfigured && e.Hint == "" {
			t.Errorf("%d %s: has no hint", c.status, c.code)
		}
		if requests != 1 {
			t.Errorf("%d %s: %d requests, want 1", c.status, c.code, requests)
		}
	}
}

func TestB8_AnswersThatMakeNoSense(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   transport.Outcome
	}{
		"accepted":                {202, ``, transport.Accepted},
		"accepted, with a page":   {202, `<html>`, transport.Accepted},
		"done at once":            {200, `{}`, transport.Unknown},
		"a page of a proxy":       {200, `<html>welcome</html>`, transport.Unknown},
		"no content":              {204, ``, transport.Unknown},
		"a login page":            {302, `<html>`, transport.Rejected},
		"an error page":           {502, `<html>`, transport.Unknown},
		"an error without a body": {500, ``, transport.Unknown},
	} {
		s := sender(t, func(*http.Request) (*http.Response, error) { return answer(c.status, c.body), nil })
		results, err := s.Send(t.Context(), envelopes(t, 1))
		if results[0].Outcome != c.want || (err == nil) != (c.want == transport.Accepted) {
			t.Errorf("%s: %+v, %v", name, results[0], err)
		}
	}
	results, err := newSender(t, invokeFunc(nil), "work", nil).Send(t.Context(), envelopes(t, 1))
	if results[0].Outcome != transport.Unknown || err == nil {
		t.Errorf("no answer and no error: %+v, %v", results[0], err)
	}
}

// invokeFunc is an API that is a function; nil gives no answer and no error.
type invokeFunc func() (*lambda.InvokeOutput, error)

func (f invokeFunc) Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	if f == nil {
		return nil, nil
	}
	return f()
}

func FuzzB8_AnyAnswer(f *testing.F) {
	f.Add(202, "", "")
	f.Add(200, "", `{"FunctionError":"Unhandled"}`)
	f.Add(400, "InvalidRequestContentException", `{"message":null}`)
	f.Add(429, "TooManyRequestsException", `{"Reason":"CallerRateLimitExceeded","retryAfterSeconds":"1"}`)
	f.Add(500, "ServiceException:http://internal", `{`)
	f.Add(0, "", "<html>")
	sent := envelopes(f, 1)
	f.Fuzz(func(t *testing.T, status int, code, body string) {
		status = 100 + max(status, -(status+1))%500
		s := sender(t, func(*http.Request) (*http.Response, error) {
			r := answer(status, body)
			if code != "" {
				r.Header.Set("X-Amzn-Errortype", code)
			}
			return r, nil
		})
		results, err := s.Send(t.Context(), sent)
		if len(results) != 1 || (err == nil) != (results[0].Outcome == transport.Accepted) || results[0].Outcome == transport.Accepted && status != 202 {
			t.Fatalf("status %d, %q: %+v, %v", status, body, results, err)
		}
	})
}

func TestC1_SizesAtTheLimit(t *testing.T) {
	f := &function{tb: t, name: "work"}
	requests := 0
	s := sender(t, func(r *http.Request) (*http.Response, error) { requests++; return f.Do(r) })
	if got := s.Limits(); got != (transport.Limits{Items: 1, BatchBytes: 1 << 20, MessageBytes: 1<<20 - 32<<10}) {
		t.Errorf("limits: %+v", got)
	}
	least := envelope(t, "").Size()
	for _, d := range []int{-1, 0, 1} {
		results, err := s.Send(t.Context(), []task.Envelope{envelope(t, strings.Repeat("x", 1<<20+d-least))})
		if d <= 0 && results[0].Outcome != transport.Accepted || d > 0 && (results[0].Outcome != transport.Rejected || transport.KindOf(err) != transport.Invalid) {
			t.Errorf("1 MiB %+d: %+v", d, results[0])
		}
	}
	if n := len(f.arrived()); n != 2 || requests != 2 {
		t.Errorf("%d events arrived by %d requests, want 2 by 2", n, requests)
	}
}

func TestManyAreSentConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender(t, sdk(doFunc(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(202, ""), nil
		}), endpoint), "work", &lambdatransport.Options{Concurrency: 5})
		start := time.Now()
		if _, err := s.Send(t.Context(), envelopes(t, 15)); err != nil || time.Since(start) != 3*time.Second {
			t.Fatalf("15 requests of a second each took %v, 5 at a time: %v", time.Since(start), err)
		}
	})
}

func TestNewReturnsEveryProblem(t *testing.T) {
	_, err := lambdatransport.New(nil, " ", &lambdatransport.Options{Timeout: -1, Concurrency: -1})
	for _, want := range []string{`function " ": needs a name`, "Timeout -1ns", "Concurrency -1", "the API is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v: want %q in it", err, want)
		}
	}
}

func TestB10_TasksDoNotCrossANetworkUnencrypted(t *testing.T) {
	for _, c := range []struct {
		endpoint    string
		allow, want bool
	}{
		{"http://127.0.0.1:4566", false, true},
		{"https://lambda.eu-west-1.amazonaws.com", false, true},
		{"http://lambda.eu-west-1.amazonaws.com", false, false},
		{"http://lambda.eu-west-1.amazonaws.com", true, true},
	} {
		_, err := lambdatransport.New(sdk(nil, c.endpoint), "work", &lambdatransport.Options{AllowPlaintext: c.allow})
		if (err == nil) != c.want {
			t.Errorf("%s, allowed %t: %v", c.endpoint, c.allow, err)
		}
	}
	if _, err := lambdatransport.New(lambda.New(lambda.Options{Region: "eu-west-1"}), "work", nil); err != nil {
		t.Error(err)
	}
}

func TestClientKeepsConnections(t *testing.T) {
	h, ok := lambdatransport.NewClient(aws.Config{Region: "eu-west-1"}).Options().HTTPClient.(*awshttp.BuildableClient)
	if !ok || h.GetTransport().MaxIdleConnsPerHost < 128 {
		t.Errorf("the HTTP client is %+v", h)
	}
}

func TestDestination(t *testing.T) {
	for function, want := range map[string]transport.Destination{
		"work":                      {System: "aws_lambda", Name: "work", Region: "us-east-1"},
		"work:live":                 {System: "aws_lambda", Name: "work", Region: "us-east-1"},
		"123456789012:function:w":   {System: "aws_lambda", Name: "w", Region: "us-east-1"},
		"123456789012:function:w:1": {System: "aws_lambda", Name: "w", Region: "us-east-1"},
		"arn:aws-cn:lambda:cn-north-1:123456789012:function:w:live": {System: "aws_lambda", Name: "w", Region: "cn-north-1"},
	} {
		for base, server := range map[string]string{"": "", "http://127.0.0.1:9/path": "127.0.0.1:9"} {
			s, err := lambdatransport.New(sdk(nil, base), function, nil)
			if err != nil {
				t.Fatal(err)
			}
			want.Server = server
			if got := s.Destination(); got != want {
				t.Errorf("of %q is %+v, want %+v", function, got, want)
			}
		}
	}
	s, err := lambdatransport.New(struct{ lambdatransport.API }{}, "work", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Destination(), (transport.Destination{System: "aws_lambda", Name: "work"}); got != want {
		t.Errorf("with an API that has no options: %+v, want %+v", got, want)
	}
}

// provider gives another key each time that it is asked.
type provider struct{ asked int }

func (p *provider) Retrieve(context.Context) (aws.Credentials, error) {
	p.asked++
	return aws.Credentials{AccessKeyID: fmt.Sprint("key-", p.asked), SecretAccessKey: "secret"}, nil
}

// TestA8_RefusedCredentialsAreLoadedAgain gives a provider without a cache.
func TestA8_RefusedCredentialsAreLoadedAgain(t *testing.T) {
	for code, want := range map[string]int{"ExpiredTokenException": 3, "AccessDeniedException": 1} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Errortype", code)
			w.WriteHeader(http.StatusForbidden)
		}))
		var p provider
		s := newSender(t, lambdatransport.NewClient(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: &p}), "work", nil)
		for range 3 {
			results, _ := s.Send(t.Context(), envelopes(t, 1))
			if results[0].Outcome != transport.Rejected || transport.KindOf(results[0].Err) != transport.Misconfigured {
				t.Errorf("%s: %+v", code, results[0])
			}
		}
		server.Close()
		if p.asked != want {
			t.Errorf("%s: credentials were loaded %d times in 3 calls, want %d", code, p.asked, want)
		}
	}
}
