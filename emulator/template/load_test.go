package template_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offloadhq/offload/emulator/template"
)

// load writes a template beside a directory "fn" that holds a Go program, and loads it. Positions in problems then start with
// "template.yaml:".
func load(t *testing.T, text string, opts *template.Options) (*template.Template, error) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"template.yaml": text, "fn/main.go": "package main\n\nfunc main() {}\n", "made/Makefile": "build-Fn:\n"})
	return template.Load(filepath.Join(dir, "template.yaml"), opts)
}

// problems gives the lines of an error, with the template named by its base name and the directory as DIR.
func problems(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if dir, _, ok := strings.Cut(line, "/template.yaml:"); ok {
			line = strings.ReplaceAll(strings.TrimPrefix(line, dir+"/"), dir, "DIR")
		}
		out = append(out, line)
	}
	return out
}

func mustLoad(t *testing.T, text string, opts *template.Options) *template.Template {
	t.Helper()
	got, err := load(t, text, opts)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// head is the start of a template with one good queue and one good function; a case goes on with more resources from line 14.
const start = `Transform: AWS::Serverless-2016-10-31
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 60}
  Fn:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: go1.x}
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: fn
      Timeout: 10
`

func TestLoad_FileProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.yaml")
	if _, err := template.Load(missing, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("error = %v, want one that names the file and wraps os.ErrNotExist", err)
	}
	if _, err := template.Load(dir, nil); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("error = %v", err)
	}
	write(t, dir, map[string]string{"big.yaml": strings.Repeat("#", 1<<20+1)})
	if _, err := template.Load(filepath.Join(dir, "big.yaml"), nil); err == nil || !strings.Contains(err.Error(), "AWS takes at most 1048576") {
		t.Errorf("error = %v", err)
	}
}

func TestLoad_OptionsAreCheckedTogether(t *testing.T) {
	t.Parallel()
	_, err := load(t, start, &template.Options{AccountID: "12", Region: "US East", StackName: "1"})
	for _, want := range []string{"Options.AccountID", "Options.Region", "Options.StackName"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestLoad_OptionsReachTheModel(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, start, &template.Options{
		AccountID: "123456789012", Region: "eu-west-1", QueueURL: func(name string) string { return "http://q/" + name },
	})
	if q := got.Queues[0]; q.ARN != "arn:aws:sqs:eu-west-1:123456789012:Work" || q.URL != "http://q/Work" {
		t.Errorf("queue = %+v", q)
	}
	if fn := got.Functions[0]; fn.ARN != "arn:aws:lambda:eu-west-1:123456789012:function:Fn" {
		t.Errorf("function = %+v", fn)
	}
}

func TestLoad_ProblemIsAValue(t *testing.T) {
	t.Parallel()
	_, err := load(t, start+"      Environment: {Variables: {VPC: !ImportValue shared-vpc}}\n", nil)
	p, ok := errors.AsType[*template.Problem](err)
	if !ok || p.Line != 14 || p.Key != "Resources.Fn.Properties.Environment.Variables.VPC" || p.Needs != "shared-vpc" {
		t.Fatalf("problem = %+v", p)
	}
	if !errors.Is(err, template.ErrUncomputable) {
		t.Errorf("%v is not ErrUncomputable", err)
	}
	if _, err := load(t, start+"      Oops: 1\n", nil); errors.Is(err, template.ErrUncomputable) {
		t.Errorf("%v is ErrUncomputable", err)
	}
	got := mustLoad(t, start+"      Environment: {Variables: {VPC: !ImportValue shared-vpc}}\n", &template.Options{Values: map[string]string{"shared-vpc": "vpc-1"}})
	if v := got.Functions[0].Env["VPC"]; v != "vpc-1" {
		t.Errorf("VPC = %q, want the given value", v)
	}
}

func TestEnvName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"FooBar": "OFFLOAD_FOO_BAR", "QueueURL": "OFFLOAD_QUEUE_URL", "DLQArn": "OFFLOAD_DLQ_ARN", "queueUrl": "OFFLOAD_QUEUE_URL",
		"HTTPServer2Url": "OFFLOAD_HTTP_SERVER2_URL", "QueueURLs": "OFFLOAD_QUEUE_URLS", "DLQsArn": "OFFLOAD_DLQS_ARN", "A": "OFFLOAD_A",
		"S3Bucket": "OFFLOAD_S3_BUCKET", "URL": "OFFLOAD_URL", "odd-name": "OFFLOAD_ODD_NAME", "": "OFFLOAD_",
	} {
		if got := template.EnvName(name); got != want {
			t.Errorf("EnvName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestLoad_DeadLetterQueueComesFirst(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, `Resources:
  A: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt B.Arn}}}
  B: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt C.Arn, maxReceiveCount: 2}}}
  C: {Type: AWS::SQS::Queue}
`, nil)
	var order string
	for _, q := range got.Queues {
		order += q.Name
	}
	if order != "CBA" {
		t.Errorf("order = %s, want CBA", order)
	}
	if p := got.Queues[2].Attributes["RedrivePolicy"]; p != `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:B","maxReceiveCount":10}` {
		t.Errorf("RedrivePolicy = %s, want the default of 10", p)
	}
}

func TestLoad_SkippedFunctionsTakeTheirMappingsAlong(t *testing.T) {
	t.Parallel()
	for name, props := range map[string]string{
		"its runtime is python3.13":              "Runtime: python3.13\n      CodeUri: py\n      Handler: app.run\n      Unheard: of",
		"it is a container image":                "PackageType: Image\n      ImageUri: 1.dkr.ecr.us-east-1.amazonaws.com/x",
		"its code is inline":                     "Runtime: provided.al2023\n      InlineCode: x",
		"its code is in S3":                      "Runtime: provided.al2023\n      CodeUri: s3://bucket/key",
		"its code is the archive fn.zip":         "Runtime: provided.al2023\n      CodeUri: fn.zip",
		"AWS has retired the runtime go1.x; use": "Runtime: go1.x\n      CodeUri: fn",
	} {
		text := `Transform: AWS::Serverless-2016-10-31
Resources:
  Work: {Type: AWS::SQS::Queue}
  Other:
    Type: AWS::Serverless::Function
    Properties:
      ` + props + `
      Events: {Q: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn}}}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Other, EventSourceArn: !GetAtt Work.Arn}}
`
		got := mustLoad(t, text, nil)
		if len(got.Functions) != 0 || len(got.Mappings) != 0 || len(got.Queues) != 1 {
			t.Errorf("%s: %+v", name, got)
		}
		if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0].String(), "template.yaml:4: Resources.Other: skipped: "+name) {
			t.Errorf("%s: warnings = %v", name, got.Warnings)
		}
	}
}

func TestLoad_BuildMethodIsGuessed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"prebuilt/bootstrap": "x", "prebuilt/Makefile": "", "made/Makefile": "", "gone/main.go": "package main\n", "lib/lib.go": "package lib\n",
		"empty/notes.txt": "",
	})
	for name, want := range map[string]string{"prebuilt": template.MethodPrebuilt, "made": template.MethodMakefile, "gone": template.MethodGo, "lib": "", "empty": ""} {
		write(t, dir, map[string]string{name + ".yaml": strings.ReplaceAll(strings.ReplaceAll(start, "    Metadata: {BuildMethod: go1.x}\n", ""), "CodeUri: fn", "CodeUri: "+name)})
		got, err := template.Load(filepath.Join(dir, name+".yaml"), nil)
		switch {
		case want == "" && (err == nil || !strings.Contains(err.Error(), "holds no executable bootstrap, no Makefile and no Go main package")):
			t.Errorf("%s: error = %v", name, err)
		case want != "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != "" && got.Functions[0].BuildMethod != want:
			t.Errorf("%s: method = %s, want %s", name, got.Functions[0].BuildMethod, want)
		case want == template.MethodGo && (len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0].Text, "BuildMethod: go1.x")):
			t.Errorf("%s: warnings = %v", name, got.Warnings)
		}
	}
}

func TestLoad_NoEchoValuesAreNotPrinted(t *testing.T) {
	t.Parallel()
	_, err := load(t, "Parameters: {Key: {Type: String, NoEcho: true, MinLength: 20}}\n"+start[len("Transform: AWS::Serverless-2016-10-31\n"):],
		&template.Options{Parameters: map[string]string{"Key": "hunter2"}})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "Parameters.Key: the value must have a length of at least 20") {
		t.Errorf("error = %v", err)
	}
}

// TestLoad_UnknownValuesAreLazy: what only AWS knows is no problem where nothing that runs needs it.
func TestLoad_UnknownValuesAreLazy(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, lazy, nil)
	if q := got.Queues; len(q) != 1 || q[0].Attributes["VisibilityTimeout"] != "60" || len(q[0].Tags) != 1 {
		t.Errorf("queues = %+v", q)
	}
	var warnings []string
	for _, w := range got.Warnings {
		warnings = append(warnings, w.Key+": "+w.Text)
	}
	want := []string{
		"Outputs.Out: left out: parameter Image is read from Systems Manager (AWS::SSM::Parameter::Value<String>)",
		"Outputs.Sometimes: left out: parameter Image is read from Systems Manager (AWS::SSM::Parameter::Value<String>)",
		`Outputs.Resolved: left out: the dynamic reference "{{resolve:ssm:/a}}" is read by AWS`,
	}
	if strings.Join(warnings, "\n") != strings.Join(want, "\n") {
		t.Errorf("warnings:\n%s\nwant:\n%s", strings.Join(warnings, "\n"), strings.Join(want, "\n"))
	}
}

const lazy = `Parameters:
  Image: {Type: "AWS::SSM::Parameter::Value<String>", Default: /x}
  Key: {Type: String}
Conditions:
  Special: !Equals [!Ref Image, x]
  Never: !And [!Equals [a, b], !Condition Special]
  Always: !Or [!Equals [a, a], !Condition Special]
Resources:
  Work:
    Type: AWS::SQS::Queue
    Condition: Always
    Properties:
      KmsMasterKeyId: !Ref Key
      VisibilityTimeout: !If [Always, 60, !ImportValue x]
      Tags: [{Key: a, Value: !Ref Key}, {Key: b, Value: c}]
  Gone: {Type: AWS::SQS::Queue, Condition: Never, Properties: {VisibilityTimeout: nonsense}}
  Role: {Type: AWS::IAM::Role, Condition: Special, Properties: {RoleName: !GetAtt Nowhere.Arn}}
Outputs:
  Out: {Value: !Ref Image}
  Sometimes: {Condition: Special, Value: x}
  Resolved: {Value: "{{resolve:ssm:/a}}"}
`

func TestLoad_GlobalsMergeAsInSAM(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, `Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023, Architectures: [arm64], Timeout: 9, Environment: {Variables: {AA: global, BB: !Ref Work}}}}
Resources:
  Work: {Type: AWS::SQS::Queue}
  Merged:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: go1.x}
    Properties: {CodeUri: fn, Timeout: 5, Architectures: [x86_64], Environment: {Variables: {BB: !Ref AWS::Region, CC: own}}}
  Alone:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: go1.x}
    IgnoreGlobals: "*"
    Properties: {CodeUri: fn, Runtime: provided.al2}
`, nil)
	merged, alone := got.Functions[0], got.Functions[1]
	if env := fmt.Sprint(merged.Env); env != "map[AA:global BB:us-east-1 CC:own]" {
		t.Errorf("environment = %s", env)
	}
	if s := fmt.Sprint(merged.Architectures, merged.Timeout); s != "[arm64 x86_64] 5s" {
		t.Errorf("architectures and timeout = %s", s)
	}
	if s := fmt.Sprintf("%v %v %v %v", alone.Env, alone.Architectures, alone.Timeout, alone.Runtime); s != "map[] [] 3s provided.al2" {
		t.Errorf("the function without globals has %s", s)
	}
}

func TestLoad_WhatAConditionLeavesOutIsNotMentioned(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, `Conditions: {Never: !Equals [a, b]}
Resources:
  Work: {Type: AWS::SQS::Queue}
  Table: {Type: AWS::DynamoDB::Table, Condition: Never}
  Worker: {Type: AWS::Lambda::Function, Condition: Never, Properties: {Runtime: python3.13}}
`, nil)
	if len(got.Warnings) != 0 || len(got.Functions) != 0 {
		t.Errorf("warnings = %v, functions = %v", got.Warnings, got.Functions)
	}
}

func TestLoad_MergedResourcesDoNotWinOverOwnOnes(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, `Metadata:
  base: &base
    Work: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 1}}
    Plain: {Type: AWS::SQS::Queue}
Resources:
  <<: *base
  Work: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 2}}
`, nil)
	if len(got.Queues) != 2 || got.Queues[0].Attributes["DelaySeconds"] != "2" {
		t.Errorf("queues = %+v", got.Queues)
	}
}

func TestLoad_OneEventInvokeConfigOfAFunctionHolds(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, start+`      AutoPublishAlias: live
  One: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref Fn, Qualifier: live, MaximumRetryAttempts: 1}}
  Two: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref Fn, Qualifier: $LATEST, MaximumRetryAttempts: 0}}
`, nil)
	fn := got.Functions[0]
	if *fn.Async.MaxRetries != 1 || fn.AsyncQualifier != "live" {
		t.Errorf("configuration = %+v of %q, want that of One", fn.Async, fn.AsyncQualifier)
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Key != "Resources.Two" {
		t.Errorf("warnings = %v", got.Warnings)
	}
}
