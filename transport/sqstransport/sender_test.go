package sqstransport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/internal/memnet"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/awssdk"
)

// batch is a request as it travels.
type batch struct {
	QueueUrl string //nolint:revive // the name on the wire
	Entries  []map[string]any
}

func readBatch(tb testing.TB, r *http.Request) (b batch) {
	tb.Helper()
	if target := r.Header.Get("X-Amz-Target"); target != "AmazonSQS.SendMessageBatch" {
		tb.Errorf("called %s", target)
	}
	if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
		tb.Error(err)
	}
	return b
}

// over serves h on a loopback port, and makes a sender to its queue with a client of this package.
func (k kind) over(tb testing.TB, h http.Handler, opts *sqstransport.Options) *sqstransport.Sender {
	tb.Helper()
	server := httptest.NewServer(h)
	tb.Cleanup(server.Close)
	return newSender(tb, k.client(config(nil, server.URL)), server.URL+"/000000000000/work", opts)
}

// inMemory is over, on the network of a bubble.
func (k kind) inMemory(tb testing.TB, h http.Handler, opts *sqstransport.Options) *sqstransport.Sender {
	tb.Helper()
	network, server := memnet.New(), &http.Server{Handler: h}
	go func() { _ = server.Serve(network) }()
	tb.Cleanup(func() { _ = server.Close() })
	client := &http.Client{Transport: &http.Transport{DialContext: network.Dial}}
	return newSender(tb, k.client(config(client, endpoint)), queueURL, opts)
}

// breaking passes requests on to h and closes their connections without an answer.
func breaking(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(httptest.NewRecorder(), r)
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	})
}

func TestB1_ResponseLostAfterAcceptIsUnknownAndTheSameTaskIsSentAgain(t *testing.T) {
	each(t, testB1_ResponseLostAfterAcceptIsUnknownAndTheSameTaskIsSentAgain)
}

func testB1_ResponseLostAfterAcceptIsUnknownAndTheSameTaskIsSentAgain(t *testing.T, k kind) {
	service := emulator(t)
	server := httptest.NewServer(service)
	defer server.Close()
	q := queue{t, sdk(nil, server.URL), createQueue(t, sdk(nil, server.URL), "work", nil)}
	sent := envelopes(t, 3)

	results, err := k.over(t, breaking(service), nil).Send(t.Context(), sent)
	if err == nil {
		t.Error("no error for a lost answer")
	}
	for _, r := range results {
		is(t, r, transport.Unknown, transport.Transient)
	}
	if n := q.left(); n != 3 {
		t.Fatalf("%d messages stored by one Send, want 3: the SDK sent again by itself, or nothing came", n)
	}
	if _, err := k.over(t, service, nil).Send(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	copies := map[string]int{}
	for _, m := range q.drain() {
		e, err := task.Parse([]byte(*m.Body))
		if err != nil {
			t.Fatal(err)
		}
		copies[e.ID()]++
	}
	for _, e := range sent {
		if copies[e.ID()] != 2 {
			t.Errorf("task %s arrived %d times, want 2 with one id", e.ID(), copies[e.ID()])
		}
	}
}

func TestB2_AnswerAfterTheTimeoutIsUnknown(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		synctest.Test(t, func(t *testing.T) { testB2_AnswerAfterTheTimeoutIsUnknown(t, k) })
	})
}

func testB2_AnswerAfterTheTimeoutIsUnknown(t *testing.T, k kind) {
	requests := make(chan batch, 10)
	s := k.inMemory(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requests <- readBatch(t, r)
		<-r.Context().Done()
	}), &sqstransport.Options{Timeout: 100 * time.Millisecond})
	start := time.Now()
	results, err := s.Send(t.Context(), envelopes(t, 2))
	if took := time.Since(start); took != 100*time.Millisecond {
		t.Errorf("a timeout of 100ms took %v", took)
	}
	for _, r := range results {
		if e := is(t, r, transport.Unknown, transport.Transient); !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("the error %v is not that of a deadline", e)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "no answer within 100ms") {
		t.Errorf("error %v", err)
	}
	if len(requests) != 1 {
		t.Errorf("%d requests, want 1", len(requests))
	}
}

func TestSDKMakesOneAttempt(t *testing.T) {
	for name, options := range map[string]func(*awssqs.Options){
		"its defaults": func(*awssqs.Options) {},
		"five attempts": func(o *awssqs.Options) {
			o.RetryMaxAttempts = 5
		},
	} {
		requests := 0
		do := doFunc(func(*http.Request) (*http.Response, error) {
			requests++
			return answer(503, `{"__type":"ServiceUnavailable"}`), nil
		})
		api := awssdk.Wrap(awssqs.NewFromConfig(config(do, endpoint), options))
		for range 300 { // more than the SDK's bucket of retry tokens pays for
			results, err := newSender(t, api, queueURL, nil).Send(t.Context(), envelopes(t, 1))
			if err == nil || strings.Contains(err.Error(), "quota") {
				t.Fatalf("a client with %s: %v", name, err)
			}
			is(t, results[0], transport.Unknown, transport.Transient)
		}
		if requests != 300 {
			t.Errorf("a client with %s: %d requests for 300 calls", name, requests)
		}
	}
}

// serve answers a batch entry by entry: judge returns what stands in Successful, or in Failed.
func serve(tb testing.TB, judge func(i int, entry map[string]any) (success, failure map[string]any)) doFunc {
	var mu sync.Mutex // judge is called by one request at a time
	return func(r *http.Request) (*http.Response, error) {
		successful, failed := []any{}, []any{}
		entries := readBatch(tb, r).Entries
		mu.Lock()
		defer mu.Unlock()
		for i, entry := range entries {
			success, failure := judge(i, entry)
			if success != nil {
				successful = append(successful, success)
			}
			if failure != nil {
				failed = append(failed, failure)
			}
		}
		body, err := json.Marshal(map[string]any{"Successful": successful, "Failed": failed})
		if err != nil {
			tb.Error(err)
		}
		return answer(200, string(body)), nil
	}
}

func success(entry map[string]any) map[string]any {
	return map[string]any{"Id": entry["Id"], "MessageId": "m-" + entry["Id"].(string), "MD5OfMessageBody": md5Of(entry["MessageBody"].(string))}
}

func TestB6_WrongDigestIsUnknownForThatEntryOnly(t *testing.T) {
	each(t, testB6_WrongDigestIsUnknownForThatEntryOnly)
}

func testB6_WrongDigestIsUnknownForThatEntryOnly(t *testing.T, k kind) {
	for name, digest := range map[string]any{"another": md5Of("another"), "none": nil, "empty": "", "garbage": "\x00"} {
		s := k.sender(t, serve(t, func(i int, entry map[string]any) (map[string]any, map[string]any) {
			answer := success(entry)
			if i == 4 {
				answer["MD5OfMessageBody"] = digest
			}
			return answer, nil
		}))
		results, err := s.Send(t.Context(), envelopes(t, 10))
		if err == nil {
			t.Errorf("digest %s: no error", name)
		}
		for i, r := range results {
			if i == 4 {
				is(t, r, transport.Unknown, transport.Transient)
			} else if is(t, r, transport.Accepted, 0); r.MessageID != fmt.Sprint("m-", i) {
				t.Errorf("result %d has the message id %q", i, r.MessageID)
			}
		}
	}
}

// TestB7_PartialFailureIsJudgedEntryByEntry sends tasks until all are stored, to a queue that refuses some of every
// request, now by its own fault, now by the sender's, with and without a message.
func TestB7_PartialFailureIsJudgedEntryByEntry(t *testing.T) {
	each(t, testB7_PartialFailureIsJudgedEntryByEntry)
}

func testB7_PartialFailureIsJudgedEntryByEntry(t *testing.T, k kind) {
	random := rand.New(rand.NewPCG(7, 7))
	stored := map[string]int{}
	codes := []string{"InternalError", "RequestThrottled", "KmsThrottled", "SomethingNew", "InvalidMessageContents"}
	s := k.sender(t, serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) {
		body := entry["MessageBody"].(string)
		poisoned := strings.Contains(body, "poison")
		if !poisoned && random.IntN(3) > 0 {
			stored[body]++
			return success(entry), nil
		}
		failure := map[string]any{"Id": entry["Id"], "Code": codes[random.IntN(len(codes))], "SenderFault": poisoned}
		if poisoned {
			failure["Code"] = codes[random.IntN(2)+3]
		}
		if random.IntN(2) == 0 {
			failure["Message"] = "why"
		}
		return nil, failure
	}))
	waiting := envelopes(t, 2000)
	for range 20 {
		waiting = append(waiting, envelope(t, "poison"))
	}
	want := map[string]int{}
	for _, e := range waiting[:2000] {
		want[string(e.Body())] = 1
	}
	invalid := 0
	for round := 0; len(waiting) > 0; round++ {
		if round == 100 {
			t.Fatalf("%d tasks are still not stored", len(waiting))
		}
		results, _ := s.Send(t.Context(), waiting)
		var again []task.Envelope
		for i, r := range results {
			switch {
			case r.Outcome == transport.Accepted:
			case r.Outcome == transport.Rejected && transport.KindOf(r.Err) == transport.Invalid:
				invalid++
			case r.Outcome == transport.Rejected:
				again = append(again, waiting[i])
			default:
				t.Fatalf("result %d: %+v", i, r)
			}
		}
		waiting = again
	}
	if !maps.Equal(stored, want) || invalid != 20 {
		t.Fatalf("stored %d different tasks of 2000 (each once: %t), %d of 20 given up", len(stored), maps.Equal(stored, want), invalid)
	}
}

func TestWholeRequestRefusedForItsContentsIsSentEntryByEntry(t *testing.T) {
	each(t, testWholeRequestRefusedForItsContentsIsSentEntryByEntry)
}

func testWholeRequestRefusedForItsContentsIsSentEntryByEntry(t *testing.T, k kind) {
	for _, code := range []string{"InvalidMessageContents", "AWS.SimpleQueueService.BatchRequestTooLong", "InvalidParameterValue"} {
		var sizes []int
		s := k.sender(t, func(r *http.Request) (*http.Response, error) {
			b := readBatch(t, r)
			sizes = append(sizes, len(b.Entries))
			if slices.ContainsFunc(b.Entries, func(e map[string]any) bool { return strings.Contains(e["MessageBody"].(string), "poison") }) {
				return answer(400, `{"__type":"`+code+`","message":"bad"}`), nil
			}
			return serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })(remade(r, b))
		})
		sent := slices.Insert(envelopes(t, 3), 1, envelope(t, "poison"))
		results, err := s.Send(t.Context(), sent)
		if err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: error %v", code, err)
		}
		for i, r := range results {
			if i == 1 {
				is(t, r, transport.Rejected, transport.Invalid)
			} else {
				is(t, r, transport.Accepted, 0)
			}
		}
		if !slices.Equal(sizes, []int{4, 1, 1, 1, 1}) {
			t.Errorf("%s: requests of %v entries", code, sizes)
		}
	}
}

// remade gives a request back the body that was read from it.
func remade(r *http.Request, b batch) *http.Request {
	body, _ := json.Marshal(b)
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return r
}

func TestManyRequestsOfOneSendRunConcurrently(t *testing.T) {
	each(t, testManyRequestsOfOneSendRunConcurrently)
}

func testManyRequestsOfOneSendRunConcurrently(t *testing.T, k kind) {
	synctest.Test(t, func(t *testing.T) {
		inner := serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })
		s := k.sender(t, func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return inner(r)
		})
		start := time.Now()
		if _, err := s.Send(t.Context(), envelopes(t, 75)); err != nil || time.Since(start) != 2*time.Second {
			t.Fatalf("8 requests of a second each took %v, 4 at a time: %v", time.Since(start), err)
		}
	})
}

func TestDestination(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		const url = "https://sqs.us-east-1.amazonaws.com/111111111111/work"
		want := transport.Destination{System: "aws_sqs", Name: "work", URL: url, Region: "us-east-1", Server: "sqs.us-east-1.amazonaws.com"}
		if got := newSender(t, k.client(config(nil, "")), url, nil).Destination(); got != want {
			t.Errorf("is %+v, want %+v", got, want)
		}
		want.Server = "127.0.0.1:9" // requests go there, whatever the queue URL says
		if got := newSender(t, k.client(config(nil, "http://127.0.0.1:9/path")), url, nil).Destination(); got != want {
			t.Errorf("with an endpoint is %+v, want %+v", got, want)
		}
	})
}
