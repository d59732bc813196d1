package client_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/awssdk"
)

// sqsQueue is an http.RoundTripper with Amazon SQS at its other end, which fails until the bubble is so old.
type sqsQueue struct {
	probes // each attempt
	stored map[string]int
	fail   func(q *sqsQueue, r *http.Request) (*http.Response, error)
	outage time.Duration
}

// RoundTrip implements http.RoundTripper.
func (q *sqsQueue) RoundTrip(r *http.Request) (*http.Response, error) {
	q.note()
	if time.Since(start2000) < q.outage {
		return q.fail(q, r)
	}
	return q.accept(r)
}

// accept stores every message of a batch.
func (q *sqsQueue) accept(r *http.Request) (*http.Response, error) {
	type success struct{ Id, MessageId, MD5OfMessageBody string } //nolint:revive // the names of the API
	var in struct {
		Entries []struct{ Id, MessageBody string } //nolint:revive // the same
	}
	var out struct{ Successful []success }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range in.Entries {
		e, err := task.Parse([]byte(m.MessageBody))
		if err != nil {
			return nil, err
		}
		q.stored[e.ID()]++
		sum := md5.Sum([]byte(m.MessageBody)) //nolint:gosec // the digest of the protocol
		out.Successful = append(out.Successful, success{m.Id, "m", hex.EncodeToString(sum[:])})
	}
	body, err := json.Marshal(out)
	return httpAnswer(http.StatusOK, string(body)), err
}

func httpAnswer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader([]byte(body))),
	}
}

func answers(status int, code string) func(*sqsQueue, *http.Request) (*http.Response, error) {
	return func(*sqsQueue, *http.Request) (*http.Response, error) {
		return httpAnswer(status, `{"__type":"com.amazonaws.sqs#`+code+`","message":"no"}`), nil
	}
}

// sends counts the calls of a Sender.
type sends struct {
	transport.Sender
	n atomic.Int64
}

func (s *sends) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	s.n.Add(1)
	return s.Sender.Send(ctx, batch)
}

// TestT15_A6_RetriesDoNotMultiply counts HTTP requests over six hours of failures, one hour for a quick look. The client of
// the SDK comes with its own retries, three attempts a call: they must be off.
func TestT15_A6_RetriesDoNotMultiply(t *testing.T) {
	for kind, open := range map[string]func(aws.Config) *sqstransport.Client{
		"lean": sqstransport.NewClient,
		"SDK":  func(cfg aws.Config) *sqstransport.Client { return awssdk.Wrap(sqs.NewFromConfig(cfg)) },
	} {
		for name, fail := range map[string]func(*sqsQueue, *http.Request) (*http.Response, error){
			"unavailable": answers(503, "ServiceUnavailable"),
			"throttled":   answers(400, "RequestThrottled"),
			"reset":       func(*sqsQueue, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
			"answer lost": func(q *sqsQueue, r *http.Request) (*http.Response, error) {
				if _, err := q.accept(r); err != nil {
					return nil, err
				}
				return nil, io.EOF
			},
			"hangs": func(_ *sqsQueue, r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { retriesDoNotMultiply(t, open, &sqsQueue{fail: fail}) })
			})
		}
	}
}

func retriesDoNotMultiply(t *testing.T, open func(aws.Config) *sqstransport.Client, q *sqsQueue) {
	q.outage, q.stored = time.Duration(scaled(4, 24, 24))*15*time.Minute, map[string]int{}
	sender, err := sqstransport.New(open(aws.Config{
		Region: "eu-west-1", HTTPClient: &http.Client{Transport: q},
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), "https://sqs.eu-west-1.amazonaws.com/1/q", nil)
	if err != nil {
		t.Fatal(err)
	}
	counted := &sends{Sender: sender}
	c := newClient(t, counted, &client.Options{Mode: client.Buffered})
	var fired []string
	for time.Since(start2000) < q.outage {
		r, err := c.Fire(t.Context(), number.With(len(fired)))
		if err != nil {
			t.Fatal(err)
		}
		fired = append(fired, r.ID)
		time.Sleep(10 * time.Second)
	}
	if d := closest(q.between(time.Minute, q.outage)); d < time.Second {
		t.Errorf("requests %v apart", d)
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(start2000) - q.outage; took > 5*time.Second {
		t.Errorf("recovered and drained after %v", took)
	}
	for _, id := range fired {
		if q.stored[id] == 0 {
			t.Fatalf("task %s is lost", id)
		}
	}
	requests, logical := len(q.between(0, 24*time.Hour)), counted.n.Load()
	if t.Logf("%d HTTP requests for %d calls of Send", requests, logical); float64(requests) > 1.2*float64(logical) || float64(logical) < q.outage.Seconds()/4 {
		t.Errorf("%d HTTP requests for %d calls of Send", requests, logical)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
