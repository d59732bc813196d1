package emulator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(name)) })
}

func TestRequestsGoToTheirService(t *testing.T) {
	h := newHandler(named("sqs"), named("lambda"))
	signed := func(service string) string {
		return "AWS4-HMAC-SHA256 Credential=key/20261124/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
	}
	for _, c := range []struct {
		method, path, target, authorization string
		status                              int
		says                                string
	}{
		{"POST", "/", "AmazonSQS.SendMessage", signed("sqs"), 200, "sqs"},
		{"POST", "/000000000000/q", "AmazonSQS.SendMessage", "", 200, "sqs"},
		{"POST", "/2015-03-31/functions/f/invocations", "", signed("lambda"), 200, "lambda"},
		{"GET", "/2015-03-31/functions/", "", "", 200, "lambda"},
		{"GET", "/2015-03-31/event-source-mappings", "", "", 200, "lambda"},
		{"GET", "/2019-09-25/functions/f/event-invoke-config", "", "", 200, "lambda"},
		{"GET", "/2018-10-31/layers", "", signed("lambda"), 200, "lambda"},
		{"GET", "/2013-04-01/hostedzone", "", "", 501, "GET /2013-04-01/hostedzone"},
		{"POST", "/", "DynamoDB_20120810.GetItem", signed("dynamodb"), 501, "AWS_ENDPOINT_URL_DYNAMODB"},
		{"PUT", "/bucket/key", "", signed("s3"), 501, "AWS_ENDPOINT_URL_S3"},
		{"POST", "/", "", signed("states"), 501, "AWS_ENDPOINT_URL_SFN"},
		{"POST", "/", "", signed("sqs"), 501, "query protocol"},
		{"GET", "/favicon.ico", "", "", 501, "GET /favicon.ico"},
		{"GET", "/", "", "AWS4-HMAC-SHA256 Credential=broken", 501, "GET /"},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("X-Amz-Target", c.target)
		r.Header.Set("Authorization", c.authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s %s: %d %q, want %d and %q", c.method, c.path, c.target, w.Code, w.Body, c.status, c.says)
		}
	}
}
