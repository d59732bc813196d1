package livetest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/infra"
)

// attributes makes a break that sets attributes of a queue.
func attributes(id string, set func(*Target) map[string]string) func(context.Context, *Target) (Undo, error) {
	return func(ctx context.Context, t *Target) (Undo, error) {
		q := t.queue(id)
		change, before := set(t), queueAttributes(&q)
		back := make(map[string]string)
		for name := range change {
			back[name] = before[name] // "" takes a policy away
		}
		put := func(ctx context.Context, values map[string]string) error {
			_, err := t.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &q.URL, Attributes: values})
			return err
		}
		return func(ctx context.Context) error { return put(ctx, back) }, put(ctx, change)
	}
}

func fixed(values map[string]string) func(*Target) map[string]string {
	return func(*Target) map[string]string { return values }
}

// receives sets maxReceiveCount of the task queue.
func receives(n int) func(*Target) map[string]string {
	return func(t *Target) map[string]string {
		return map[string]string{"RedrivePolicy": redrive(t.queue("TaskQueue").DeadLetterARN, n)}
	}
}

// queuePolicy sets the policy of the task queue to its own and one statement more.
func queuePolicy(more infra.Statement) func(*Target) map[string]string {
	return func(t *Target) map[string]string {
		q := t.queue("TaskQueue")
		more.Resources = []string{q.ARN}
		return map[string]string{"Policy": document(append([]infra.Statement{more}, q.Policy...))}
	}
}

// elsewhere makes a queue of nobody's stack the dead-letter queue.
func elsewhere(ctx context.Context, t *Target) (Undo, error) {
	made, err := t.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("elsewhere")})
	if err != nil {
		return nil, err
	}
	dead := t.queue("DeadLetterQueue")
	arn := dead.ARN[:len(dead.ARN)-len(dead.Name)] + "elsewhere"
	undo, err := attributes("TaskQueue", fixed(map[string]string{"RedrivePolicy": redrive(arn, 15)}))(ctx, t)
	return func(ctx context.Context) error {
		if err := undo(ctx); err != nil {
			return err
		}
		_, err := t.SQS.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: made.QueueUrl})
		return err
	}, err
}

var queueMisconfigurations = []Misconfiguration{
	{Rule: "C7-visibility", What: "five times the timeout", At: "TaskQueue", Break: attributes("TaskQueue", fixed(map[string]string{"VisibilityTimeout": "300"}))},
	{Rule: "C10-attempts", What: "fewer than the worker assumes", At: "TaskQueue", Break: attributes("TaskQueue", receives(14))},
	{Rule: "D1-receives", What: "four", At: "TaskQueue", Break: attributes("TaskQueue", receives(4))},
	{Rule: "C11-retention", What: "four days", At: "DeadLetterQueue", Break: attributes("DeadLetterQueue", fixed(map[string]string{"MessageRetentionPeriod": "345600"}))},
	{Rule: "C11-source", What: "as long as that of the dead letters", At: "TaskQueue", Also: []string{"G2-lifetime"}, Break: attributes("TaskQueue", fixed(map[string]string{"MessageRetentionPeriod": "1209600"}))},
	{Rule: "C13-redrive", What: "none", At: "BulkQueue", Break: attributes("BulkQueue", fixed(map[string]string{"RedrivePolicy": ""}))},
	{Rule: "C13-target", What: "in nobody's stack", At: "TaskQueue", Also: []string{"H3-worker"}, Break: elsewhere},
	{
		Rule: "C13-delay", What: "longer than the retention", At: "TaskQueue", Also: []string{"H4-age"},
		Break: attributes("TaskQueue", fixed(map[string]string{"DelaySeconds": "900", "MessageRetentionPeriod": "600"})),
	},
	{
		Rule: "C13-kind", What: "a FIFO queue behind a standard one", At: "BulkQueue", Also: []string{"D7-onfailure"},
		Break:   attributes("BulkDeadLetterQueue", fixed(map[string]string{"FifoQueue": "true"})),
		Refused: "SQS turns no queue into the other kind (\"Queue types\"), and only a template can name a queue of the other kind as a target",
	},
	{
		Rule: "C13-allow", What: "nobody", At: "DeadLetterQueue",
		Break: attributes("DeadLetterQueue", fixed(map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`})),
	},
	{Rule: "C13-size", What: "the old limit", At: "TaskQueue", Break: attributes("TaskQueue", fixed(map[string]string{"MaximumMessageSize": "262144"}))},
	{Rule: "J3-encryption", What: "off", At: "TaskQueue", Break: attributes("TaskQueue", fixed(map[string]string{"SqsManagedSseEnabled": "false"}))},
	{Rule: "J3-tls", What: "no policy", At: "TaskQueue", Break: attributes("TaskQueue", fixed(map[string]string{"Policy": ""}))},
	{
		Rule: "J3-policy", What: "a queue open to everybody", At: "TaskQueue",
		Break: attributes("TaskQueue", queuePolicy(infra.Statement{Effect: "Allow", Principals: []string{"*"}, Actions: []string{"sqs:SendMessage"}})),
	},
}
