package emulator_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/emulator/testdata/e2e/tasks"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestBothRoadsEndInTheHandler(t *testing.T) {
	r := start(t)
	queued := r.fire(r.queue("OFFLOAD_TASKS_URL"), make([]tasks.Act, 25)...)
	direct := r.fire(r.direct(), make([]tasks.Act, 5)...)
	r.eventually("30 effects", func() bool {
		n := 0
		for _, id := range append(queued, direct...) {
			n += r.runs(id)
		}
		return n == 30
	})
}

func TestFailuresEndAmongTheDeadLetters(t *testing.T) {
	r := start(t)
	queued := r.fire(r.queue("OFFLOAD_TASKS_URL"), tasks.Act{Fail: true}, tasks.Act{})
	direct := r.fire(r.direct(), tasks.Act{Fail: true}, tasks.Act{})
	dead := map[string]map[string]types.MessageAttributeValue{}
	r.eventually("two dead letters", func() bool { r.dead(dead); return len(dead) == 2 })
	for _, id := range []string{queued[0], direct[0]} {
		attributes, ok := dead[id]
		if !ok {
			t.Fatalf("task %s is no dead letter", id)
		}
		if got := aws.ToString(attributes["Offload.Attempt"].StringValue); got != "3" {
			t.Errorf("task %s: attempt %q, want 3", id, got)
		}
		if got := aws.ToString(attributes["Offload.Message"].StringValue); !strings.Contains(got, "was asked to fail") {
			t.Errorf("task %s: message %q", id, got)
		}
	}
	r.eventually("the good ones", func() bool { return r.runs(queued[1]) == 1 && r.runs(direct[1]) == 1 })
}

// Lambda does not read the answer of a function whose mapping lacks ReportBatchItemFailures: it deletes the whole batch.
// That the emulator does so too is what proves a template before it is deployed.
func TestD3_MappingWithoutTheSettingLoses(t *testing.T) {
	r := start(t)
	ids := r.fire(r.queue("OFFLOAD_CARELESS_URL"), tasks.Act{Fail: true})
	if want := "CarelessWorkerTasks: has no FunctionResponseTypes"; !strings.Contains(r.logs.String(), want) || strings.Count(r.logs.String(), "has no FunctionResponseTypes") != 1 {
		t.Errorf("no warning of the mapping that loses, or one of the other: %q", r.logs.String())
	}
	r.eventually("the attempt", func() bool { return strings.Contains(r.logs.String(), "attempt 1 of "+ids[0]) })
	api, url := sqs.NewFromConfig(r.aws), r.env["OFFLOAD_CARELESS_URL"]
	r.eventually("the queue to be empty", func() bool {
		got, err := api.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		a := got.Attributes
		return a["ApproximateNumberOfMessages"] == "0" && a["ApproximateNumberOfMessagesNotVisible"] == "0"
	})
	dead := map[string]map[string]types.MessageAttributeValue{}
	r.dead(dead)
	if hasKey(dead, ids[0]) || r.runs(ids[0]) != 0 || strings.Contains(r.logs.String(), "attempt 2 of") {
		t.Fatal("the failed task was not lost: the emulator is kinder than AWS")
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	_, err = emulator.Start(t.Context(), &emulator.Options{Template: "testdata/e2e/template.yaml", Port: &port, Output: io.Discard})
	if want := fmt.Sprintf("port %d: is in use", port); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("err = %v, want %q", err, want)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ template, says string }{
		"no file":      {"", "template.yaml"},
		"bad property": {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibilityTimout: 3\n", "template.yaml:5"},
		"does not build": {"Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: go1.x}\n" +
			"    Properties: {CodeUri: ., Handler: bootstrap, Runtime: provided.al2023}\n", "F"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "template.yaml")
			if c.template != "" {
				if err := os.WriteFile(file, []byte(c.template), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			port := 0
			_, err := emulator.Start(t.Context(), &emulator.Options{Template: file, Port: &port})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("err = %v, want it to say %q", err, c.says)
			}
		})
	}
}

// Whatever else a user's template has in it: the queues and the Go functions run, and the rest is told.
func TestUsersTemplateStarts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":     "module users\n",
		"fn/main.go": "package main\n\nfunc main() {}\n",
		"template.yaml": `Transform: AWS::Serverless-2016-10-31
Resources:
  Table: { Type: AWS::DynamoDB::Table }
  Work: { Type: AWS::SQS::Queue }
  First:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: go1.x }
    Properties: { CodeUri: fn/, Handler: bootstrap, Runtime: provided.al2023 }
  Second:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: go1.x }
    Properties: { CodeUri: fn/, Handler: bootstrap, Runtime: provided.al2023 }
  Python:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: fn/, Handler: a.b, Runtime: python3.13 }
Outputs:
  Stream: { Value: !GetAtt Table.StreamArn }
  WorkURL: { Value: !Ref Work }
  Second: { Value: !GetAtt Second.Arn }
`,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port, logs := 0, &buffer{}
	e, err := emulator.Start(t.Context(), &emulator.Options{Template: filepath.Join(dir, "template.yaml"), Port: &port, Output: logs})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	env := e.Environment()
	if got, want := env["OFFLOAD_WORK_URL"], e.Endpoint()+"/000000000000/Work"; got != want {
		t.Errorf("OFFLOAD_WORK_URL=%q, want %q", got, want)
	}
	if got, want := env["OFFLOAD_SECOND"], "arn:aws:lambda:us-east-1:000000000000:function:Second"; got != want {
		t.Errorf("OFFLOAD_SECOND=%q, want %q", got, want)
	}
	if got, ok := env["OFFLOAD_STREAM"]; ok {
		t.Errorf("OFFLOAD_STREAM=%q: nobody here can know it", got)
	}
	for _, want := range []string{"AWS_ENDPOINT_URL_DYNAMODB", "Resources.Python: skipped", "Outputs.Stream: left out", "built First", "built Second"} {
		if !strings.Contains(logs.String(), want) {
			t.Errorf("the screen says nothing of %q:\n%s", want, logs.String())
		}
	}
}
