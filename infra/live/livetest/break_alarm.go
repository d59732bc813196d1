package livetest

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"go.yaml.in/yaml/v3"

	"github.com/offloadhq/offload/infra"
)

// deleted makes a break that deletes an alarm.
func deleted(id string) func(context.Context, *Target) (Undo, error) {
	return func(ctx context.Context, t *Target) (Undo, error) {
		a := find(t.Model.Alarms, id, func(a infra.Alarm) string { return a.ID })
		_, err := t.CloudWatch.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{a.Name}})
		return func(ctx context.Context) error {
			in := &cloudwatch.PutMetricAlarmInput{
				AlarmName: &a.Name, Namespace: &a.Namespace, MetricName: &a.Metric, Statistic: types.Statistic(a.Statistic),
				Period: aws.Int32(int32(a.Period / time.Second)), EvaluationPeriods: aws.Int32(int32(a.EvaluationPeriods)), //nolint:gosec // small
				Threshold: &a.Threshold, ComparisonOperator: types.ComparisonOperator(a.Comparison), TreatMissingData: &a.MissingData,
				AlarmActions: a.Actions, ActionsEnabled: &a.ActionsEnabled,
			}
			for name, value := range a.Dimensions {
				in.Dimensions = append(in.Dimensions, types.Dimension{Name: &name, Value: &value})
			}
			_, err := t.CloudWatch.PutMetricAlarm(ctx, in)
			return err
		}, err
	}
}

func silence(ctx context.Context, t *Target) (Undo, error) {
	names := []string{find(t.Model.Alarms, "TaskQueueAgeAlarm", func(a infra.Alarm) string { return a.ID }).Name}
	_, err := t.CloudWatch.DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: names})
	return func(ctx context.Context) error {
		_, err := t.CloudWatch.EnableAlarmActions(ctx, &cloudwatch.EnableAlarmActionsInput{AlarmNames: names})
		return err
	}, err
}

func forEver(ctx context.Context, t *Target) (Undo, error) {
	g := find(t.Model.LogGroups, "WorkerLogGroup", func(g infra.LogGroup) string { return g.ID })
	_, err := t.Logs.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: &g.Name})
	return func(ctx context.Context) error {
		_, err := t.Logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &g.Name, RetentionInDays: aws.Int32(int32(g.RetentionDays))}) //nolint:gosec // small
		return err
	}, err
}

func alarmMisconfigurations() []Misconfiguration {
	list := []Misconfiguration{
		{Rule: "H4-actions", What: "off", At: "TaskQueueAgeAlarm", Break: silence},
		{Rule: "H4-logs", What: "kept for ever", At: "WorkerLogGroup", Break: forEver},
	}
	for _, a := range []struct{ rule, alarm, at string }{
		{"C9-inflight", "TaskQueueInFlightAlarm", "TaskQueue"},
		{"D6-alarm", "WorkerRecursionAlarm", "WorkerFunction"},
		{"H4-dead-letters", "BulkDeadLetterQueueAlarm", "BulkDeadLetterQueue"},
		{"H4-age", "TaskQueueAgeAlarm", "TaskQueue"},
		{"H4-errors", "WorkerErrorsAlarm", "WorkerFunction"},
		{"H4-throttles", "BulkThrottlesAlarm", "BulkFunction"},
		{"H4-dropped", "DirectDroppedAlarm", "WorkerFunction"},
		{"H4-destination", "DirectDestinationAlarm", "WorkerFunction"},
	} {
		list = append(list, Misconfiguration{Rule: a.rule, What: "no alarm", At: a.at, Break: deleted(a.alarm)})
	}
	return list
}

// open lets the public in to the bucket.
func open(ctx context.Context, t *Target) (Undo, error) {
	name := find(t.Model.Buckets, "ResultsBucket", func(b infra.Bucket) string { return b.ID }).Name
	put := func(ctx context.Context, policy bool) error {
		_, err := t.S3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: &name, PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true), BlockPublicPolicy: &policy,
		}})
		return err
	}
	return func(ctx context.Context) error { return put(ctx, true) }, put(ctx, false)
}

// lifetime makes a break that gives the bucket of payloads another lifetime; 0 takes every rule away.
func lifetime(days int32) func(context.Context, *Target) (Undo, error) {
	return func(ctx context.Context, t *Target) (Undo, error) {
		name := find(t.Model.Buckets, "PayloadsBucket", func(b infra.Bucket) string { return b.ID }).Name
		before, err := t.S3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		put := func(ctx context.Context, rules []s3types.LifecycleRule) error {
			_, err := t.S3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
				Bucket: &name, LifecycleConfiguration: &s3types.BucketLifecycleConfiguration{Rules: rules},
			})
			return err
		}
		undo := func(ctx context.Context) error { return put(ctx, before.Rules) }
		if days == 0 {
			_, err := t.S3.DeleteBucketLifecycle(ctx, &s3.DeleteBucketLifecycleInput{Bucket: &name})
			return undo, err
		}
		return undo, put(ctx, []s3types.LifecycleRule{{
			ID: aws.String("short"), Status: s3types.ExpirationStatusEnabled, Filter: &s3types.LifecycleRuleFilter{Prefix: aws.String("")},
			Expiration: &s3types.LifecycleExpiration{Days: &days},
		}})
	}
}

// notRetained deploys the template with a queue that goes with the stack.
func notRetained(ctx context.Context, t *Target) (Undo, error) {
	name := t.Model.Name
	got, err := t.CloudFormation.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: cfntypes.TemplateStageOriginal})
	if err != nil {
		return nil, err
	}
	var template yaml.Node // JSON is YAML
	if err := yaml.Unmarshal([]byte(*got.TemplateBody), &template); err != nil {
		return nil, err
	}
	queue := member(member(template.Content[0], "Resources"), "TaskQueue")
	member(queue, "DeletionPolicy").Value = "Delete"
	// "You can't update the DeletionPolicy by itself" ("DeletionPolicy attribute"): some metadata has to change with it.
	metadata := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "Changed"}, {Kind: yaml.ScalarNode, Value: "by hand"}}}
	if there := member(queue, "Metadata"); there != nil {
		there.Content = append(there.Content, metadata.Content...)
	} else {
		queue.Content = append(queue.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "Metadata"}, metadata)
	}
	broken, err := yaml.Marshal(&template)
	if err != nil {
		return nil, err
	}
	deploy := func(ctx context.Context, body string) error { return updateStack(ctx, t, body) }
	return func(ctx context.Context) error { return deploy(ctx, *got.TemplateBody) }, deploy(ctx, string(broken))
}

// member gives the value of a key of a map, or nil.
func member(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// updateStack deploys a template with the parameters that the stack has, and waits until it is in force.
func updateStack(ctx context.Context, t *Target, body string) error {
	described := &cloudformation.DescribeStacksInput{StackName: &t.Model.Name}
	stacks, err := t.CloudFormation.DescribeStacks(ctx, described)
	if err != nil {
		return err
	}
	in := &cloudformation.UpdateStackInput{StackName: &t.Model.Name, TemplateBody: &body, Capabilities: []cfntypes.Capability{
		cfntypes.CapabilityCapabilityIam, cfntypes.CapabilityCapabilityAutoExpand, // the template may name the SAM transform
	}}
	for _, p := range stacks.Stacks[0].Parameters {
		in.Parameters = append(in.Parameters, cfntypes.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	if _, err := t.CloudFormation.UpdateStack(ctx, in); err != nil {
		return err
	}
	waiter := cloudformation.NewStackUpdateCompleteWaiter(t.CloudFormation, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, 10*time.Second
	})
	return waiter.Wait(ctx, described, 5*time.Minute)
}

var storageMisconfigurations = []Misconfiguration{
	{Rule: "J3-public", What: "policies", At: "ResultsBucket", Break: open},
	{Rule: "G1-expiry", What: "no lifecycle", At: "PayloadsBucket", Break: lifetime(0)},
	{Rule: "G2-lifetime", What: "a week", At: "PayloadsBucket", Break: lifetime(7)},
	{
		Rule: "H2-retain", What: "a queue that goes with the stack", At: "TaskQueue", Break: notRetained,
	},
}
