package template_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/template"
)

// TestTransformed_SAM holds what SAM makes by itself against the SAM transform's own, and spot-checks what both say.
func TestTransformed_SAM(t *testing.T) {
	source, transformed := load(t, "testdata/sam.template.yaml", nil), load(t, "testdata/sam.transformed.json", nil)
	for _, d := range infra.Diff(transformed, source) {
		t.Errorf("source is not what SAM makes of it: %s", d)
	}
	if len(source.Unread) > 0 {
		t.Errorf("not read: %v", source.Unread)
	}
	for name, check := range map[string]bool{
		"redrive policy in JSON":      source.Queues[3].MaxReceiveCount == 7 && source.SourcesOf(&source.Queues[0])[0].ID == "Work",
		"FIFO":                        source.Queues[1].FIFO && !source.Queues[1].ManagedSSE,
		"queue that SAM makes":        source.Functions[1].Async[0].OnFailure == source.Queues[2].ARN && source.Queues[2].ID == "ReachedEventInvokeConfigOnFailureQueue",
		"qualifier":                   source.Functions[1].Async[0].Qualifier == "now" && source.Functions[1].Async[0].MaxRetries == 0,
		"age":                         source.Functions[1].Async[0].MaxAge == 6*time.Hour,
		"function URL":                source.Functions[1].URLs[0] == infra.FunctionURL{Qualifier: "now", AuthType: "NONE"},
		"permission of the alias":     source.Functions[1].Policy[0].Resources[0] == source.Functions[1].ARN+":now",
		"role that SAM makes":         source.Functions[0].RoleARN == source.Roles[0].ARN && len(source.Roles[0].ManagedPolicies) == 3,
		"reserved":                    *source.Functions[0].ReservedConcurrency == 5 && source.Functions[1].ReservedConcurrency == nil,
		"unqualified mapping":         source.Mappings[0].FunctionARN == source.Functions[0].ARN && !source.Mappings[0].Enabled,
		"conditions are sorted":       reflect.DeepEqual(source.Queues[1].Policy[0].Conditions[0].Values, []string{"a", "b"}),
		"principals are sorted":       source.Queues[1].Policy[0].Principals[0] == "Service:events.amazonaws.com",
		"policy beside the role":      source.Roles[1].Statements[0].NotActions[0] == "sqs:SendMessage",
		"log group that Lambda makes": source.Functions[0].LogGroup == "/aws/lambda/Plain",
	} {
		if !check {
			t.Errorf("%s: not as in the template", name)
		}
	}
}

const head = "Transform: AWS::Serverless-2016-10-31\nParameters:\n  P: {Type: String}\n  Q: {Type: String, Default: q}\nResources:\n"

// TestUnread: what the reader cannot know it says, and judges nothing by it.
func TestUnread(t *testing.T) {
	for name, test := range map[string]struct{ yaml, path, why string }{
		"parameter without value": {"  W: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: !Ref P}}", "Queues.W.VisibilityTimeout", "parameter P has no Default"},
		"attribute of AWS": {
			"  W: {Type: AWS::SQS::Queue, Properties: {KmsMasterKeyId: !GetAtt K.Arn}}\n  K: {Type: AWS::KMS::Key}", "Queues.W.KMSKeyID", "attribute Arn of K",
		},
		"part of a list": {
			"  R: {Type: AWS::IAM::Role, Properties: {Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: 'kms:Decrypt', Resource: !GetAtt K.Arn}]}}]}}\n  K: {Type: AWS::KMS::Key}",
			"Roles.R.Statements", "attribute Arn of K",
		},
		"condition": {"  A: {Type: AWS::CloudWatch::Alarm, Condition: C}\nConditions: {C: !Equals [!Ref P, x]}", "Alarms", "whether A exists"},
		"output":    {"  W: {Type: AWS::SQS::Queue}\nOutputs: {O: {Value: !Ref P}}", "Outputs.O", "parameter P"},
		"policy template of SAM": {
			"  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Policies: [{SQSPollerPolicy: {QueueName: w}}]}}", "Roles.FRole.Statements", "SQSPollerPolicy",
		},
		"permission that SAM makes": {
			"  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Events: {Web: {Type: Api, Properties: {Path: /, Method: get}}}}}", "Functions.F.Policy", "event Web (Api)",
		},
		"name":          {"  W: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref P}}", "Queues.W.Name", "parameter P"},
		"redrive":       {"  W: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !Ref P, maxReceiveCount: 15}}}", "Queues.W.DeadLetterARN", "parameter P"},
		"redrive whole": {"  W: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: !Ref P}}", "Queues.W.DeadLetterARN", "parameter P"},
		"queues of a policy": {
			"  W: {Type: AWS::SQS::Queue}\n  X: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref P], PolicyDocument: {Statement: []}}}", "Queues.W.Policy", "parameter P",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := template.Parse("t.yaml", []byte(head+test.yaml+"\n"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if why, unread := s.WhyUnread(test.path); !unread || !strings.Contains(why, test.why) {
				t.Errorf("%s: %q, %v; all: %v", test.path, why, unread, s.Unread)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct{ yaml, want string }{
		"not an integer":    {"  W: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: long}}", `t.yaml:6: Resources.W.Properties.VisibilityTimeout: must be an integer, not "long"`},
		"not a string":      {"  W: {Type: AWS::SQS::Queue, Properties: {KmsMasterKeyId: [a]}}", "t.yaml:6: Resources.W.Properties.KmsMasterKeyId: must be a string, not a list"},
		"not a number":      {"  A: {Type: AWS::CloudWatch::Alarm, Properties: {Threshold: high}}", `t.yaml:6: Resources.A.Properties.Threshold: must be a number, not "high"`},
		"no such resource":  {"  W: {Type: AWS::SQS::Queue, Properties: {KmsMasterKeyId: !Ref Key}}", "t.yaml:6: Resources.W.Properties.KmsMasterKeyId: refers to Key, which is neither"},
		"redrive not a map": {"  W: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: [a]}}", "t.yaml:6: Resources.W.Properties.RedrivePolicy: must be a map"},
		"not YAML":          {"  W: {", "t.yaml:"},
		"misspelt type":     {"  W: {Type: AWS::SQS::Queu}", "unknown type AWS::SQS::Queu"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := template.Parse("t.yaml", []byte(head+test.yaml+"\n"), nil)
			if err == nil || s != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("stack %v, error %v\nwant %s", s, err, test.want)
			}
		})
	}
	if _, err := template.Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := template.Load(project, &template.Options{Parameters: map[string]string{"FunctionTimeout": "61"}}); err == nil || !strings.Contains(err.Error(), "must be one of") {
		t.Errorf("parameter that is not allowed: %v", err)
	}
	if _, err := template.Load(project, &template.Options{AccountID: "1"}); err == nil || !strings.Contains(err.Error(), "12 digits") {
		t.Errorf("account: %v", err)
	}
}

func TestOptions(t *testing.T) {
	s, err := template.Load(project, &template.Options{Region: "eu-west-1", AccountID: "123456789012", StackName: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "mine" || s.Region != "eu-west-1" || s.Account != "123456789012" || s.Queue("arn:aws:sqs:eu-west-1:123456789012:TaskQueue") == nil {
		t.Errorf("stack: %s %s %s %v", s.Name, s.Region, s.Account, s.Queues)
	}
	if d := infra.Diff(load(t, project, nil), s); len(d) > 0 {
		t.Errorf("another account makes a difference: %v", d)
	}
}
