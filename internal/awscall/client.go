package awscall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/offloadhq/offload/internal/awserr"
)

// Client calls one service in AWS JSON 1.0. It is safe for concurrent use.
type Client struct {
	service     Service
	endpoint    Endpoint
	http        aws.HTTPClient
	credentials aws.CredentialsProvider // a cache
	keys        awserr.Keys
	anonymous   bool
	signer      *v4.Signer
	drafts      sync.Pool // of *draft
	clock       clock
	blank       http.Request // what all requests have in common
	agent       []string     // the value of a header
	reuses      bool         // the buffers of bodies; the HTTP client is one that is known to read none after its answer
}

// New makes a client from a loaded configuration, and no request. It returns every problem, joined. What only an SDK
// client can do (middleware, interceptors, options of services) is refused, not left out in silence.
func New(cfg aws.Config, s Service) (*Client, error) {
	endpoint, err := Resolve(cfg, s)
	problems := []error{err}
	if len(cfg.APIOptions) > 0 || len(cfg.ServiceOptions) > 0 || hasInterceptors(cfg) {
		problems = append(problems, errors.New("the configuration has APIOptions, Interceptors or ServiceOptions, which run in SDK clients only: leave them out, or use a client of the SDK"))
	}
	if cfg.Credentials == nil {
		problems = append(problems, errors.New("the configuration has no credentials: load it with config.LoadDefaultConfig, or set Credentials"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	c := &Client{
		service: s, endpoint: endpoint, credentials: awserr.Cached(cfg.Credentials),
		http:      awserr.Pooled(cfg.HTTPClient),
		anonymous: aws.IsCredentialsProvider(cfg.Credentials, (*aws.AnonymousCredentials)(nil)),
		agent:     []string{"offload"},
	}
	c.signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = endpoint.URL.Path == "/" }) // it changes nothing there
	c.blank = http.Request{
		Method: http.MethodPost, URL: endpoint.URL, Host: endpoint.URL.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	_, c.reuses = c.http.(*awshttp.BuildableClient)
	c.clock.off = cfg.DisableClockSkewCorrection
	if cfg.AppID != "" {
		c.agent[0] += " app/" + url.PathEscape(cfg.AppID)
	}
	return c, nil
}

// hasInterceptors looks into every list of them; a loaded configuration has the lists, empty.
func hasInterceptors(cfg aws.Config) bool {
	lists := reflect.ValueOf(cfg.Interceptors)
	for i := range lists.NumField() {
		if lists.Field(i).Len() > 0 {
			return true
		}
	}
	return false
}

// Endpoint returns where requests go.
func (c *Client) Endpoint() Endpoint { return c.endpoint }

// Call makes one POST request to the operation that target names in its header. encode appends the body of the request to
// a buffer; decode reads the body of a successful answer, of which it must keep nothing. An error is one of the network, of
// the credentials, or an [*Error]; watch knows how far the request came.
func (c *Client) Call(ctx context.Context, target string, encode func([]byte) []byte, decode func([]byte) error, watch *awserr.Call) error {
	watch.Begin()
	body := bodies.get()
	defer func() {
		if c.reuses && watch.Written() {
			bodies.put(body)
		}
	}()
	*body = encode(*body)
	r := c.request(ctx, watch, target, *body)
	used := c.clock.offset()
	if err := c.sign(ctx, r, *body, used, watch); err != nil {
		return err
	}
	watch.Sending()
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	now := time.Now()
	text := answers.get()
	defer answers.put(text)
	*text, err = readAll(answer.Body, *text)
	_ = answer.Body.Close()
	skewed := c.clock.observe(answer.Header, now, used)
	switch {
	case answer.StatusCode < 200 || answer.StatusCode >= 300:
		e := refusal(answer, *text)
		e.Corrected = skewed && clockCodes[awserr.Canonical(e.Code)]
		return e
	case err != nil:
		return &Error{Status: answer.StatusCode, err: err}
	}
	if err := decode(*text); err != nil {
		return &Error{Status: answer.StatusCode, err: fmt.Errorf("the answer cannot be read: %w", err)}
	}
	return nil
}

// clockCodes are those by which services refuse a signature, for its time or for other reasons.
var clockCodes = map[string]bool{
	"InvalidSignature": true, "SignatureDoesNotMatch": true, "AuthFailure": true, "RequestTimeTooSkewed": true,
	"RequestExpired": true, "RequestInTheFuture": true, "AccessDenied": true,
}

// Values of headers, which nobody writes to.
var (
	contentType = []string{"application/x-amz-json-1.0"}
	queryMode   = []string{"true"} // an error then carries its older code too
)

// request builds the request. Its body is of a kind that net/http knows to be in memory: it then writes headers and body
// at once, and can send them again on another connection when an idle one turns out to be closed.
func (c *Client) request(ctx context.Context, watch *awserr.Call, target string, body []byte) *http.Request {
	r := c.blank.WithContext(watch.Traced(ctx))
	r.Header = make(http.Header, 8)
	r.Header["Content-Type"] = contentType
	r.Header["User-Agent"] = c.agent
	r.Header["X-Amz-Target"] = []string{target}
	r.Header["X-Amzn-Query-Mode"] = queryMode
	if trace := InvocationTrace(ctx); trace != "" {
		r.Header["X-Amzn-Trace-Id"] = []string{headerText(trace)}
	}
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	return r
}

// InvocationTrace is the X-Ray header of the Lambda invocation that ctx belongs to, "" outside a function. Each call
// carries it: Lambda stops chains of invocations by it. The Lambda runtime for Go keeps it in the context, and in the
// environment for those who have lost the context.
func InvocationTrace(ctx context.Context) string {
	if _, lambda := os.LookupEnv("AWS_LAMBDA_FUNCTION_NAME"); !lambda {
		return ""
	}
	trace, _ := ctx.Value("x-amzn-trace-id").(string)
	if trace == "" {
		trace = os.Getenv("_X_AMZN_TRACE_ID")
	}
	return trace
}

// headerText escapes what a header must not hold, as the SDK does.
func headerText(s string) string {
	const bare = `-=;:+&[]{}"',`
	var escaped []byte
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(bare, c) >= 0 {
			escaped = append(escaped, c)
		} else {
			escaped = fmt.Appendf(escaped, "%%%02X", c)
		}
	}
	return string(escaped)
}
