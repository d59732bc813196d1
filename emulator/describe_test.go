package emulator_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// What the template says is what the APIs tell.
func TestTheTemplateCanBeReadBack(t *testing.T) {
	r := start(t)
	c, queues := lambda.NewFromConfig(r.aws), sqs.NewFromConfig(r.aws)
	queue, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(r.env["OFFLOAD_TASKS_URL"]), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	if err != nil {
		t.Fatal(err)
	}
	mappings, err := c.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{EventSourceArn: aws.String(queue.Attributes["QueueArn"])})
	if err != nil || len(mappings.EventSourceMappings) != 1 {
		t.Fatalf("mappings %+v, %v", mappings, err)
	}
	m := mappings.EventSourceMappings[0]
	if aws.ToString(m.FunctionArn) != r.env["OFFLOAD_FUNCTION"] || *m.BatchSize != 10 || len(m.FunctionResponseTypes) != 1 {
		t.Errorf("mapping %+v", m)
	}
	f, err := c.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: m.FunctionArn})
	if err != nil || *f.Timeout != 120 || f.Runtime != types.RuntimeProvidedal2023 || *f.Version != "1" {
		t.Errorf("function %+v, %v", f, err)
	}
	async, err := c.GetFunctionEventInvokeConfig(t.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: m.FunctionArn})
	if err != nil || *async.MaximumRetryAttempts != 2 || aws.ToString(async.DestinationConfig.OnFailure.Destination) == "" {
		t.Errorf("asynchronous settings %+v, %v", async, err)
	}
	_, err = c.GetFunctionEventInvokeConfig(t.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("CarelessWorker")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("asynchronous settings of a function without any: %v", err)
	}
}
