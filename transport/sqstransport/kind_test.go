package sqstransport_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/awssdk"
)

// kind is a way to call Amazon SQS. Whatever holds for one must hold for the other.
type kind struct {
	name   string
	client func(aws.Config) *sqstransport.Client
}

var (
	lean = kind{"lean", sqstransport.NewClient}
	// viaSDK wraps a client with the SDK's own retries and checks, which a Sender must switch off for its calls.
	viaSDK = kind{"SDK", func(cfg aws.Config) *sqstransport.Client {
		if cfg.HTTPClient == nil {
			return awssdk.NewClient(cfg)
		}
		return awssdk.Wrap(awssqs.NewFromConfig(cfg))
	}}
)

func each(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range []kind{lean, viaSDK} {
		t.Run(k.name, func(t *testing.T) { test(t, k) })
	}
}

// config is a configuration whose requests go through h to base.
func config(h aws.HTTPClient, base string) aws.Config {
	cfg := aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "secret of forty characters, as all are", ""),
		HTTPClient:  h,
	}
	if base != "" {
		cfg.BaseEndpoint = aws.String(base)
	}
	return cfg
}

// sdk makes a client of the SDK, to prepare and to inspect.
func sdk(h aws.HTTPClient, base string) *awssqs.Client { return awssqs.NewFromConfig(config(h, base)) }

// sender makes a sender whose other end is do.
func (k kind) sender(tb testing.TB, do doFunc) *sqstransport.Sender {
	tb.Helper()
	return newSender(tb, k.client(config(do, endpoint)), queueURL, nil)
}

// settlerAPI is a queue service that records what a settler asks for.
type settlerAPI struct {
	visibility []*awssqs.ChangeMessageVisibilityBatchInput
	sends      []*awssqs.SendMessageBatchInput
	change     func(in *awssqs.ChangeMessageVisibilityBatchInput) (*awssqs.ChangeMessageVisibilityBatchOutput, error)
	send       func(in *awssqs.SendMessageBatchInput) (*awssqs.SendMessageBatchOutput, error)
}

// Do answers in the service's place. The names of the SDK's types are those on the wire.
func (a *settlerAPI) Do(r *http.Request) (*http.Response, error) {
	decode := json.NewDecoder(r.Body)
	var out any
	var err error
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "AmazonSQS.ChangeMessageVisibilityBatch":
		in := &awssqs.ChangeMessageVisibilityBatchInput{}
		if err := decode.Decode(in); err != nil {
			return nil, err
		}
		a.visibility = append(a.visibility, in)
		if a.change == nil {
			a.change = changed
		}
		out, err = a.change(in)
	case "AmazonSQS.SendMessageBatch":
		in := &awssqs.SendMessageBatchInput{}
		if err := decode.Decode(in); err != nil {
			return nil, err
		}
		a.sends = append(a.sends, in)
		if a.send == nil {
			a.send = func(in *awssqs.SendMessageBatchInput) (*awssqs.SendMessageBatchOutput, error) { return stored(in), nil }
		}
		out, err = a.send(in)
	default:
		return nil, fmt.Errorf("called %q", target)
	}
	if e, ok := err.(smithy.APIError); ok { //nolint:errorlint // made by the test itself
		return answer(400, fmt.Sprintf(`{"__type":"com.amazonaws.sqs#%s","message":%q}`, e.ErrorCode(), e.ErrorMessage())), nil
	}
	body, err := json.Marshal(out)
	return answer(200, strings.ReplaceAll(string(body), `"ResultMetadata":{},`, "")), err
}
