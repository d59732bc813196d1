package template_test

import (
	"strings"
	"testing"

	"github.com/offloadhq/offload/emulator/template"
)

const surroundings = `Transform: AWS::Serverless-2016-10-31
Parameters:
  Name: {Type: String, Default: web}
  Count: {Type: Number, Default: 7}
  Zones: {Type: CommaDelimitedList, Default: "a, b,c"}
  Empty: {Type: CommaDelimitedList, Default: ""}
  Ports: {Type: "List<Number>", Default: "80,443"}
  Vpc: {Type: "AWS::EC2::VPC::Id", Default: vpc-1}
Mappings:
  Sizes: {small: {Memory: 128, Zones: [x, y]}, web: {Memory: 256}}
Conditions:
  IsWeb: !Equals [!Ref Name, web]
  IsNot: !Not [{Condition: IsWeb}]
  Both: !And [!Condition IsWeb, !Not [!Condition IsNot]]
  Either: !Or [!Condition IsNot, !Condition IsWeb]
  Numbers: !Equals [!Ref Count, 7]
  Booleans: !Equals [true, "true"]
Globals: {Function: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: fn}}
Resources:
  Work: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "${Name}-work"}}
  Plain: {Type: AWS::SQS::Queue}
  Other:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: go1.x}
    Properties: {FunctionName: !Join ["-", [!Ref Name, other]], AutoPublishAlias: live}
  Version: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref Other}}
  Alias: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !GetAtt Other.Arn, FunctionVersion: !GetAtt Version.Version, Name: blue}}
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub "${Name}-table"}}
  Bucket: {Type: AWS::S3::Bucket}
  Topic: {Type: AWS::SNS::Topic}
  Role: {Type: AWS::IAM::Role, Properties: {Path: /service/, RoleName: Mine}}
  Setting: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Count}}
  Flow: {Type: AWS::Serverless::StateMachine, Properties: {Name: F}}
  Api: {Type: AWS::Serverless::HttpApi}
  Fn:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: go1.x}
    Properties:
      Environment:
        Variables:
          VALUE: `

// TestLoad_Intrinsics evaluates each expression as an environment variable. "(none)" means that the variable is not there.
func TestLoad_Intrinsics(t *testing.T) {
	t.Parallel()
	cases := []struct{ expr, want string }{
		// scalars
		{`hello`, "hello"},
		{`"8080"`, "8080"},
		{`8080`, "8080"},
		{`1.10`, "1.10"},
		{`true`, "true"},
		{`True`, "true"},
		{`yes`, "true"},
		{`off`, "false"},
		{`"yes"`, "yes"},
		{`2012-10-17`, "2012-10-17"},
		{`!!str 5`, "5"},
		{`""`, ""},
		{`~`, "(none)"},
		{`|-` + "\n            two\n            lines", "two\nlines"},
		// Ref
		{`!Ref Name`, "web"},
		{`{Ref: Name}`, "web"},
		{`!Ref Count`, "7"},
		{`!Ref Vpc`, "vpc-1"},
		{`!Ref Work`, "http://127.0.0.1:4566/000000000000/web-work"},
		{`!Ref Plain`, "http://127.0.0.1:4566/000000000000/Plain"},
		{`!Ref Other`, "web-other"},
		{`!Ref Table`, "web-table"},
		{`!Ref Bucket`, "bucket"},
		{`!Ref Topic`, "arn:aws:sns:us-east-1:000000000000:topic"},
		{`!Ref Role`, "Mine"},
		{`!Ref Setting`, "setting"},
		{`!Ref Flow`, "arn:aws:states:us-east-1:000000000000:stateMachine:F"},
		{`!Ref OtherRole`, "otherrole"},
		{`!Ref Other.Alias`, "arn:aws:lambda:us-east-1:000000000000:function:web-other:live"},
		{`!Ref OtherAliaslive`, "arn:aws:lambda:us-east-1:000000000000:function:web-other:live"},
		{`!Ref Other.Version`, "arn:aws:lambda:us-east-1:000000000000:function:web-other:1"},
		{`!Ref Version`, "arn:aws:lambda:us-east-1:000000000000:function:web-other:1"},
		{`!Ref Alias`, "arn:aws:lambda:us-east-1:000000000000:function:web-other:blue"},
		// pseudo parameters
		{`!Ref AWS::Region`, "us-east-1"},
		{`!Ref AWS::AccountId`, "000000000000"},
		{`!Ref AWS::StackName`, "offload"},
		{`!Ref AWS::Partition`, "aws"},
		{`!Ref AWS::URLSuffix`, "amazonaws.com"},
		{`!Ref AWS::NoValue`, "(none)"},
		{`!Join ["", !Ref AWS::NotificationARNs]`, ""},
		{`!Ref AWS::StackId`, "arn:aws:cloudformation:us-east-1:000000000000:stack/offload/00000000-0000-0000-0000-000000000000"},
		// GetAtt
		{`!GetAtt Work.Arn`, "arn:aws:sqs:us-east-1:000000000000:web-work"},
		{`!GetAtt [Work, QueueName]`, "web-work"},
		{`{"Fn::GetAtt": [Work, QueueUrl]}`, "http://127.0.0.1:4566/000000000000/web-work"},
		{`{"Fn::GetAtt": Work.Arn}`, "arn:aws:sqs:us-east-1:000000000000:web-work"},
		{`!GetAtt Other.Arn`, "arn:aws:lambda:us-east-1:000000000000:function:web-other"},
		{`!GetAtt Table.Arn`, "arn:aws:dynamodb:us-east-1:000000000000:table/web-table"},
		{`!GetAtt Bucket.Arn`, "arn:aws:s3:::bucket"},
		{`!GetAtt Bucket.DomainName`, "bucket.s3.amazonaws.com"},
		{`!GetAtt Topic.TopicName`, "topic"},
		{`!GetAtt Role.Arn`, "arn:aws:iam::000000000000:role/service/Mine"},
		{`!GetAtt OtherRole.Arn`, "arn:aws:iam::000000000000:role/otherrole"},
		{`!GetAtt Setting.Value`, "7"},
		{`!GetAtt Alias.AliasArn`, "arn:aws:lambda:us-east-1:000000000000:function:web-other:blue"},
		{`!GetAtt Version.Version`, "1"},
		{`!GetAtt [Work, !Join ["", [A, rn]]]`, "arn:aws:sqs:us-east-1:000000000000:web-work"},
		// Sub
		{`!Sub "${Name}-${AWS::Region}"`, "web-us-east-1"},
		{`!Sub "${!Name} $Name ${ Name }"`, "${Name} $Name web"},
		{`!Sub "${Work.QueueName}"`, "web-work"},
		{`!Sub ["${A}${B}${Name}", {A: 1, B: !Ref Count}]`, "17web"},
		{`!Sub ["${Name}", {Name: mine}]`, "mine"},
		{`!Sub "${Other.Alias}"`, "arn:aws:lambda:us-east-1:000000000000:function:web-other:live"},
		{`{"Fn::Sub": "${Count}"}`, "7"},
		{`!Sub plain`, "plain"},
		// lists
		{`!Join [",", [a, !Ref Name, 3]]`, "a,web,3"},
		{`!Join ["", []]`, ""},
		{`!Join ["-", !Ref Zones]`, "a-b-c"},
		{`!Join ["-", !Ref Empty]`, ""},
		{`!Join ["-", !Ref Ports]`, "80-443"},
		{`!Join ["-", [a, !Ref AWS::NoValue, b]]`, "a-b"},
		{`!Select [1, !Ref Zones]`, "b"},
		{`!Select ["0", [x, y]]`, "x"},
		{`!Select [1, !Split ["|", "a|b|c"]]`, "b"},
		{`!Join ["+", !Split [",", !Join [",", !Ref Zones]]]`, "a+b+c"},
		{`!Base64 hello`, "aGVsbG8="},
		{`!Base64 {"Fn::Sub": "${Name}"}`, "d2Vi"},
		// FindInMap
		{`!FindInMap [Sizes, small, Memory]`, "128"},
		{`!FindInMap [Sizes, !Ref Name, Memory]`, "256"},
		{`!Select [1, !FindInMap [Sizes, small, Zones]]`, "y"},
		{`!FindInMap [Sizes, huge, Memory, {DefaultValue: !Ref Count}]`, "7"},
		// conditions
		{`!If [IsWeb, a, b]`, "a"},
		{`!If [IsNot, a, b]`, "b"},
		{`!If [Both, a, b]`, "a"},
		{`!If [Either, a, b]`, "a"},
		{`!If [Numbers, a, b]`, "a"},
		{`!If [Booleans, a, b]`, "a"},
		{`!If [IsNot, a, !Ref AWS::NoValue]`, "(none)"},
		{`!If [IsWeb, !If [IsNot, a, b], c]`, "b"},
		{`!If [IsNot, !Ref Nonsense, b]`, "b"},
	}
	dir := t.TempDir()
	write(t, dir, program("x"))
	text := strings.ReplaceAll(surroundings, "CodeUri: fn", "CodeUri: .")
	for _, c := range cases {
		t.Run(c.expr, func(t *testing.T) {
			t.Parallel()
			got, err := template.LoadBytes("template.yaml", dir, []byte(text+c.expr+"\n"), nil)
			if err != nil {
				t.Fatal(err)
			}
			v, ok := got.Functions[1].Env["VALUE"]
			if !ok {
				v = "(none)"
			}
			if v != c.want {
				t.Errorf("%s = %q, want %q", c.expr, v, c.want)
			}
		})
	}
}

func TestLoad_JSONSyntax(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{\n\"A\": x\n}":                 "template.json:2: not valid JSON: invalid character 'x' looking for beginning of value",
		"{\n\"A\":\nx}":                  "template.json:3: not valid JSON: invalid character 'x' looking for beginning of value",
		"{\n\"Resources\": {\n\"A\" 1}}": "template.json:3: not valid JSON: invalid character '1' after object key",
		"{\"Resources\": {\n\"A\":":      "template.json:2: not valid JSON: unexpected end of JSON input",
		"{\"Resources\": {}}\n{}":        "template.json:2: not valid JSON: invalid character '{' after top-level value",
		"":                               "template.json:1: not valid JSON: unexpected end of JSON input",
		"{\"Resources\": {\"A\": {\"Type\":\n 3}}}": "template.json:2: Resources.A.Type: must be a string, not a number",
	} {
		_, err := template.LoadBytes("template.json", t.TempDir(), []byte(text), nil)
		if err == nil || err.Error() != want {
			t.Errorf("%q: error = %v, want %s", text, err, want)
		}
	}
}

func TestLoad_JSONIsReadAsJSONWhateverItsName(t *testing.T) {
	t.Parallel()
	text := "{\n\t\"Resources\": {\n\t\t\"Work\": {\"Type\": \"AWS::SQS::Queue\", \"Properties\": {\"Tags\": [{\"Key\": \"k\", \"Value\": \"\\ud83d\\udce8\\/\"}]}}}}"
	got, err := template.LoadBytes("template", t.TempDir(), []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if q := got.Queues[0]; q.Tags["k"] != "📨/" || q.Line != 3 {
		t.Errorf("queue = %+v", q)
	}
	flow := "{Resources: {Work: {Type: AWS::SQS::Queue}}}"
	if _, err := template.LoadBytes("template", t.TempDir(), []byte(flow), nil); err != nil {
		t.Errorf("YAML in flow style: %v", err)
	}
}

func TestLoad_AnchorsAndMergeKeys(t *testing.T) {
	t.Parallel()
	got := mustLoad(t, `Resources:
  A:
    Type: AWS::SQS::Queue
    Properties: &base {VisibilityTimeout: 10, DelaySeconds: 1}
  B:
    Type: AWS::SQS::Queue
    Properties: {<<: *base, DelaySeconds: 2}
  C:
    Type: AWS::SQS::Queue
    Properties:
      <<: [{DelaySeconds: 3}, *base]
      MessageRetentionPeriod: &retention 60
  D:
    Type: AWS::SQS::Queue
    Properties: {MessageRetentionPeriod: *retention}
`, nil)
	want := []map[string]string{
		{"VisibilityTimeout": "10", "DelaySeconds": "1"},
		{"VisibilityTimeout": "10", "DelaySeconds": "2"},
		{"VisibilityTimeout": "10", "DelaySeconds": "3", "MessageRetentionPeriod": "60"},
		{"MessageRetentionPeriod": "60"},
	}
	for i, q := range got.Queues {
		if len(q.Attributes) != len(want[i]) {
			t.Errorf("%s = %v, want %v", q.Name, q.Attributes, want[i])
		}
		for k, v := range want[i] {
			if q.Attributes[k] != v {
				t.Errorf("%s.%s = %q, want %q", q.Name, k, q.Attributes[k], v)
			}
		}
	}
}
