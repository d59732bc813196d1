package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/bench/internal/payload"
)

// sdk sends a message a call, with the SDK as it comes.
type sdk struct {
	prompt
	api *sqs.Client
	url string
}

func openSDK(_ context.Context, s Server) (Producer, error) {
	cfg, err := awsConfig(s)
	if err != nil {
		return nil, err
	}
	return &sdk{api: sqs.NewFromConfig(cfg), url: queueURL(s)}, nil
}

func openSDKPool(_ context.Context, s Server) (Producer, error) {
	cfg, err := awsConfig(s)
	if err != nil {
		return nil, err
	}
	client := cfg.HTTPClient.(*awshttp.BuildableClient)
	cfg.HTTPClient = client.WithTransportOptions(func(t *http.Transport) { t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256 })
	return &sdk{api: sqs.NewFromConfig(cfg), url: queueURL(s)}, nil
}

// Produce implements [Producer].
func (q *sdk) Produce(ctx context.Context) (int, error) {
	body, err := json.Marshal(payload.New())
	if err != nil {
		return 0, err
	}
	if _, err := q.api.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))}); err != nil {
		return 0, err
	}
	return 1, nil
}

// sdkBatch sends ten messages a call.
type sdkBatch struct{ sdk }

func openSDKBatch(_ context.Context, s Server) (Producer, error) {
	cfg, err := awsConfig(s)
	if err != nil {
		return nil, err
	}
	return &sdkBatch{sdk{api: sqs.NewFromConfig(cfg), url: queueURL(s)}}, nil
}

// Produce implements [Producer].
func (q *sdkBatch) Produce(ctx context.Context) (int, error) {
	entries := make([]types.SendMessageBatchRequestEntry, batchSize)
	for i := range entries {
		body, err := json.Marshal(payload.New())
		if err != nil {
			return 0, err
		}
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))}
	}
	out, err := q.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
	if err != nil {
		return 0, err
	}
	if len(out.Failed) > 0 {
		return len(out.Successful), fmt.Errorf("%d entries failed: %s", len(out.Failed), aws.ToString(out.Failed[0].Message))
	}
	return len(out.Successful), nil
}

const batchSize = 10 // as many as SendMessageBatch takes
