package fakesqs_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/bench/internal/fakesqs"
)

const queue = "https://127.0.0.1/000000000000/audit-q"

func start(t *testing.T, s *fakesqs.Server) (*httptest.Server, *sqs.Client) {
	t.Helper()
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	return server, client(server)
}

func client(server *httptest.Server) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: server.Client(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
}

func counts(t *testing.T, server *httptest.Server) fakesqs.Counts {
	t.Helper()
	c, err := fakesqs.ReadCounts(t.Context(), server.Client(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func numbers(t *testing.T, server *httptest.Server, queue string) []int {
	t.Helper()
	n, err := fakesqs.ReadNumbers(t.Context(), server.Client(), server.URL, queue)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(n)
	return n
}

// TestTheSDKTakesItsAnswers: the SDK checks the digests itself.
func TestTheSDKTakesItsAnswers(t *testing.T) {
	server, api := start(t, &fakesqs.Server{})
	const odd = "é \"quoted\" \\ \n 𝄞 <&>"
	out, err := api.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(queue), MessageBody: aws.String(odd)})
	if err != nil || len(aws.ToString(out.MessageId)) != 36 {
		t.Fatal(out, err)
	}
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(queue)}
	for i := range 10 {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String("e" + strconv.Itoa(i)), MessageBody: aws.String(odd + `{"number":` + strconv.Itoa(40+i/2) + "}")})
	}
	batch, err := api.SendMessageBatch(t.Context(), in)
	if err != nil || len(batch.Successful) != 10 || len(batch.Failed) != 0 || aws.ToString(batch.Successful[9].Id) != "e9" {
		t.Fatalf("%+v, %v", batch, err)
	}
	if got, want := counts(t, server), (fakesqs.Counts{Requests: 2, Messages: 11}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	if got := numbers(t, server, "audit-q"); !slices.Equal(got, []int{40, 41, 42, 43, 44}) {
		t.Errorf("tasks %v", got)
	}
	if got := numbers(t, server, "audit-other"); len(got) != 0 {
		t.Errorf("another queue has %v", got)
	}
}

func TestRefusals(t *testing.T) {
	server, api := start(t, &fakesqs.Server{})
	entry := types.SendMessageBatchRequestEntry{Id: aws.String("one"), MessageBody: aws.String("body")}
	many := make([]types.SendMessageBatchRequestEntry, 11)
	for i := range many {
		many[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String("body")}
	}
	for want, entries := range map[string][]types.SendMessageBatchRequestEntry{
		"EmptyBatchRequest": {}, "TooManyEntriesInBatchRequest": many, "BatchEntryIdsNotDistinct": {entry, entry},
		"MissingParameter":      {{Id: aws.String("one"), MessageBody: aws.String("")}},
		"InvalidBatchEntryId":   {{Id: aws.String("o\"ne"), MessageBody: aws.String("body")}},
		"InvalidParameterValue": {{Id: aws.String("one"), MessageBody: aws.String("body"), MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: aws.String("String"), StringValue: aws.String("v")}}}},
	} {
		_, err := api.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: aws.String(queue), Entries: entries})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err := api.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	if err == nil || !strings.Contains(err.Error(), "UnsupportedOperation") {
		t.Errorf("got %v", err)
	}
	response, err := server.Client().Post(server.URL, "application/x-amz-json-1.0", strings.NewReader("{}"))
	if err != nil || response.StatusCode != http.StatusForbidden {
		t.Error(response, err)
	}
	if got := counts(t, server); got != (fakesqs.Counts{}) {
		t.Errorf("what was refused counts: %+v", got)
	}
}

// TestStoresWhatAClientLeft: a message that arrived is stored, even if its sender is gone before the answer.
func TestStoresWhatAClientLeft(t *testing.T) {
	s := &fakesqs.Server{}
	arrived, left := make(chan struct{}), make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			close(arrived)
			<-left
			<-r.Context().Done()
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := client(server).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(queue), MessageBody: aws.String(`{"number":7}`)})
	close(left)
	if err == nil {
		t.Fatal("answered")
	}
	for deadline := time.Now().Add(2 * time.Minute); len(numbers(t, server, "audit-q")) != 1; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the message was not stored")
		}
	}
}

func TestRoundTrip(t *testing.T) {
	server, _ := start(t, &fakesqs.Server{RoundTrip: 30 * time.Millisecond})
	began := time.Now()
	response, err := server.Client().Post(server.URL+fakesqs.BarePath, "", strings.NewReader("x"))
	if err != nil || response.StatusCode != http.StatusOK || time.Since(began) < 30*time.Millisecond {
		t.Error(response, err, time.Since(began))
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := fakesqs.Serve(ctx, &fakesqs.Server{}, func(url string, certificate []byte) {
		if !strings.HasPrefix(url, "https://127.0.0.1:") || len(certificate) == 0 {
			t.Errorf("ready with %q and %q", url, certificate)
		}
		cancel()
	})
	if err != nil {
		t.Error(err)
	}
}
