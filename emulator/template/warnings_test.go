package template_test

import (
	"slices"
	"strings"
	"testing"
)

// TestLoad_Warnings: what AWS knows and is missing here is said, and stops nothing.
func TestLoad_Warnings(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, text string
		want       []string
	}{
		{"properties without effect", start + "      Layers: [a]\n      FileSystemConfigs: [a]\n      FunctionUrlConfig: {AuthType: NONE}\n      DeadLetterQueue: {Type: SQS, TargetArn: x}\n      Role: x\n      VpcConfig: {}\n", []string{
			"14: Resources.Fn.Properties.Layers: layers are not added to the function; what it loads from /opt is missing",
			"15: Resources.Fn.Properties.FileSystemConfigs: file systems are not mounted",
			"16: Resources.Fn.Properties.FunctionUrlConfig: no URL is served; call the function with Invoke",
			"17: Resources.Fn.Properties.DeadLetterQueue: not emulated, events that fail for good are dropped; use EventInvokeConfig with an OnFailure destination, which is",
		}},
		{"filter", start + "      Events: {Q: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn, FilterCriteria: {Filters: []}}}}\n", []string{
			"14: Resources.Fn.Properties.Events.Q.Properties.FilterCriteria: not emulated; the function gets every message, while on AWS those that do not match are deleted",
		}},
		{"destinations", start + "      EventInvokeConfig: {DestinationConfig: {OnSuccess: {Type: SQS}, OnFailure: {Type: SNS, Destination: x}}}\n", []string{
			"14: Resources.Fn.Properties.EventInvokeConfig.DestinationConfig.OnSuccess: not emulated; nothing is sent when an event succeeds",
			"14: Resources.Fn.Properties.EventInvokeConfig.DestinationConfig.OnFailure: a destination of type SNS is not emulated; events that fail for good are dropped",
		}},
		{"destination of a plain configuration", start + "  C: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref Fn, DestinationConfig: {OnFailure: {Destination: 'arn:aws:sns:x'}}}}\n", []string{
			`14: Resources.C.Properties.DestinationConfig.OnFailure: the destination "arn:aws:sns:x" is no queue and not emulated; events that fail for good are dropped`,
		}},
		{"routing", start + "  A: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Fn, FunctionVersion: 1, Name: a, RoutingConfig: {}}}\n", []string{
			"14: Resources.A.Properties.RoutingConfig: not emulated; every invocation runs the one build of the function",
		}},
		{"mapping of another service", start + "  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Fn, EventSourceArn: 'arn:aws:kafka:x'}}\n", []string{
			`14: Resources.M: a mapping from "arn:aws:kafka:x" is not emulated; only queues are`,
		}},
		{"many events", start + "      Events:\n" + "        E: {Type: Api}\n        F: {Type: Api}\n        G: {Type: Api}\n        H: {Type: S3}\n        I: {Type: Api}\n        J: {Type: Api}\n        K: {Type: Api}\n", []string{
			"15: Resources.Fn.Properties.Events: not emulated: E (Api), F (Api), G (Api), H (S3), I (Api) and 2 more; call the function with Invoke instead",
		}},
		{"several resources of a type", start + "  B: {Type: AWS::S3::Bucket}\n  C: {Type: AWS::S3::Bucket}\n  P: {Type: AWS::IAM::Policy}\n", []string{
			"14: AWS::S3::Bucket: not emulated: B (line 14), C (line 15); calls to it need AWS_ENDPOINT_URL_S3",
		}},
		{"macro", "Transform: [Mine, AWS::LanguageExtensions]\nResources: {Work: {Type: AWS::SQS::Queue}}\nOutputs: {A: {Value: !Ref Made}}\n", []string{
			`1: Transform: "Mine" runs on AWS only; what it changes or adds is missing here`,
			"3: Outputs.A: left out: Made is not in the template; a macro or a loop that is not expanded here may make it",
		}},
		{"loop", "Resources:\n  Work: {Type: AWS::SQS::Queue, Properties: {'Fn::Transform': {Name: x}, DelaySeconds: 1}}\n  Fn::ForEach::Q: [N, [a], {}]\nOutputs: {Fn::ForEach::Q: [], B: {Value: x}, bB: {Value: y}}\n", []string{
			"2: Resources.Work.Properties.Fn::Transform: not expanded here; what it adds is missing",
			"3: Resources.Fn::ForEach::Q: not expanded here; the resources that it makes are missing",
			"4: Outputs.Fn::ForEach::Q: left out: an output is a map with a Value",
		}},
		{"outputs of one variable", "Resources: {Work: {Type: AWS::SQS::Queue}}\nOutputs:\n  QueueURL: {Value: x}\n  QueueUrl: {Value: y}\n", []string{
			"4: Outputs.QueueUrl: left out: OFFLOAD_QUEUE_URL is the variable of output QueueURL already",
		}},
		{"pattern of Java", "Parameters: {P: {Type: String, Default: x, AllowedPattern: '(?!y).*'}}\nResources: {Work: {Type: AWS::SQS::Queue}}\n", []string{
			"1: Parameters.P.AllowedPattern: not checked here: error parsing regexp: invalid or unsupported Perl syntax: `(?!`",
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var said []string
			for _, w := range mustLoad(t, c.text, nil).Warnings {
				_, rest, _ := strings.Cut(w.String(), "template.yaml:")
				said = append(said, rest)
			}
			if !slices.Equal(said, c.want) {
				t.Errorf("warnings\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestLoad_PoliciesMayBeJSON(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, `Resources:
  Dead: {Type: AWS::SQS::Queue, Properties: {RedriveAllowPolicy: '{"redrivePermission":"denyAll"}'}}
  Other: {Type: AWS::SQS::Queue}
  Work:
    Type: AWS::SQS::Queue
    Properties: {RedrivePolicy: !Sub '{"deadLetterTargetArn":"${Other.Arn}","maxReceiveCount":"4"}'}
`, nil)
	if p := got.Queues[0].Attributes["RedriveAllowPolicy"]; p != `{"redrivePermission":"denyAll"}` {
		t.Errorf("RedriveAllowPolicy = %s", p)
	}
	if p := got.Queues[2].Attributes["RedrivePolicy"]; p != `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:Other","maxReceiveCount":4}` {
		t.Errorf("RedrivePolicy = %s", p)
	}
}
