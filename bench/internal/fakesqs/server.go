// Package fakesqs answers SendMessage and SendMessageBatch over TLS as Amazon SQS does, after a round trip that is given.
//
// It is made to cost little, so that what is measured is the client: it reads requests without reflection into memory that it
// uses again, keeps no message (only the numbers of tasks, where an account is wanted) and checks no signature (only that
// there is one). As the endpoints of SQS it speaks HTTP/1.1.
package fakesqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// AuditPrefix begins the names of queues whose tasks are noted by their numbers.
	AuditPrefix = "audit-"
	// StallPrefix begins the names of those among them that have room for [StallRoom] tasks, and then answer nothing and
	// store nothing.
	StallPrefix = AuditPrefix + "stall-"
	// StallRoom is after how many tasks such a queue stalls.
	StallRoom = 500
	// BarePath takes any POST and answers after the round trip: what a request costs that does nothing.
	BarePath = "/bare"

	countsPath  = "/counts"
	numbersPath = "/numbers"

	maxBody    = 2 << 20
	maxEntries = 10
)

// Counts are what the server got.
type Counts struct {
	Requests int // to SQS actions, that were answered with success
	Messages int // stored
}

// Server is an [http.Handler].
type Server struct {
	RoundTrip time.Duration // half of it before a message is stored, half of it after

	requests, messages atomic.Int64
	audit              audit
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case countsPath:
		tell(w, Counts{Requests: int(s.requests.Load()), Messages: int(s.messages.Load())})
		return
	case numbersPath:
		tell(w, s.audit.numbers(r.FormValue("queue")))
		return
	}
	in := newRequest()
	defer in.free()
	if _, err := in.raw.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		refuse(w, &apiError{status: http.StatusRequestEntityTooLarge, code: "com.amazonaws.sqs#BatchRequestTooLong", text: err.Error()})
		return
	}
	time.Sleep(s.RoundTrip / 2)
	err := s.act(r, in)
	if errors.Is(err, errStalled) {
		<-r.Context().Done()
		return
	}
	time.Sleep(s.RoundTrip - s.RoundTrip/2)
	if err != nil {
		refuse(w, err)
		return
	}
	head(w)
	w.Write(in.answer)
}

// Values of headers, which nobody writes to.
var (
	contentType = []string{"application/x-amz-json-1.0"}
	requestID   = []string{"00000000-0000-0000-0000-000000000000"}
)

func head(w http.ResponseWriter) {
	w.Header()["Content-Type"] = contentType
	w.Header()["X-Amzn-Requestid"] = requestID
}

// act runs one action and writes its answer into in. What it stores is stored, whether the client still waits or not.
func (s *Server) act(r *http.Request, in *request) error {
	if r.URL.Path == BarePath {
		in.answer = append(in.answer, "{}"...)
		return nil
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		return &apiError{status: http.StatusForbidden, code: "com.amazon.coral.service#MissingAuthenticationTokenException", text: "the request has no signature of version 4"}
	}
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "AmazonSQS.SendMessage":
		return s.send(in)
	case "AmazonSQS.SendMessageBatch":
		return s.sendBatch(in)
	default:
		return &apiError{status: http.StatusBadRequest, code: "com.amazonaws.sqs#UnsupportedOperation", text: fmt.Sprintf("action %q is none of SendMessage and SendMessageBatch", target)}
	}
}

func tell(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// ReadCounts asks the server at base for its counts.
func ReadCounts(ctx context.Context, client *http.Client, base string) (c Counts, err error) {
	err = ask(ctx, client, base+countsPath, &c)
	return c, err
}

// ReadNumbers asks the server at base which tasks a queue has: their numbers, in no order, each once. The queue's name
// must begin with [AuditPrefix]. A task tells its number by a field "number" in its body.
func ReadNumbers(ctx context.Context, client *http.Client, base, queue string) (numbers []int, err error) {
	err = ask(ctx, client, base+numbersPath+"?queue="+url.QueryEscape(queue), &numbers)
	return numbers, err
}

func ask(ctx context.Context, client *http.Client, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("fake SQS: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("fake SQS: %w", err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("fake SQS: answer of %s: %w", address, err)
	}
	return nil
}

// errStalled stands for an answer that never comes.
var errStalled = errors.New("the queue has stalled")

// apiError is an error of the JSON protocol.
type apiError struct {
	status     int
	code, text string
}

func (e *apiError) Error() string { return e.code + ": " + e.text }

func refuse(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{status: http.StatusInternalServerError, code: "com.amazonaws.sqs#InternalFailure", text: err.Error()}
	}
	text, _ := json.Marshal(map[string]string{"__type": e.code, "message": e.text}) // strings always encode
	head(w)
	w.WriteHeader(e.status)
	w.Write(text)
}
