package sqstransport_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

const (
	transient     = transport.Transient
	throttled     = transport.Throttled
	misconfigured = transport.Misconfigured
	invalid       = transport.Invalid
	unknown       = transport.Unknown
	rejected      = transport.Rejected
)

var wholeCalls = []struct {
	status  int
	code    string
	query   string // the code of the older protocol, which then counts
	outcome transport.Outcome
	kind    transport.Kind
}{
	{400, "RequestThrottled", "", rejected, throttled},
	{403, "RequestThrottled", "AWS.SimpleQueueService.RequestThrottled", rejected, throttled},
	{503, "RequestThrottled", "", rejected, throttled},
	{400, "ThrottlingException", "", rejected, throttled},
	{400, "Throttling", "", rejected, throttled},
	{400, "ThrottledException", "", rejected, throttled},
	{400, "TooManyRequestsException", "", rejected, throttled},
	{429, "TooManyRequestsException", "", rejected, throttled},
	{400, "RequestLimitExceeded", "", rejected, throttled},
	{503, "SlowDown", "", rejected, throttled},
	{400, "BandwidthLimitExceeded", "", rejected, throttled},
	{403, "OverLimit", "", rejected, throttled},
	{400, "KmsThrottled", "", rejected, throttled},
	{400, "KmsThrottled", "KMS.ThrottlingException", rejected, throttled},
	{429, "NeverHeardOf", "", rejected, throttled},
	{429, "", "", rejected, throttled},

	{500, "InternalError", "", unknown, transient},
	{500, "InternalFailure", "", unknown, transient},
	{503, "ServiceUnavailable", "", unknown, transient},
	{503, "ServiceUnavailableException", "", unknown, transient},
	{400, "RequestTimeout", "", unknown, transient},
	{408, "RequestTimeoutException", "", unknown, transient},
	{408, "NeverHeardOf", "", unknown, transient},
	{408, "", "", unknown, transient},
	{425, "", "", unknown, transient},
	{499, "", "", unknown, transient},
	{500, "NeverHeardOf", "", unknown, transient},
	{502, "NeverHeardOf", "", unknown, transient},
	{503, "NeverHeardOf", "", unknown, transient},
	{504, "NeverHeardOf", "", unknown, transient},
	{500, "", "", unknown, transient},
	{502, "", "", unknown, transient},
	{503, "", "", unknown, transient},
	{504, "", "", unknown, transient},

	{403, "ExpiredToken", "", rejected, misconfigured},
	{403, "ExpiredTokenException", "", rejected, misconfigured},
	{403, "InvalidClientTokenId", "", rejected, misconfigured},
	{403, "UnrecognizedClientException", "", rejected, misconfigured},
	{403, "SignatureDoesNotMatch", "", rejected, misconfigured},
	{403, "InvalidSignatureException", "", rejected, misconfigured},
	{403, "IncompleteSignature", "", rejected, misconfigured},
	{403, "MissingAuthenticationToken", "", rejected, misconfigured},
	{403, "MissingAuthenticationTokenException", "", rejected, misconfigured},
	{400, "RequestExpired", "", rejected, misconfigured},
	{403, "InvalidSecurity", "", rejected, misconfigured},
	{403, "AccessDenied", "", rejected, misconfigured},
	{400, "AccessDeniedException", "", rejected, misconfigured},
	{403, "NotAuthorized", "", rejected, misconfigured},
	{403, "OptInRequired", "", rejected, misconfigured},
	{400, "InvalidAddress", "", rejected, misconfigured},
	{400, "QueueDoesNotExist", "", rejected, misconfigured},
	{400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", rejected, misconfigured},
	{400, "AWS.SimpleQueueService.NonExistentQueue", "", rejected, misconfigured},
	{400, "AWS.SimpleQueueService.QueueDeletedRecently", "", rejected, misconfigured},
	{400, "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", rejected, misconfigured},
	{400, "MissingParameter", "", rejected, misconfigured},
	{400, "KmsDisabled", "KMS.DisabledException", rejected, misconfigured},
	{400, "KmsInvalidState", "KMS.InvalidStateException", rejected, misconfigured},
	{400, "KmsNotFound", "KMS.NotFoundException", rejected, misconfigured},
	{400, "KmsAccessDenied", "KMS.AccessDeniedException", rejected, misconfigured},
	{400, "KmsInvalidKeyUsage", "KMS.InvalidKeyUsageException", rejected, misconfigured},
	{403, "KmsOptInRequired", "KMS.OptInRequired", rejected, misconfigured},
	{400, "InvalidAction", "", rejected, misconfigured},
	{404, "UnknownOperationException", "", rejected, misconfigured},
	{403, "", "", rejected, misconfigured},
	{404, "", "", rejected, misconfigured},
	{307, "", "", rejected, misconfigured},

	{400, "InvalidMessageContents", "", rejected, invalid},
	{400, "InvalidParameterValue", "", rejected, invalid},
	{400, "InvalidParameterValueException", "", rejected, invalid},
	{400, "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", rejected, invalid},
	{400, "TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", rejected, invalid},
	{413, "", "", rejected, invalid},
	{400, "NeverHeardOf", "", rejected, transient},
}

func TestB5_EveryCodeIsClassified(t *testing.T) { each(t, testB5_EveryCodeIsClassified) }

func testB5_EveryCodeIsClassified(t *testing.T, k kind) {
	if len(wholeCalls) < 40 {
		t.Fatalf("only %d codes", len(wholeCalls))
	}
	for _, c := range wholeCalls {
		name := fmt.Sprintf("%d %s %s", c.status, c.code, c.query)
		s := k.sender(t, func(*http.Request) (*http.Response, error) {
			r := answer(c.status, `{"__type":"com.amazonaws.sqs#`+c.code+`","message":"the message"}`)
			if c.code == "" {
				r = answer(c.status, "<html>a proxy</html>")
			}
			if c.query != "" {
				r.Header.Set("X-Amzn-Query-Error", c.query+";Sender")
			}
			return r, nil
		})
		results, err := s.Send(t.Context(), envelopes(t, 1))
		var e *transport.Error
		if !errors.As(err, &e) || results[0].Outcome != c.outcome || e.Kind != c.kind {
			t.Errorf("%s: %v and %v, want %v and %v (%v)", name, results[0].Outcome, transport.KindOf(err), c.outcome, c.kind, err)
			continue
		}
		want := c.code
		if c.query != "" {
			want = c.query
		}
		if want == "" {
			want = fmt.Sprintf("HTTP %d", c.status)
		}
		if e.Code != want || e.Target != `queue "`+queueURL+`"` {
			t.Errorf("%s: code %q, target %q", name, e.Code, e.Target)
		}
		if e.Kind == misconfigured && e.Hint == "" {
			t.Errorf("%s: has no hint", name)
		}
		if c.code != "" && !strings.HasPrefix(err.Error(), e.Target+": "+want+": the message") {
			t.Errorf("%s: reads %q", name, err)
		}
	}
}

// TestB5_EveryCodeOfAnEntryIsClassified is about the codes of single entries.
func TestB5_EveryCodeOfAnEntryIsClassified(t *testing.T) {
	each(t, testB5_EveryCodeOfAnEntryIsClassified)
}

func testB5_EveryCodeOfAnEntryIsClassified(t *testing.T, k kind) {
	for _, c := range []struct {
		code        string
		senderFault bool
		kind        transport.Kind
	}{
		{"InvalidMessageContents", true, invalid},
		{"InvalidParameterValue", true, invalid},
		{"AWS.SimpleQueueService.MessageTooLong", true, invalid},
		{"NeverHeardOf", true, invalid},
		{"", true, invalid},
		{"KMS.AccessDeniedException", true, misconfigured},
		{"AccessDenied", true, misconfigured},
		{"RequestThrottled", true, throttled},
		{"KmsThrottled", false, throttled},
		{"ThrottlingException", false, throttled},
		{"KmsDisabled", false, misconfigured},
		{"InternalError", false, transient},
		{"ServiceUnavailable", false, transient},
		{"InvalidMessageContents", false, transient},
		{"NeverHeardOf", false, transient},
		{"", false, transient},
	} {
		s := k.sender(t, serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) {
			return nil, map[string]any{"Id": entry["Id"], "Code": c.code, "SenderFault": c.senderFault}
		}))
		results, err := s.Send(t.Context(), envelopes(t, 2))
		for _, r := range results {
			if e := is(t, r, rejected, c.kind); e.Code != c.code {
				t.Errorf("code %q, want %q: %v", e.Code, c.code, err)
			}
		}
	}
}

func TestHintNamesTheRegionThatDiffers(t *testing.T) { each(t, testHintNamesTheRegionThatDiffers) }

func testHintNamesTheRegionThatDiffers(t *testing.T, k kind) {
	for url, region := range map[string]string{
		"https://sqs.eu-west-1.amazonaws.com/123456789012/work":          "eu-west-1",
		"https://sqs-fips.us-west-2.amazonaws.com/123456789012/work":     "us-west-2",
		"https://eu-central-1.queue.amazonaws.com/123456789012/work":     "eu-central-1",
		"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/work":      "cn-north-1",
		"https://queue.amazonaws.com/123456789012/work":                  "", // us-east-1, that of the client
		"https://sqs.us-east-1.amazonaws.com/123456789012/work":          "",
		"https://sqs.eu-west-1.example.com/123456789012/work":            "",
		"https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/123456789012/w": "",
	} {
		do := doFunc(func(*http.Request) (*http.Response, error) { return answer(400, `{"__type":"QueueDoesNotExist"}`), nil })
		_, err := newSender(t, k.client(config(do, "")), url, nil).Send(t.Context(), envelopes(t, 1))
		want := "the queue is in " + region + ", but the client is set to us-east-1"
		if err == nil || strings.Contains(err.Error(), want) != (region != "") || region == "" && strings.Contains(err.Error(), "but the client") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) { each(t, testNewRefusesWhatCannotWork) }

func testNewRefusesWhatCannotWork(t *testing.T, k kind) {
	api := sqstransport.NewClient(config(nil, endpoint))
	for name, c := range map[string]struct {
		api  *sqstransport.Client
		url  string
		opts sqstransport.Options
		want []string
	}{
		"no client":     {nil, queueURL, sqstransport.Options{}, []string{"the client is nil"}},
		"no URL":        {api, "", sqstransport.Options{}, []string{`queue "": queue URL ""`}},
		"a name":        {api, "work", sqstransport.Options{}, []string{"http or https URL"}},
		"an ARN":        {api, "arn:aws:sqs:eu-west-1:1:work", sqstransport.Options{}, []string{"http or https URL"}},
		"no account":    {api, "https://sqs.eu-west-1.amazonaws.com/work", sqstransport.Options{}, []string{"/ACCOUNT/NAME"}},
		"broken":        {api, "https://a b/%zz", sqstransport.Options{}, []string{"invalid"}},
		"bad options":   {api, queueURL, sqstransport.Options{MaxMessageBytes: 1, Timeout: -1, Concurrency: -1}, []string{"MaxMessageBytes 1:", "Timeout -1ns:", "Concurrency -1:"}},
		"more than SQS": {api, queueURL, sqstransport.Options{MaxMessageBytes: 1<<20 + 1}, []string{"MaxMessageBytes"}},
	} {
		_, err := sqstransport.New(c.api, c.url, &c.opts)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q in it", name, err, want)
			}
		}
	}
}

func TestB10_TasksDoNotCrossANetworkUnencrypted(t *testing.T) {
	each(t, testB10_TasksDoNotCrossANetworkUnencrypted)
}

func testB10_TasksDoNotCrossANetworkUnencrypted(t *testing.T, k kind) {
	const url = "https://sqs.eu-west-1.amazonaws.com/123456789012/work"
	for _, c := range []struct {
		endpoint, url string
		allow, want   bool
	}{
		{"", url, false, true},
		{"", "http://sqs.eu-west-1.amazonaws.com/123456789012/work", false, false},
		{"", "http://127.0.0.1:4566/000000000000/work", false, true},
		{"", "http://[::1]:4566/000000000000/work", false, true},
		{"", "http://localhost:4566/000000000000/work", false, true},
		{"", "http://sqs.localhost:4566/000000000000/work", false, true},
		{"", "http://localhost.example.com/000000000000/work", false, false},
		{"", "http://10.0.0.1/000000000000/work", false, false},
		{"", "http://10.0.0.1/000000000000/work", true, true},
		{"http://127.0.0.1:4566", "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/work", false, true},
		{"https://proxy.example.com", url, false, true},
		{"http://proxy.example.com", url, false, false},
		{"http://proxy.example.com", url, true, true},
		{"ftp://127.0.0.1", url, false, false},
		{"127.0.0.1:4566", url, false, false},
	} {
		_, err := sqstransport.New(k.client(config(nil, c.endpoint)), c.url, &sqstransport.Options{AllowPlaintext: c.allow})
		if (err == nil) != c.want {
			t.Errorf("endpoint %q, queue %q, allowed %t: %v", c.endpoint, c.url, c.allow, err)
		}
	}
}
