package emulator_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/emulator/testdata/e2e/tasks"
)

// A function process that is killed in the middle of a batch gives no answer: the batch comes back after its visibility
// timeout and completes. What its mates had done stays done.
func TestC10_KillInTheMiddleOfABatch(t *testing.T) {
	r := startWith(t, short(), nil)
	acts := make([]tasks.Act, 10)
	acts[4] = tasks.Act{Crash: true, OnlyOne: true, After: 9}
	ids := r.fire(r.queue("OFFLOAD_TASKS_URL"), acts...)
	r.eventually("every task of the batch", func() bool {
		for _, id := range ids {
			if r.runs(id) == 0 {
				return false
			}
		}
		return true
	})
	// The effect is of the next attempt, not of the one that was killed. What a process says may be read after what it does is seen.
	r.eventually("the next attempt", func() bool { return strings.Contains(r.logs.String(), "attempt 2 of "+ids[4]) })
}

// A task that kills its process every time reaches the dead-letter queue by the queue's redrive, and its batch mates
// complete.
func TestC10_CrasherEndsByRedrive(t *testing.T) {
	r := startWith(t, short(), nil)
	acts := make([]tasks.Act, 5)
	acts[2] = tasks.Act{Crash: true, After: 4}
	ids := r.fire(r.queue("OFFLOAD_TASKS_URL"), acts...)
	dead := map[string]map[string]types.MessageAttributeValue{}
	r.eventually("the crasher's dead letter", func() bool { r.dead(dead); return len(dead[ids[2]]) == 0 && hasKey(dead, ids[2]) })
	for i, id := range ids {
		if i != 2 && r.runs(id) == 0 {
			t.Errorf("batch mate %d was not done", i)
		}
		if i != 2 && hasKey(dead, id) {
			t.Logf("batch mate %d came to the dead letters with the crasher, done", i)
		}
	}
}

// Whatever a job does to its process, the other tasks are done, and it ends among the dead letters itself.
func TestBadJobsLoseNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		act  tasks.Act
		says string // in the message of the dead letter; "" if the queue moves it and so nobody can tell why
	}{
		"E1 panic":    {tasks.Act{Panic: true}, "was asked to panic"},
		"E3 os.Exit":  {tasks.Act{Exit: true, After: 5}, ""},
		"E5 for ever": {tasks.Act{Loop: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := startWith(t, short(), nil)
			acts := make([]tasks.Act, 6)
			acts[3] = c.act
			ids := r.fire(r.queue("OFFLOAD_TASKS_URL"), acts...)
			dead := map[string]map[string]types.MessageAttributeValue{}
			r.eventually("the dead letter", func() bool { r.dead(dead); return hasKey(dead, ids[3]) })
			if got := aws.ToString(dead[ids[3]]["Offload.Message"].StringValue); !strings.Contains(got, c.says) {
				t.Errorf("the dead letter says %q, want %q", got, c.says)
			}
			for i, id := range ids {
				if i != 3 && r.runs(id) == 0 {
					t.Errorf("batch mate %d was not done", i)
				}
			}
		})
	}
}

// A function that dies at start takes no task with it: the queue keeps them, and the log says why.
func TestD9_FunctionThatDiesAtStart(t *testing.T) {
	r := startWith(t, short(), map[string]string{"DIE_AT_START": "1"})
	ids := r.fire(r.queue("OFFLOAD_TASKS_URL"), tasks.Act{})
	r.eventually("the reason in the log", func() bool {
		return strings.Contains(r.logs.String(), "was asked to die at start") && strings.Contains(r.logs.String(), "ended before it asked for its first event")
	})
	dead := map[string]map[string]types.MessageAttributeValue{}
	r.eventually("the task, by redrive", func() bool { r.dead(dead); return hasKey(dead, ids[0]) })
}

// An asynchronous event has no caller who could be told: the screen tells, and after the retries Lambda's record around
// the event is in the destination.
func TestD7_AsynchronousFailureIsToldAndKept(t *testing.T) {
	for outcome, act := range map[string]tasks.Act{"crashed": {Exit: true}, "timed out": {Stop: true}} {
		t.Run(outcome, func(t *testing.T) {
			r := startWith(t, short(), nil)
			id := r.fire(r.direct(), act)[0]
			api, url := sqs.NewFromConfig(r.aws), r.env["OFFLOAD_DEAD_URL"]
			r.eventually("the record of the event", func() bool {
				got, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
				if err != nil {
					t.Fatal(err)
				}
				return len(got.Messages) == 1 && strings.Contains(aws.ToString(got.Messages[0].Body), `"requestPayload":{"specversion":"1.0","id":"`+id)
			})
			if n := strings.Count(r.logs.String(), "WARN invocation "+outcome+" function=Worker"); n != 3 {
				t.Errorf("%d are told, want the first try and two retries", n)
			}
		})
	}
}

// A job that never ends does not keep the emulator: Close kills it when its context ends, and says so.
func TestCloseKillsWhatDoesNotEnd(t *testing.T) {
	r := start(t)
	id := r.fire(r.direct(), tasks.Act{Loop: true})[0]
	r.eventually("the job", func() bool { return strings.Contains(r.logs.String(), "attempt 1 of "+id) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.emulator.Close(ctx); err == nil || !strings.Contains(err.Error(), "1 invocations were killed") {
		t.Fatalf("err = %v", err)
	}
	r.closed = true
	select {
	case <-r.emulator.Done():
	default:
		t.Error("it still serves after Close")
	}
}
