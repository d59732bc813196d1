package awssdk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/awssdk"
)

// fake is an API that is no SDK client: it does not run the options of a call.
type fake struct{ err error }

func (f fake) SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	return nil, f.err
}

func (f fake) ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return nil, f.err
}

const (
	queueURL = "https://sqs.us-east-1.amazonaws.com/1/q"
	queueARN = "arn:aws:sqs:us-east-1:1:q"
)

func TestAPIThatIsNoSDKClient(t *testing.T) {
	e, err := task.Define[string]("echo").With("x").Encode(task.NewID(time.Now()), "/test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err     error
		outcome transport.Outcome
		kind    transport.Kind
	}{
		"no answer and no error":  {nil, transport.Unknown, transport.Transient},
		"a bare error":            {errors.New("broken"), transport.Unknown, transport.Transient},
		"a code without a status": {&smithy.GenericAPIError{Code: "QueueDoesNotExist"}, transport.Rejected, transport.Misconfigured},
		"an unknown code":         {&smithy.GenericAPIError{Code: "New"}, transport.Unknown, transport.Transient},
	} {
		client := awssdk.Wrap(fake{c.err})
		s, err := sqstransport.New(client, queueURL, nil)
		if err != nil {
			t.Fatal(err)
		}
		results, _ := s.Send(t.Context(), []task.Envelope{e})
		if results[0].Outcome != c.outcome || transport.KindOf(results[0].Err) != c.kind {
			t.Errorf("%s: %+v", name, results[0])
		}
		settler, err := sqstransport.NewSettler(client, sqstransport.Queue{URL: queueURL, DeadLetterURL: queueURL + "-dead"})
		if err != nil {
			t.Fatal(err)
		}
		ds := []transport.Delivery{{Source: queueARN, Receipt: "r", Body: []byte("b")}}
		for _, errs := range [][]error{settler.Retry(t.Context(), ds, make([]time.Duration, 1)), settler.DeadLetter(t.Context(), ds, make([]transport.Reason, 1))} {
			if len(errs) != 1 || errs[0] == nil || transport.KindOf(errs[0]) != c.kind {
				t.Errorf("%s: %v", name, errs)
			}
		}
	}
}

func TestWrapOfNothingIsRefused(t *testing.T) {
	if _, err := sqstransport.New(awssdk.Wrap(nil), queueURL, nil); err == nil || !strings.Contains(err.Error(), "awssdk.NewClient") {
		t.Errorf("error %v", err)
	}
}

func TestOptionsOfTheCallerComeLast(t *testing.T) {
	asked := errors.New("asked")
	client := awssdk.NewClient(aws.Config{Region: "eu-west-1"}, func(o *sqs.Options) {
		o.Region = "eu-north-1"
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, asked })
	})
	settler, err := sqstransport.NewSettler(client, sqstransport.Queue{URL: queueURL})
	if err != nil {
		t.Fatal(err)
	}
	errs := settler.Retry(t.Context(), []transport.Delivery{{Source: queueARN}}, make([]time.Duration, 1))
	if len(errs) != 1 || !errors.Is(errs[0], asked) {
		t.Fatalf("errors %v", errs)
	}
	if !strings.Contains(errs[0].Error(), "the queue is in us-east-1, but the client is set to eu-north-1") {
		t.Errorf("error %v", errs[0])
	}
}
