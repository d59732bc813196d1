package awscall

import (
	"context"
	"errors"
	"fmt"
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
	exchanges   sync.Pool // of *exchange
	clock       clock
	blank       http.Request // what all requests have in common
	agent       []string     // the value of a header
	reuses      bool         // the memory of requests
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
		anonymous: aws.IsCredentialsProvider(cfg.Credentials, (*aws.AnonymousCredentials)(nil)),
		agent:     []string{"offload"},
	}
	c.signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = endpoint.URL.Path == "/" }) // it changes nothing there
	c.blank = http.Request{
		Method: http.MethodPost, URL: endpoint.URL, Host: endpoint.URL.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	pooled := awserr.Pooled(cfg.HTTPClient)
	_, c.reuses = pooled.(*awshttp.BuildableClient)
	c.http = direct(pooled, endpoint.URL)
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
	x := c.newExchange()
	defer c.free(x, watch)
	x.body = encode(x.body)
	r := c.request(ctx, watch, target, x)
	used := c.clock.offset()
	if err := c.sign(ctx, r, x, used, watch); err != nil {
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
