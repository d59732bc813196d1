package awscall

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestLongAnswerIsCutOff(t *testing.T) {
	for n, want := range map[int]bool{0: true, 1: true, 511: true, 512: true, 513: true, maxAnswer: true, 100 * maxAnswer: false} {
		read := 0
		b, err := readAll(io.TeeReader(io.LimitReader(endless{}, int64(n)), counter{&read}), nil)
		if (err == nil) != want || want && len(b) != n {
			t.Errorf("%d bytes: read %d, %v", n, len(b), err)
		}
		if read > 2*maxAnswer+512 {
			t.Errorf("%d bytes: %d were read", n, read)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, strings.Repeat("x", len(p))), nil }

type counter struct{ n *int }

func (c counter) Write(p []byte) (int, error) { *c.n += len(p); return len(p), nil }

func TestRefusalFindsTheCodeWhereverItStands(t *testing.T) {
	for _, c := range []struct {
		header      http.Header
		text        string
		code, error string
	}{
		{nil, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`, "QueueDoesNotExist", "no"},
		{nil, `{"__type":"Throttled:http://internal.amazon.com/coral/","Message":"slow"}`, "Throttled", "slow"},
		{nil, `{"code":"AccessDenied"}`, "AccessDenied", "HTTP 400: the answer has no message"},
		{nil, `{"Code":"AccessDenied","__type":""}`, "AccessDenied", "HTTP 400: the answer has no message"},
		{nil, `{"code":400,"__type":null,"message":"m"}`, "", "m"},
		{http.Header{"X-Amzn-Errortype": {"InternalFailure:http://x"}}, `{"__type":"Other"}`, "InternalFailure", "HTTP 400: the answer has no message"},
		{http.Header{"X-Amzn-Errortype": {"InternalFailure"}}, ``, "InternalFailure", "HTTP 400: the answer has no message"},
		{http.Header{"X-Amzn-Query-Error": {"AWS.SimpleQueueService.NonExistentQueue;Sender"}}, `{"__type":"QueueDoesNotExist"}`, "AWS.SimpleQueueService.NonExistentQueue", "HTTP 400: the answer has no message"},
		{http.Header{"X-Amzn-Query-Error": {";"}}, `{"__type":"Here"}`, "Here", "HTTP 400: the answer has no message"},
		{nil, ``, "", `HTTP 400: the answer is none of the service: ""`},
		{nil, `<html>`, "", `HTTP 400: the answer is none of the service: "<html>"`},
		{nil, `{"message":"whole"} x`, "", `HTTP 400: the answer is none of the service: "{\"message\":\"whole\"} x"`},
		{nil, `{} {}`, "", `HTTP 400: the answer is none of the service: "{} {}"`},
		{nil, `{"message":"half`, "", `HTTP 400: the answer is none of the service: "{\"message\":\"half"`},
	} {
		h := c.header
		if h == nil {
			h = http.Header{}
		}
		e := refusal(&http.Response{StatusCode: 400, Header: h}, []byte(c.text))
		if e.Code != c.code || e.Error() != c.error || e.Unwrap() != nil && e.ErrorMessage() != "" {
			t.Errorf("%v %s: code %q, error %q", c.header, c.text, e.Code, e)
		}
	}
}
