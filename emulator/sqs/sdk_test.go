package sqs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/internal/memnet"
)

// newClient returns AWS's own client, with its checksum checks on, of a new
// service.
func newClient(t testing.TB) (*awssqs.Client, *sqs.Service) {
	t.Helper()
	service := newService(t)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	client := awssqs.New(awssqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   plainBodies{server.Client()},
		Retryer:      aws.NopRetryer{},
	})
	return client, service
}

// plainBodies hides the WriterTo of request bodies. The one of smithy-go 1.28
// answers io.EOF once it is closed, which it is as soon as the answer begins;
// if the answer of a fast server comes before net/http has seen the end of the
// body, net/http takes that for a failed write and closes the connection.
type plainBodies struct{ client *http.Client }

func (p plainBodies) Do(r *http.Request) (*http.Response, error) {
	plain := r.WithContext(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		plain.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.client.Do(plain)
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newSDKQueue(t testing.TB, client *awssqs.Client, name string, attributes map[string]string) *string {
	t.Helper()
	return must[*awssqs.CreateQueueOutput](t)(client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})).QueueUrl
}

func TestSDKRoundTrip(t *testing.T) {
	client, _ := newClient(t)
	ctx := t.Context()
	url := newSDKQueue(t, client, "q", nil)
	attributes := map[string]types.MessageAttributeValue{
		"General": {DataType: aws.String("String"), StringValue: aws.String("Kenobi")},
		"Hello":   {DataType: aws.String("String"), StringValue: aws.String("There")},
		"Help.Me": {DataType: aws.String("String"), StringValue: aws.String("Me")},
	}
	body := "tab\t line\r\n \"quotes\" \\ <html> & é 😀 \u2028"
	sent := must[*awssqs.SendMessageOutput](t)(client.SendMessage(ctx, &awssqs.SendMessageInput{
		QueueUrl: url, MessageBody: &body, MessageAttributes: attributes, MessageGroupId: aws.String("tenant"),
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1")},
		},
	}))
	// The digest was recorded from AWS for these attributes.
	if got := aws.ToString(sent.MD5OfMessageAttributes); got != "4c360f3fdafd970e05fae2f149d997f5" {
		t.Errorf("digest of attributes is %s", got)
	}
	if aws.ToString(sent.MD5OfMessageSystemAttributes) == "" {
		t.Error("no digest of system attributes")
	}
	got := must[*awssqs.ReceiveMessageOutput](t)(client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	}))
	if len(got.Messages) != 1 {
		t.Fatalf("received %d messages", len(got.Messages))
	}
	m := got.Messages[0]
	if *m.Body != body || *m.MessageId != *sent.MessageId || *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
		t.Errorf("received %+v", m)
	}
	if m.Attributes["MessageGroupId"] != "tenant" || m.Attributes["AWSTraceHeader"] != "Root=1" || m.Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("system attributes are %v", m.Attributes)
	}
	if _, err := client.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 43_200}); err == nil {
		t.Error("12 h from after the receive were allowed")
	}
	must[*awssqs.ChangeMessageVisibilityOutput](t)(client.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 60}))
	must[*awssqs.DeleteMessageOutput](t)(client.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}))
	all := must[*awssqs.GetQueueAttributesOutput](t)(client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"}}))
	for name, want := range map[string]string{
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
		"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0",
		"ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:q",
	} {
		if all.Attributes[name] != want {
			t.Errorf("%s is %q, want %q", name, all.Attributes[name], want)
		}
	}
}

// The digests were recorded from AWS.
func TestAttributeDigests(t *testing.T) {
	client, _ := newClient(t)
	url := newSDKQueue(t, client, "q", nil)
	for want, attributes := range map[string]map[string]types.MessageAttributeValue{
		"ae7155c6026991b6d54b11589678bf9c": {"Foo": {DataType: aws.String("String"), StringValue: aws.String("Bar")}},
		"8cbe4db156db8a94db8b801b7addb984": {"attr1": {DataType: aws.String("Binary"), BinaryValue: []byte("traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01")}},
		"":                                 nil,
	} {
		sent := must[*awssqs.SendMessageOutput](t)(client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x"), MessageAttributes: attributes}))
		if got := aws.ToString(sent.MD5OfMessageAttributes); got != want {
			t.Errorf("digest is %q, want %q", got, want)
		}
	}
}

func TestReceiveChoosesAttributes(t *testing.T) {
	client, _ := newClient(t)
	url := newSDKQueue(t, client, "q", nil)
	value := types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("v")}
	must[*awssqs.SendMessageOutput](t)(client.SendMessage(t.Context(), &awssqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("x"),
		MessageAttributes: map[string]types.MessageAttributeValue{"Hello": value, "Help.Me": value, "General": value},
	}))
	for _, c := range []struct{ ask, want []string }{
		{nil, nil},
		{[]string{"All"}, []string{"General", "Hello", "Help.Me"}},
		{[]string{".*"}, []string{"General", "Hello", "Help.Me"}},
		{[]string{"Hel.*"}, []string{"Hello", "Help.Me"}},
		{[]string{"Hello", "Nope"}, []string{"Hello"}},
		{[]string{"hello", "Hel", "*"}, nil},
	} {
		got := must[*awssqs.ReceiveMessageOutput](t)(client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url, VisibilityTimeout: 0, MessageAttributeNames: c.ask}))
		var names []string
		for name := range got.Messages[0].MessageAttributes {
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, c.want) || (got.Messages[0].MD5OfMessageAttributes != nil) != (c.want != nil) {
			t.Errorf("asked for %v: got %v, want %v", c.ask, names, c.want)
		}
		// The SDK leaves a visibility timeout of zero out, so give it back.
		must[*awssqs.ChangeMessageVisibilityOutput](t)(client.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: got.Messages[0].ReceiptHandle}))
	}
}

// TestC4_BadEntryFailsAlone: size, delay and characters are judged an entry at
// a time; the mates are stored.
func TestC4_BadEntryFailsAlone(t *testing.T) {
	client, service := newClient(t)
	url := newSDKQueue(t, client, "q", map[string]string{"MaximumMessageSize": "1024"})
	entry := func(id, body string, delay int32) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body, DelaySeconds: delay}
	}
	out := must[*awssqs.SendMessageBatchOutput](t)(client.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{
		QueueUrl: url,
		Entries: []types.SendMessageBatchRequestEntry{
			entry("good1", "x", 0), entry("chars", "a\x0bb", 0), entry("size", strings.Repeat("x", 1025), 0), entry("delay", "x", 901), entry("good2", "y", 0),
		},
	}))
	got := map[string]string{}
	for _, f := range out.Failed {
		got[*f.Id] = *f.Code
		if !f.SenderFault {
			t.Errorf("entry %s is not the sender's fault", *f.Id)
		}
	}
	for id, want := range map[string]string{"chars": "InvalidMessageContents", "size": "InvalidParameterValue", "delay": "InvalidParameterValue"} {
		if got[id] != want {
			t.Errorf("entry %s: code %q, want %q", id, got[id], want)
		}
	}
	if len(out.Successful) != 2 || len(out.Failed) != 3 {
		t.Errorf("%d accepted, %d failed, want 2 and 3", len(out.Successful), len(out.Failed))
	}
	if i := info(t, service, "arn:aws:sqs:us-east-1:000000000000:q"); i.Visible != 2 {
		t.Errorf("%d messages stored, want 2", i.Visible)
	}
}

func TestBatchesOfHandles(t *testing.T) {
	client, service := newClient(t)
	ctx := t.Context()
	url := newSDKQueue(t, client, "q", nil)
	arn := "arn:aws:sqs:us-east-1:000000000000:q"
	for range 3 {
		send(t, service, arn, sqs.Outgoing{Body: "x"})
	}
	got := receive(t, service, arn, sqs.ReceiveInput{Max: 3})
	changed := must[*awssqs.ChangeMessageVisibilityBatchOutput](t)(client.ChangeMessageVisibilityBatch(ctx, &awssqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: url,
		Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("back"), ReceiptHandle: &got[0].ReceiptHandle, VisibilityTimeout: 0},
			{Id: aws.String("long"), ReceiptHandle: &got[1].ReceiptHandle, VisibilityTimeout: 43_201},
			{Id: aws.String("bad"), ReceiptHandle: aws.String("garbage"), VisibilityTimeout: 1},
		},
	}))
	if len(changed.Successful) != 1 || len(changed.Failed) != 2 || *changed.Failed[1].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("changed %+v", changed)
	}
	deleted := must[*awssqs.DeleteMessageBatchOutput](t)(client.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{
		QueueUrl: url,
		Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("0"), ReceiptHandle: &got[1].ReceiptHandle},
			{Id: aws.String("1"), ReceiptHandle: &got[2].ReceiptHandle},
			{Id: aws.String("bad"), ReceiptHandle: aws.String("garbage")},
		},
	}))
	if len(deleted.Successful) != 2 || len(deleted.Failed) != 1 {
		t.Errorf("deleted %+v", deleted)
	}
	if i := info(t, service, arn); i.Visible != 1 || i.InFlight != 0 {
		t.Errorf("left %+v, want one visible", i)
	}
}

func TestQueueManagement(t *testing.T) {
	client, _ := newClient(t)
	ctx := t.Context()
	dead := newSDKQueue(t, client, "b-dead", nil)
	deadARN := "arn:aws:sqs:us-east-1:000000000000:b-dead"
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"7"}`, deadARN)
	for _, name := range []string{"a1", "a2", "a3"} {
		newSDKQueue(t, client, name, map[string]string{"RedrivePolicy": policy})
		newSDKQueue(t, client, name, map[string]string{"RedrivePolicy": policy}) // the same again is no error
	}
	var names []string
	pages := awssqs.NewListQueuesPaginator(client, &awssqs.ListQueuesInput{QueueNamePrefix: aws.String("a"), MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page := must[*awssqs.ListQueuesOutput](t)(pages.NextPage(ctx))
		for _, url := range page.QueueUrls {
			names = append(names, url[strings.LastIndexByte(url, '/')+1:])
		}
	}
	if !slices.Equal(names, []string{"a1", "a2", "a3"}) {
		t.Errorf("listed %v", names)
	}
	sources := must[*awssqs.ListDeadLetterSourceQueuesOutput](t)(client.ListDeadLetterSourceQueues(ctx, &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: dead}))
	if len(sources.QueueUrls) != 3 {
		t.Errorf("sources are %v", sources.QueueUrls)
	}
	url := must[*awssqs.GetQueueUrlOutput](t)(client.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("a1")})).QueueUrl
	must[*awssqs.SetQueueAttributesOutput](t)(client.SetQueueAttributes(ctx, &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"VisibilityTimeout": "77"}}))
	got := must[*awssqs.GetQueueAttributesOutput](t)(client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"VisibilityTimeout", "RedrivePolicy"}}))
	if len(got.Attributes) != 2 || got.Attributes["VisibilityTimeout"] != "77" || got.Attributes["RedrivePolicy"] != strings.ReplaceAll(policy, `"7"`, "7") {
		t.Errorf("attributes are %v", got.Attributes)
	}
	must[*awssqs.TagQueueOutput](t)(client.TagQueue(ctx, &awssqs.TagQueueInput{QueueUrl: url, Tags: map[string]string{"team": "a", "x": "y"}}))
	must[*awssqs.UntagQueueOutput](t)(client.UntagQueue(ctx, &awssqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{"x"}}))
	tags := must[*awssqs.ListQueueTagsOutput](t)(client.ListQueueTags(ctx, &awssqs.ListQueueTagsInput{QueueUrl: url}))
	if len(tags.Tags) != 1 || tags.Tags["team"] != "a" {
		t.Errorf("tags are %v", tags.Tags)
	}
	must[*awssqs.DeleteQueueOutput](t)(client.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: url}))
	_, err := client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: url})
	if _, is := errors.AsType[*types.QueueDoesNotExist](err); !is {
		t.Errorf("after the delete: %v", err)
	}
	// A queue of that name again has nothing of the old one.
	newSDKQueue(t, client, "a1", map[string]string{"VisibilityTimeout": "5"})
}

// TestSDKSeesErrorCodes: the SDK gives both the modelled type and AWS's code of
// the older protocol, which programs match on.
func TestSDKSeesErrorCodes(t *testing.T) {
	client, _ := newClient(t)
	_, err := client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: aws.String("nope"), MessageBody: aws.String("x")})
	api, ok := errors.AsType[smithy.APIError](err)
	if _, is := errors.AsType[*types.QueueDoesNotExist](err); !is || !ok || api.ErrorCode() != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("error %v, want QueueDoesNotExist with the older code", err)
	}
}

// A client that hangs up while it waits leaves nothing in flight.
func TestHangUpLeavesNothingInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService(t)
		arn := create(t, service, "q", nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan struct{})
		network := memnet.New()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			cancel() // it has arrived
			service.ServeHTTP(w, r)
			close(ended)
		})}
		go func() { _ = server.Serve(network) }()
		defer server.Close()
		client := &http.Client{Transport: &http.Transport{DialContext: network.Dial}}
		defer client.CloseIdleConnections()
		body := strings.NewReader(`{"QueueUrl":"q","WaitTimeSeconds":20}`)
		r := must[*http.Request](t)(http.NewRequestWithContext(ctx, http.MethodPost, "http://192.0.2.1", body))
		r.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
		start := time.Now()
		if answer, err := client.Do(r); err == nil {
			_ = answer.Body.Close()
			t.Fatal("the receive did not wait")
		}
		if <-ended; time.Since(start) != 0 {
			t.Fatalf("the service waited %v on for a client that is gone", time.Since(start))
		}
		send(t, service, arn, sqs.Outgoing{Body: "x"})
		if i := info(t, service, arn); i.InFlight != 0 || i.Visible != 1 {
			t.Errorf("%d in flight, %d visible; want 0 and 1", i.InFlight, i.Visible)
		}
	})
}
