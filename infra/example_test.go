package infra_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/offloadhq/offload/infra"
)

// Check holds a stack against every rule. What the reader could not read is not judged.
func ExampleCheck() {
	stack := &infra.Stack{
		Queues: []infra.Queue{{
			Resource: infra.Resource{ID: "Tasks", Name: "prod-Tasks", ARN: "arn:aws:sqs:eu-west-1:123456789012:prod-Tasks"}, VisibilityTimeout: time.Minute,
		}},
		Functions: []infra.Function{{
			Resource: infra.Resource{ID: "Work", ARN: "arn:aws:lambda:eu-west-1:123456789012:function:prod-Work"}, Timeout: 30 * time.Second,
		}},
		Mappings: []infra.Mapping{{
			Resource:    infra.Resource{ID: "WorkTasks"},
			QueueARN:    "arn:aws:sqs:eu-west-1:123456789012:prod-Tasks",
			FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:prod-Work:live",
		}},
	}
	stack.NotRead("Alarms", "AccessDenied: cloudwatch:DescribeAlarms")

	rules := slices.DeleteFunc(infra.Rules(), func(r infra.Rule) bool { return r.Row() != "C7" && r.Row() != "C9" })
	report := infra.Check(stack, rules...)
	for _, f := range report.Findings {
		fmt.Println(f)
		fmt.Println(" fix:", f.Fix)
	}
	for _, s := range report.Skipped {
		fmt.Println("not checked:", s.Rule, s.Why)
	}
	// Output:
	// error C7-visibility Tasks: 1m0s is less than 3m0s: 6 × 30s of Work, and 0s of batch window
	//  fix: set VisibilityTimeout of the queue to 6 × Timeout of the function + MaximumBatchingWindowInSeconds
	// not checked: C9-inflight AccessDenied: cloudwatch:DescribeAlarms
}

// Diff tells a deployment that somebody has changed by hand from its template. Names and ARNs do not count.
func ExampleDiff() {
	template := &infra.Stack{Queues: []infra.Queue{{Resource: infra.Resource{ID: "Tasks", Name: "Tasks"}, VisibilityTimeout: 3 * time.Minute}}}
	deployed := &infra.Stack{Queues: []infra.Queue{{Resource: infra.Resource{ID: "Tasks", Name: "prod-Tasks-1X2Y"}, VisibilityTimeout: time.Minute}}}
	for _, d := range infra.Diff(template, deployed) {
		fmt.Println(d)
	}
	// Output:
	// Queues.Tasks.VisibilityTimeout: want 3m0s, have 1m0s
}
