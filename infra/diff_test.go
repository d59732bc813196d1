package infra_test

import (
	"testing"
	"time"

	"github.com/offloadhq/offload/infra"
)

func deployed(name, account string) *infra.Stack {
	queue := "arn:aws:sqs:eu-west-1:" + account + ":" + name + "TaskQueue"
	fn := "arn:aws:lambda:eu-west-1:" + account + ":function:" + name + "WorkerFunction"
	return &infra.Stack{
		Name: name,
		Queues: []infra.Queue{
			{Resource: infra.Resource{ID: "TaskQueue", Name: name + "TaskQueue", ARN: queue}, URL: "https://sqs/" + name, VisibilityTimeout: 6 * time.Minute, DeadLetterARN: queue + "s"},
			{Resource: infra.Resource{ID: "DeadLetters", Name: name + "TaskQueues", ARN: queue + "s"}},
		},
		Functions: []infra.Function{{Resource: infra.Resource{ID: "Work", Name: name + "WorkerFunction", ARN: fn}, Timeout: time.Minute}},
		Mappings:  []infra.Mapping{{Resource: infra.Resource{ID: "WorkTasks"}, QueueARN: queue, FunctionARN: fn + ":live"}},
		Roles: []infra.Role{{Resource: infra.Resource{ID: "Role", Name: name + "Role"}, Statements: []infra.Statement{
			{Effect: "Allow", Actions: []string{"sqs:SendMessage"}, Resources: []string{queue, queue + "s"}},
		}}},
		Outputs: map[string]string{"QueueUrl": "https://sqs/" + name, "WorkerFunction": fn + ":live"},
	}
}

func TestDiff(t *testing.T) {
	want := deployed("", "000000000000")
	if d := infra.Diff(want, deployed("prod-", "123456789012")); len(d) > 0 {
		t.Errorf("two deployments of one template differ: %v", d)
	}
	have := deployed("prod-", "123456789012")
	have.Queues[0].VisibilityTimeout = time.Minute
	have.Mappings[0].FunctionARN = have.Functions[0].ARN
	have.Roles[0].Statements[0].Resources[0] = "*"
	have.Queues = have.Queues[:1]
	have.Alarms = []infra.Alarm{{Resource: infra.Resource{ID: "Extra"}}}
	have.NotRead("Functions.Work", "access denied")
	have.Functions[0].Timeout = time.Hour
	got := make(map[string]bool)
	for _, d := range infra.Diff(want, have) {
		got[d.String()] = true
	}
	for _, w := range []string{
		"Queues.TaskQueue.VisibilityTimeout: want 6m0s, have 1m0s",
		"Queues.DeadLetters: want the resource, have nothing",
		"Alarms.Extra: want nothing, have the resource",
		"Mappings.WorkTasks.FunctionARN: want ${Work.Arn}:live, have ${Work.Arn}",
	} {
		if !got[w] {
			t.Errorf("no difference %q in %v", w, got)
		}
		delete(got, w)
	}
	if len(got) != 2 { // the redrive policy and the statement name the queue that is gone
		t.Errorf("differences: %v", got)
	}
}

func TestUnreadIsNotChecked(t *testing.T) {
	s := deployed("", "000000000000")
	s.Functions[0].Timeout = time.Hour
	rule := infra.Rules()[0]
	if r := infra.Check(s, rule); len(r.Findings) != 1 || len(r.Skipped) != 0 {
		t.Errorf("report: %+v", r)
	}
	s.NotRead("Functions.Work.Timeout", "access denied")
	if r := infra.Check(s, rule); len(r.Findings) != 0 || len(r.Skipped) != 1 || r.Skipped[0].Why != "access denied" {
		t.Errorf("report: %+v", r)
	}
}
