package cfn_test

import (
	"strings"
	"testing"

	"github.com/offloadhq/offload/internal/cfn"
)

// The evaluator as a whole is held by the tests of emulator/template and infra/template; here is what the two share at its edge.

const source = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Wait: {Type: Number, Default: 30}
  Given: {Type: String}
Conditions:
  Long: !Equals [!Ref Wait, "60"]
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: !If [Long, 360, !Ref Wait]
      RedrivePolicy: '{"maxReceiveCount": 15}'
      Tags: !Ref Given
  Bucket: {Type: AWS::S3::Bucket}
  Topic: {Type: AWS::SNS::Topic}
  Key: {Type: AWS::KMS::Key}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS}}}
`

func resolve(t *testing.T, parameters map[string]string) *cfn.Resolver {
	t.Helper()
	report := cfn.NewReport("t.yaml")
	root := cfn.Parse(report, []byte(source))
	o, err := cfn.Options{Parameters: parameters}.Filled()
	if err != nil {
		t.Fatal(err)
	}
	r := cfn.Resolve(report, root, &o)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReader(t *testing.T) {
	for wait, visibility := range map[string]int{"30": 30, "60": 360} {
		r := resolve(t, map[string]string{"Wait": wait})
		p := r.Properties(r.Resources["Work"])
		if n := p.Integer("VisibilityTimeout", 0, 43_200); n == nil || *n != visibility {
			t.Errorf("Wait %s: VisibilityTimeout %v", wait, n)
		}
		policy, ok := p.Policy("RedrivePolicy")
		if n := policy.Integer("maxReceiveCount", 1, 1000); !ok || n == nil || *n != 15 {
			t.Errorf("policy in JSON: %v, %v", ok, n)
		}
		if p.Line("Tags") != 14 {
			t.Errorf("line %d", p.Line("Tags"))
		}
		// A reader needs what it asks for: what cannot be computed is a problem, and its error says how to give it.
		if s := p.Text("Tags"); s != "" {
			t.Errorf("Tags: %q", s)
		}
		if err := r.Err(); err == nil || !strings.HasPrefix(err.Error(), "t.yaml:14: Resources.Work.Properties.Tags: parameter Given has no Default") {
			t.Errorf("error: %v", err)
		}
	}
}

func TestEval_UnknownIsNoProblem(t *testing.T) {
	r := resolve(t, nil)
	v := r.Eval(r.Resources["Work"].Props.Get("Tags"), "Tags")
	if v.Kind != cfn.Unknown || v.Why != "parameter Given has no Default and was given no value" || r.Err() != nil {
		t.Errorf("value: %+v, error %v", v, r.Err())
	}
}

func TestNames(t *testing.T) {
	r := resolve(t, nil)
	r.GenerateQueues()
	for id, want := range map[string]string{
		"Work":                    "arn:aws:sqs:us-east-1:000000000000:Work",
		"Bucket":                  "arn:aws:s3:::bucket",
		"Topic":                   "arn:aws:sns:us-east-1:000000000000:topic",
		"Fn":                      "arn:aws:lambda:us-east-1:000000000000:function:Fn",
		"Key":                     "",
		"Fn" + cfn.GeneratedQueue: "arn:aws:sqs:us-east-1:000000000000:FnEventInvokeConfigOnFailureQueue",
	} {
		res := r.Resources[id]
		if res == nil {
			t.Errorf("there is no %s", id)
			continue
		}
		if got := r.ARN(res, id); got.Text != want {
			t.Errorf("ARN of %s: %q, want %q", id, got.Text, want)
		}
		if named := cfn.HasName(res.Type); named != (want != "") {
			t.Errorf("%s has a name: %v", res.Type, named)
		}
	}
	for attribute, want := range map[string]string{
		"Alias":           "arn:aws:lambda:us-east-1:000000000000:function:Fn:live",
		"Version":         "arn:aws:lambda:us-east-1:000000000000:function:Fn:1",
		"Version.Version": "1",
	} {
		if v := r.Attribute("Fn", attribute, 1, attribute); v.Text != want {
			t.Errorf("Fn.%s: %q, want %q", attribute, v.Text, want)
		}
	}
}
