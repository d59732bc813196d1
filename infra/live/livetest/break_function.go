package livetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/offloadhq/offload/infra"
)

const alias = "live"

// update makes a break that changes the mapping of the task queue.
func update(change, back func(*lambda.UpdateEventSourceMappingInput, infra.Mapping)) func(context.Context, *Target) (Undo, error) {
	return func(ctx context.Context, t *Target) (Undo, error) {
		m := t.mapping("WorkerFunctionTasks")
		put := func(ctx context.Context, set func(*lambda.UpdateEventSourceMappingInput, infra.Mapping)) error {
			in := &lambda.UpdateEventSourceMappingInput{UUID: &m.Name}
			set(in, m)
			if _, err := t.Lambda.UpdateEventSourceMapping(ctx, in); err != nil {
				return err
			}
			return settled(ctx, t, m.Name)
		}
		return func(ctx context.Context) error { return put(ctx, back) }, put(ctx, change)
	}
}

// settled waits until a change of a mapping is in force: until then Lambda refuses the next one, and LocalStack makes a mess of it.
func settled(ctx context.Context, t *Target, uuid string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := t.Lambda.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &uuid})
		if err != nil {
			return err
		}
		if state := aws.ToString(got.State); state == "Enabled" || state == "Disabled" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("mapping %s is %s: %w", uuid, aws.ToString(got.State), ctx.Err())
		case <-tick.C:
		}
	}
}

// secondMapping makes another mapping from the task queue.
func secondMapping(ctx context.Context, t *Target) (Undo, error) {
	made, err := t.Lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		EventSourceArn: aws.String(t.queue("TaskQueue").ARN), FunctionName: aws.String(t.function("BulkFunction").ARN + ":" + alias),
		FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
		ScalingConfig:         &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}, Enabled: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := t.Lambda.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: made.UUID})
		return err
	}, nil
}

var mappingMisconfigurations = []Misconfiguration{
	{Rule: "C13-mapping", What: "two", At: "TaskQueue", Also: []string{"C7-visibility", "C13-settler", "H3-worker"}, Break: secondMapping},
	{Rule: "C13-settler", What: "a function of another queue", At: "BulkFunction", Also: []string{"C7-visibility", "C13-mapping", "H3-worker"}, Break: secondMapping},
	{Rule: "C13-enabled", What: "off", At: "WorkerFunctionTasks", Break: update(
		func(in *lambda.UpdateEventSourceMappingInput, _ infra.Mapping) { in.Enabled = aws.Bool(false) },
		func(in *lambda.UpdateEventSourceMappingInput, _ infra.Mapping) { in.Enabled = aws.Bool(true) },
	)},
	{Rule: "C13-filter", What: "on the body", At: "WorkerFunctionTasks", Break: update(
		func(in *lambda.UpdateEventSourceMappingInput, _ infra.Mapping) {
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":{"type":["a"]}}`)}}}
		},
		func(in *lambda.UpdateEventSourceMappingInput, _ infra.Mapping) {
			in.FilterCriteria = &types.FilterCriteria{}
		},
	)},
	{Rule: "D1-concurrency", What: "none", At: "WorkerFunctionTasks", Break: update(
		func(in *lambda.UpdateEventSourceMappingInput, _ infra.Mapping) {
			in.ScalingConfig = &types.ScalingConfig{}
		},
		func(in *lambda.UpdateEventSourceMappingInput, m infra.Mapping) {
			in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(int32(m.MaximumConcurrency))} //nolint:gosec // at most 1000
		},
	)},
	{Rule: "D3-report", What: "none", At: "WorkerFunctionTasks", Break: update(
		func(in *lambda.UpdateEventSourceMappingInput, _ infra.Mapping) {
			in.FunctionResponseTypes = []types.FunctionResponseType{}
		},
		func(in *lambda.UpdateEventSourceMappingInput, _ infra.Mapping) {
			in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
		},
	)},
	{Rule: "D7-qualifier", What: "a mapping without the alias", At: "WorkerFunctionTasks", Break: update(
		func(in *lambda.UpdateEventSourceMappingInput, m infra.Mapping) {
			in.FunctionName = aws.String(m.FunctionARN[:len(m.FunctionARN)-len(":"+alias)])
		},
		func(in *lambda.UpdateEventSourceMappingInput, m infra.Mapping) { in.FunctionName = &m.FunctionARN },
	)},
}

// putAsync sets the event invoke configuration of the worker's alias, or of another qualifier.
func putAsync(ctx context.Context, t *Target, qualifier, onFailure string) error {
	in := &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String(t.function("WorkerFunction").Name), Qualifier: &qualifier,
		MaximumRetryAttempts: aws.Int32(2), MaximumEventAgeInSeconds: aws.Int32(21_600),
	}
	if onFailure != "" {
		in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &onFailure}}
	}
	_, err := t.Lambda.PutFunctionEventInvokeConfig(ctx, in)
	return err
}

func deleteAsync(ctx context.Context, t *Target, qualifier string) error {
	_, err := t.Lambda.DeleteFunctionEventInvokeConfig(ctx, &lambda.DeleteFunctionEventInvokeConfigInput{
		FunctionName: aws.String(t.function("WorkerFunction").Name), Qualifier: &qualifier,
	})
	return err
}

var functionMisconfigurations = []Misconfiguration{
	{Rule: "D1-reserved", What: "less than the mappings", At: "WorkerFunction", Break: func(ctx context.Context, t *Target) (Undo, error) {
		name := t.function("WorkerFunction").Name
		_, err := t.Lambda.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(9)})
		return func(ctx context.Context) error {
			_, err := t.Lambda.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &name})
			return err
		}, err
	}},
	{Rule: "D6-recursion", What: "allowed", At: "BulkFunction", Break: func(ctx context.Context, t *Target) (Undo, error) {
		set := func(ctx context.Context, loop types.RecursiveLoop) error {
			_, err := t.Lambda.PutFunctionRecursionConfig(ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: aws.String(t.function("BulkFunction").Name), RecursiveLoop: loop})
			return err
		}
		return func(ctx context.Context) error { return set(ctx, types.RecursiveLoopTerminate) }, set(ctx, types.RecursiveLoopAllow)
	}},
	{Rule: "D7-onfailure", What: "no destination", At: "WorkerFunction", Break: func(ctx context.Context, t *Target) (Undo, error) {
		undo := func(ctx context.Context) error { return putAsync(ctx, t, alias, t.queue("DeadLetterQueue").ARN) }
		return undo, putAsync(ctx, t, alias, "")
	}},
	{Rule: "D7-qualifier", What: "the settings of the function and not of the alias", Break: func(ctx context.Context, t *Target) (Undo, error) {
		dead := t.queue("DeadLetterQueue").ARN
		undo := func(ctx context.Context) error {
			return errors.Join(putAsync(ctx, t, alias, dead), deleteAsync(ctx, t, "$LATEST"))
		}
		return undo, errors.Join(putAsync(ctx, t, "$LATEST", dead), deleteAsync(ctx, t, alias))
	}},
	{Rule: "J3-url", What: "public", At: "WorkerFunction", Break: func(ctx context.Context, t *Target) (Undo, error) {
		name := t.function("WorkerFunction").Name
		_, err := t.Lambda.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: &name, AuthType: types.FunctionUrlAuthTypeNone})
		return func(ctx context.Context) error {
			_, err := t.Lambda.DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: &name})
			return err
		}, err
	}},
	{Rule: "J3-policy", What: "a function open to everybody", At: "WorkerFunction", Break: func(ctx context.Context, t *Target) (Undo, error) {
		name, id := t.function("WorkerFunction").Name, "everybody"
		_, err := t.Lambda.AddPermission(ctx, &lambda.AddPermissionInput{
			FunctionName: &name, Qualifier: aws.String(alias), StatementId: &id, Principal: aws.String("*"), Action: aws.String("lambda:InvokeFunction"),
		})
		return func(ctx context.Context) error {
			_, err := t.Lambda.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: &name, Qualifier: aws.String(alias), StatementId: &id})
			return err
		}, err
	}},
}
