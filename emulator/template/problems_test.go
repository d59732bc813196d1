package template_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/offloadhq/offload/emulator/template"
)

// mistakes holds templates and everything that Load says about them. "+" stands for start, with what follows from line 14 on.
var mistakes = []struct {
	name, text string
	want       []string
}{
	{
		"empty file",
		"",
		[]string{
			`template.yaml: the file is empty; a template needs at least a Resources section`,
		},
	},
	{
		"not YAML",
		"Resources:\n  Work: {Type: [}\n",
		[]string{
			`template.yaml:2: not valid YAML: did not find expected node content`,
		},
	},
	{
		"tab in YAML",
		"Resources:\n\tWork: x\n",
		[]string{
			`template.yaml:2: not valid YAML: found character that cannot start any token`,
		},
	},
	{
		"two documents",
		"Resources:\n  Work: {Type: AWS::SQS::Queue}\n---\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:3: a second document starts here; a template is one document`,
		},
	},
	{
		"a list",
		"- a\n",
		[]string{
			`template.yaml:1: a template is a map with a Resources section, not a list`,
		},
	},
	{
		"a word",
		"hello\n",
		[]string{
			`template.yaml:1: a template is a map with a Resources section, not a string`,
		},
	},
	{
		"duplicate key",
		"Resources:\n  Work: {Type: AWS::SQS::Queue}\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:3: Resources.Work: duplicate key; the first one is on line 2`,
		},
	},
	{
		"duplicate property",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: 1\n      DelaySeconds: 2\n",
		[]string{
			`template.yaml:6: Resources.Work.Properties.DelaySeconds: duplicate key; the first one is on line 5`,
		},
	},
	{
		"duplicate key in JSON",
		"{\"Resources\": {\n\"Work\": {\"Type\": \"AWS::SQS::Queue\"},\n\"Work\": {\"Type\": \"AWS::SQS::Queue\"}}}",
		[]string{
			`template.yaml:3: Resources.Work: duplicate key; the first one is on line 2`,
		},
	},
	{
		"key that is a list",
		"Resources:\n  ? [a]\n  : b\n",
		[]string{
			`template.yaml:2: Resources: a key must be a string`,
		},
	},
	{
		"unknown tag",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: !Reff x\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.DelaySeconds: unknown tag !Reff; did you mean !Ref?`,
		},
	},
	{
		"unknown anchor",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: *x\n",
		[]string{
			`template.yaml:5: not valid YAML: unknown anchor 'x' referenced`,
		},
	},
	{
		"anchor in itself",
		"Resources: &a\n  Work: *a\n",
		[]string{
			`template.yaml:2: Resources.Work.Work: the anchor "a" contains itself`,
		},
	},
	{
		"merge of a word",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      <<: word\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties: << takes a map or a list of maps, not a string`,
		},
	},
	{
		"no resources",
		"Description: x\n",
		[]string{
			`template.yaml: Resources: the section is missing or empty; a template needs at least one resource`,
		},
	},
	{
		"unknown section",
		"Resource: {}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Resource: unknown section; did you mean Resources?`,
		},
	},
	{
		"section is a list",
		"Outputs: []\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Outputs: must be a map, not a list`,
		},
	},
	{
		"resource is a word",
		"Resources:\n  Work: queue\n",
		[]string{
			`template.yaml:2: Resources.Work: a resource is a map with a Type, not a string`,
		},
	},
	{
		"no type",
		"Resources:\n  Work: {Properties: {}}\n",
		[]string{
			`template.yaml:2: Resources.Work: Type is missing`,
		},
	},
	{
		"type is a list",
		"Resources:\n  Work: {Type: [a]}\n",
		[]string{
			`template.yaml:2: Resources.Work.Type: must be a string, not a list`,
		},
	},
	{
		"misspelt type",
		"Resources:\n  Work: {Type: AWS::SQS::Que}\n",
		[]string{
			`template.yaml:2: Resources.Work.Type: unknown type AWS::SQS::Que; did you mean AWS::SQS::Queue?`,
		},
	},
	{
		"misspelt attribute of a resource",
		"Resources:\n  Work: {Type: AWS::SQS::Queue, Propertys: {}}\n",
		[]string{
			`template.yaml:2: Resources.Work.Propertys: unknown property of a resource; did you mean Properties?`,
		},
	},
	{
		"no transform",
		"Resources:\n  Fn: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13}}\n",
		[]string{
			`template.yaml:2: Resources.Fn.Type: AWS::Serverless::Function needs the line "Transform: AWS::Serverless-2016-10-31" at the top of the template`,
		},
	},
	{
		"nothing runs",
		"Resources:\n  Bucket: {Type: AWS::S3::Bucket}\n",
		[]string{
			`template.yaml: Resources: nothing in the template runs here: it has no queue and no function`,
		},
	},
	{
		"no function runs",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13}}\n",
		[]string{
			`template.yaml: Resources: nothing in the template runs here: it has no queue, and its functions are not Go programs (Fn)`,
		},
	},
	{
		"properties are a list",
		"Resources:\n  Work: {Type: AWS::SQS::Queue, Properties: [a]}\n",
		[]string{
			`template.yaml:2: Resources.Work.Properties: must be a map, not a list`,
		},
	},
	{
		"parameter without type",
		"Parameters: {P: {Default: x}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P: Type is missing; use String, Number or CommaDelimitedList`,
		},
	},
	{
		"parameter of unknown type",
		"Parameters: {P: {Type: Strin}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P.Type: unknown type "Strin"; did you mean String?`,
		},
	},
	{
		"parameter is a word",
		"Parameters: {P: x}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P: a parameter is a map with a Type, not a string`,
		},
	},
	{
		"unknown property of a parameter",
		"Parameters: {P: {Type: String, AllowedValue: [a]}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P.AllowedValue: unknown property of a parameter; did you mean AllowedValues?`,
		},
	},
	{
		"default not allowed",
		"Parameters:\n  P:\n    Type: String\n    Default: c\n    AllowedValues: [a, b]\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:4: Parameters.P: the value "c" must be one of a, b`,
		},
	},
	{
		"default does not match",
		"Parameters: {P: {Type: String, Default: c1, AllowedPattern: '[a-z]+', ConstraintDescription: letters only}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P: the value "c1" must match [a-z]+ (letters only)`,
		},
	},
	{
		"default too short",
		"Parameters: {P: {Type: String, Default: c, MinLength: 2}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P: the value "c" must have a length of at least 2`,
		},
	},
	{
		"default too long",
		"Parameters: {P: {Type: String, Default: ccc, MaxLength: 2}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P: the value "ccc" must have a length of at most 2`,
		},
	},
	{
		"default too small",
		"Parameters: {P: {Type: Number, Default: 1, MinValue: 2}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P: the value "1" must be at least 2`,
		},
	},
	{
		"default too large",
		"Parameters: {P: {Type: Number, Default: 3, MaxValue: 2}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P: the value "3" must be at most 2`,
		},
	},
	{
		"bound that is no number",
		"Parameters: {P: {Type: Number, Default: 3, MaxValue: x}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P.MaxValue: must be a number, not "x"`,
		},
	},
	{
		"default that is no number",
		"Parameters: {P: {Type: Number, Default: x}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P: the value "x" must be a number`,
		},
	},
	{
		"default that is a list",
		"Parameters: {P: {Type: String, Default: [x]}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.P.Default: must be a string or a number, not a list`,
		},
	},
	{
		"value for no parameter",
		"Parameters: {Givens: {Type: String, Default: a}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml: Parameters.Given: a value is given for it, but the template has no such parameter; did you mean Givens?`,
		},
	},
	{
		"given value not allowed",
		"Parameters: {Given: {Type: String, Default: a, AllowedValues: [a, b]}}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:1: Parameters.Given: the value "no" must be one of a, b`,
		},
	},
	{
		"no such condition",
		"Conditions: {Prod: !Equals [a, b]}\nResources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: !If [Prud, 1, 2]\n",
		[]string{
			`template.yaml:6: Resources.Work.Properties.DelaySeconds: there is no condition "Prud"; did you mean Prod?`,
		},
	},
	{
		"condition of a resource",
		"Resources:\n  Work: {Type: AWS::SQS::Queue, Condition: Nope}\n",
		[]string{
			`template.yaml:2: Resources.Work.Condition: there is no condition "Nope"`,
		},
	},
	{
		"condition in a circle",
		"Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\nResources:\n  Work: {Type: AWS::SQS::Queue, Condition: A}\n",
		[]string{
			`template.yaml:2: Conditions.A: refers to itself`,
		},
	},
	{
		"condition that is a word",
		"Conditions: {A: yes}\nResources:\n  Work: {Type: AWS::SQS::Queue, Condition: A}\n",
		[]string{
			`template.yaml:1: Conditions.A: a condition is made of Equals, And, Or, Not and Condition; this is a boolean`,
		},
	},
	{
		"condition that only AWS knows",
		"Parameters: {P: {Type: String}}\nConditions: {A: !Equals [!Ref P, x]}\nResources:\n  Work: {Type: AWS::SQS::Queue, Condition: A}\n",
		[]string{
			`template.yaml:4: Resources.Work.Condition: parameter P has no Default and was given no value; it is needed here, so give a value for "P"`,
		},
	},
	{
		"Not of two",
		"Conditions: {A: !Not [!Equals [a, b], !Equals [a, b]]}\nResources:\n  Work: {Type: AWS::SQS::Queue, Condition: A}\n",
		[]string{
			`template.yaml:1: Conditions.A: Not takes a list of one condition`,
		},
	},
	{
		"And of one",
		"Conditions: {A: !And [!Equals [a, b]]}\nResources:\n  Work: {Type: AWS::SQS::Queue, Condition: A}\n",
		[]string{
			`template.yaml:1: Conditions.A: And takes two to ten conditions`,
		},
	},
	{
		"Equals of lists",
		"Conditions: {A: !Equals [[a], b]}\nResources:\n  Work: {Type: AWS::SQS::Queue, Condition: A}\n",
		[]string{
			`template.yaml:1: Conditions.A: Equals compares strings, not a list`,
		},
	},
	{
		"Ref to nothing",
		"+      Environment: {Variables: {AA: !Ref Wrok}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: refers to Wrok, which is neither a parameter nor a resource of the template; did you mean Work?`,
		},
	},
	{
		"Ref to a list",
		"+      Environment: {Variables: {AA: !Ref [a]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Ref takes a name, not a list`,
		},
	},
	{
		"GetAtt of nothing",
		"+      Environment: {Variables: {AA: !GetAtt Wrok.Arn}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: refers to Wrok, which is neither a parameter nor a resource of the template; did you mean Work?`,
		},
	},
	{
		"GetAtt without attribute",
		"+      Environment: {Variables: {AA: !GetAtt Work}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: GetAtt takes a resource and an attribute, such as !GetAtt Work.Arn`,
		},
	},
	{
		"unknown attribute",
		"+      Environment: {Variables: {AA: !GetAtt Work.Url}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Work (AWS::SQS::Queue) has no attribute Url; did you mean QueueUrl?`,
		},
	},
	{
		"Sub of nothing",
		"+      Environment: {Variables: {AA: !Sub '${Wrok}'}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: refers to Wrok, which is neither a parameter nor a resource of the template; did you mean Work?`,
		},
	},
	{
		"Sub of a list",
		"+      Environment: {Variables: {AA: !Sub [a]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Sub takes a string, or a list of a string and a map`,
		},
	},
	{
		"Ref to a resource that is left out",
		"+      Environment: {Variables: {AA: !Ref Gone}}\n  Gone: {Type: AWS::SQS::Queue, Condition: Never}\nConditions: {Never: !Equals [a, b]}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: refers to Gone, which its Condition leaves out`,
		},
	},
	{
		"alias that is not there",
		"+      Environment: {Variables: {AA: !Ref Fn.Alias}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Fn has no AutoPublishAlias, so there is no Fn.Alias`,
			`template.yaml:14: Resources.Fn: circular dependency, which CloudFormation refuses: Fn -> Fn; a function finds its own name in AWS_LAMBDA_FUNCTION_NAME`,
		},
	},
	{
		"attribute that AWS alone knows",
		"+      Environment: {Variables: {AA: !GetAtt Api.RootResourceId}}\n  Api: {Type: AWS::ApiGateway::RestApi}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: attribute RootResourceId of Api (AWS::ApiGateway::RestApi) is known to AWS only; it is needed here, so give a value for "Api.RootResourceId"`,
		},
	},
	{
		"id that AWS alone gives",
		"+      Environment: {Variables: {AA: !Ref Api}}\n  Api: {Type: AWS::ApiGateway::RestApi}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: the id of Api (AWS::ApiGateway::RestApi) is given by AWS; it is needed here, so give a value for "Api"`,
		},
	},
	{
		"generated by SAM",
		"+      Environment: {Variables: {AA: !Ref FnUrl}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: FnUrl is generated by SAM; it is needed here, so give a value for "FnUrl"`,
		},
	},
	{
		"typo beside a generated name",
		"+      Environment: {Variables: {AA: !Ref FnWork}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: refers to FnWork, which is neither a parameter nor a resource of the template; did you mean Work?`,
		},
	},
	{
		"parameter without a value",
		"Parameters: {P: {Type: String}}\nResources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: !Ref P\n",
		[]string{
			`template.yaml:6: Resources.Work.Properties.DelaySeconds: parameter P has no Default and was given no value; it is needed here, so give a value for "P"`,
		},
	},
	{
		"dynamic reference",
		"+      Environment: {Variables: {AA: '{{resolve:secretsmanager:a}}'}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: the dynamic reference "{{resolve:secretsmanager:a}}" is read by AWS; it is needed here, so give a value for "{{resolve:secretsmanager:a}}"`,
		},
	},
	{
		"dynamic reference by Sub",
		"+      Environment: {Variables: {AA: !Sub '{{resolve:ssm:/${AWS::StackName}}}'}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: the dynamic reference "{{resolve:ssm:/offload}}" is read by AWS; it is needed here, so give a value for "{{resolve:ssm:/offload}}"`,
		},
	},
	{
		"name in a circle",
		"Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub \"${B.QueueName}-a\"}}\n  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub \"${A.QueueName}-b\"}}\n",
		[]string{
			`template.yaml:2: Resources.A.Properties.QueueName: refers to itself through other resources`,
			`template.yaml:3: Resources.B: circular dependency, which CloudFormation refuses: A -> B -> A; build one of the ARNs with !Sub from a fixed name`,
		},
	},
	{
		"circular dependency",
		"Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt B.Arn, maxReceiveCount: 2}}}\n  B:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedriveAllowPolicy:\n        redrivePermission: byQueue\n        sourceQueueArns: [!GetAtt A.Arn]\n",
		[]string{
			`template.yaml:8: Resources.B: circular dependency, which CloudFormation refuses: A -> B -> A; build one of the ARNs with !Sub from a fixed name`,
		},
	},
	{
		"reference to itself",
		"+      Environment: {Variables: {AA: !Ref Fn}}\n",
		[]string{
			`template.yaml:14: Resources.Fn: circular dependency, which CloudFormation refuses: Fn -> Fn; a function finds its own name in AWS_LAMBDA_FUNCTION_NAME`,
		},
	},
	{
		"Join of a word",
		"+      Environment: {Variables: {AA: !Join [',', a]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Join takes a delimiter and a list`,
		},
	},
	{
		"Join of one",
		"+      Environment: {Variables: {AA: !Join [',']}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Join takes a delimiter and a list`,
		},
	},
	{
		"Join of a map",
		"+      Environment: {Variables: {AA: !Join [',', [{a: b}]]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Join takes a list of strings; one item is a map`,
		},
	},
	{
		"Select outside",
		"+      Environment: {Variables: {AA: !Select [2, [a, b]]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Select index 2 is outside of a list of 2`,
		},
	},
	{
		"Select by a word",
		"+      Environment: {Variables: {AA: !Select [x, [a, b]]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Select takes an index and a list`,
		},
	},
	{
		"Split of a list",
		"+      Environment: {Variables: {AA: !Split [',', [a]]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Split takes a delimiter and a string`,
		},
	},
	{
		"FindInMap without mapping",
		"+      Environment: {Variables: {AA: !FindInMap [M, a, b]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Mappings has no key "M"`,
		},
	},
	{
		"FindInMap without key",
		"Mappings: {M: {first: {second: x}}}\nResources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: !FindInMap [M, frist, second]\n",
		[]string{
			`template.yaml:6: Resources.Work.Properties.DelaySeconds: Mappings.M has no key "frist"; did you mean first?`,
		},
	},
	{
		"FindInMap to a map",
		"Mappings: {M: {first: {second: {a: b}}}}\nResources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: !FindInMap [M, first, second]\n",
		[]string{
			`template.yaml:6: Resources.Work.Properties.DelaySeconds: Mappings.M.first.second is a map; a mapping holds strings and lists of strings`,
		},
	},
	{
		"function in a mapping",
		"Mappings: {M: {first: {second: !FindInMap [M, first, second]}}}\nResources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: !FindInMap [M, first, second]\n",
		[]string{
			`template.yaml:6: Resources.Work.Properties.DelaySeconds: Mappings.M.first.second is an intrinsic function; a mapping holds strings and lists of strings`,
		},
	},
	{
		"Base64 of a map",
		"+      Environment: {Variables: {AA: !Base64 {a: b}}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Base64 takes a string, not a map`,
		},
	},
	{
		"If of two",
		"+      Environment: {Variables: {AA: !If [a, b]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: If takes a condition, a value if true and a value if false`,
		},
	},
	{
		"unknown function",
		"+      Environment: {Variables: {AA: {'Fn::Jion': [',', [a]]}}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: unknown function Fn::Jion; did you mean Fn::Join?`,
		},
	},
	{
		"Cidr",
		"+      Environment: {Variables: {AA: !Cidr [10.0.0.0/8, 1, 8]}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: Fn::Cidr is not computed here; it is needed here, so give a value for "Fn::Cidr"`,
		},
	},
	{
		"Split where a string is due",
		"+      Environment: {Variables: {AA: !Split [',', 'a,b']}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: must be a string, not a list`,
		},
	},
	{
		"unknown property of a queue",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibilityTimout: 3\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.VisibilityTimout: unknown property of AWS::SQS::Queue; did you mean VisibilityTimeout?`,
		},
	},
	{
		"visibility not a number",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibilityTimeout: soon\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.VisibilityTimeout: must be an integer, not "soon"`,
		},
	},
	{
		"visibility too long",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibilityTimeout: 43201\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.VisibilityTimeout: must be from 0 to 43200, not 43201`,
		},
	},
	{
		"delay too long",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: 901\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.DelaySeconds: must be from 0 to 900, not 901`,
		},
	},
	{
		"retention too short",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      MessageRetentionPeriod: 59\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.MessageRetentionPeriod: must be from 60 to 1209600, not 59`,
		},
	},
	{
		"message too large",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      MaximumMessageSize: 1048577\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.MaximumMessageSize: must be from 1024 to 1048576, not 1048577`,
		},
	},
	{
		"wait too long",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      ReceiveMessageWaitTimeSeconds: 21\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.ReceiveMessageWaitTimeSeconds: must be from 0 to 20, not 21`,
		},
	},
	{
		"queue name",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: a b\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.QueueName: "a b" is no queue name; AWS takes 1 to 80 letters, digits, hyphens and underscores`,
		},
	},
	{
		"FIFO",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      FifoQueue: true\n      QueueName: a.fifo\n      ContentBasedDeduplication: true\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.FifoQueue: the emulator has no FIFO queues yet; leave the queue out with a Condition, or make it a standard queue`,
		},
	},
	{
		"FIFO by name",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: a.fifo\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.FifoQueue: the emulator has no FIFO queues yet; leave the queue out with a Condition, or make it a standard queue`,
		},
	},
	{
		"FIFO property on a standard queue",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      ContentBasedDeduplication: true\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.ContentBasedDeduplication: only a FIFO queue has it`,
		},
	},
	{
		"FIFO not a boolean",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      FifoQueue: perhaps\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.FifoQueue: must be true or false, not "perhaps"`,
		},
	},
	{
		"two queues of one name",
		"Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {QueueName: x}}\n  B: {Type: AWS::SQS::Queue, Properties: {QueueName: x}}\n",
		[]string{
			`template.yaml:3: Resources.B.Properties.QueueName: A has the name "x" already (line 2)`,
		},
	},
	{
		"redrive to nowhere",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {deadLetterTargetArn: arn:aws:sqs:us-east-1:000000000000:Wrok, maxReceiveCount: 3}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy.deadLetterTargetArn: no queue of the template has the ARN arn:aws:sqs:us-east-1:000000000000:Wrok; did you mean arn:aws:sqs:us-east-1:000000000000:Work?`,
		},
	},
	{
		"redrive to itself",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {deadLetterTargetArn: arn:aws:sqs:us-east-1:000000000000:Work, maxReceiveCount: 3}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy.deadLetterTargetArn: a queue cannot be its own dead-letter queue`,
		},
	},
	{
		"redrive without target",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {maxReceiveCount: 3}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy: deadLetterTargetArn is missing`,
		},
	},
	{
		"redrive count",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {deadLetterTargetArn: arn:aws:sqs:us-east-1:000000000000:Dead, maxReceiveCount: 0}\n  Dead: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy.maxReceiveCount: must be from 1 to 1000, not 0`,
		},
	},
	{
		"redrive key",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {deadLetterTargetARN: arn:aws:sqs:us-east-1:000000000000:Dead, maxReceiveCount: 1}\n  Dead: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy.deadLetterTargetARN: unknown property of RedrivePolicy; did you mean deadLetterTargetArn?`,
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy: deadLetterTargetArn is missing`,
		},
	},
	{
		"redrive is a list",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: [a]\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy: must be a map, not a list`,
		},
	},
	{
		"redrive in bad JSON",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: '{a}'\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy: must be a map, or a map in JSON`,
		},
	},
	{
		"redrive denied",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}\n  Dead: {Type: AWS::SQS::Queue, Properties: {RedriveAllowPolicy: {redrivePermission: denyAll}}}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy.deadLetterTargetArn: the RedriveAllowPolicy of Dead does not let Work use it as a dead-letter queue`,
		},
	},
	{
		"redrive for others",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}\n  Dead: {Type: AWS::SQS::Queue, Properties: {RedriveAllowPolicy: {redrivePermission: byQueue, sourceQueueArns: [arn:aws:sqs:us-east-1:000000000000:Other]}}}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedrivePolicy.deadLetterTargetArn: the RedriveAllowPolicy of Dead does not let Work use it as a dead-letter queue`,
		},
	},
	{
		"redrive permission",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedriveAllowPolicy: {redrivePermission: byQeue}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedriveAllowPolicy.redrivePermission: must be allowAll, denyAll or byQueue, not "byQeue"`,
		},
	},
	{
		"redrive permission missing",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedriveAllowPolicy: {}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedriveAllowPolicy: redrivePermission is missing`,
		},
	},
	{
		"byQueue of none",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedriveAllowPolicy: {redrivePermission: byQueue}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedriveAllowPolicy.redrivePermission: byQueue needs sourceQueueArns`,
		},
	},
	{
		"sources without byQueue",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedriveAllowPolicy: {redrivePermission: allowAll, sourceQueueArns: [a]}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedriveAllowPolicy.redrivePermission: sourceQueueArns goes with byQueue only`,
		},
	},
	{
		"too many sources",
		"Resources:\n  Work:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedriveAllowPolicy: {redrivePermission: byQueue, sourceQueueArns: [a, b, c, d, e, f, g, h, i, j, k]}\n",
		[]string{
			`template.yaml:5: Resources.Work.Properties.RedriveAllowPolicy.sourceQueueArns: has 11 queues; AWS takes at most 10`,
		},
	},
	{
		"unknown property of a function",
		"+      Enviroment: {}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Enviroment: unknown property of AWS::Serverless::Function; did you mean Environment?`,
		},
	},
	{
		"unknown global",
		"Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n    Timeot: 3\n    FunctionName: x\n  Fun: {}\nResources:\n  Work: {Type: AWS::SQS::Queue}\n",
		[]string{
			`template.yaml:4: Globals.Function.Timeot: unknown property of Globals.Function; did you mean Timeout?`,
			`template.yaml:5: Globals.Function.FunctionName: cannot be global; set it on each function`,
			`template.yaml:6: Globals.Fun: unknown section; did you mean Function?`,
		},
	},
	{
		"timeout too long",
		"+      MemorySize: 64\n      ReservedConcurrentExecutions: -1\n      RecursiveLoop: allow\n      Architectures: [arm]\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.MemorySize: must be from 128 to 10240, not 64`,
			`template.yaml:15: Resources.Fn.Properties.ReservedConcurrentExecutions: must be from 0 to 1000000, not -1`,
			`template.yaml:16: Resources.Fn.Properties.RecursiveLoop: must be Terminate or Allow, not "allow"; did you mean Allow?`,
			`template.yaml:17: Resources.Fn.Properties.Architectures: must be arm64 or x86_64, not "arm"`,
		},
	},
	{
		"function timeout",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: go1.x}\n    Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: fn, Timeout: 901}\n",
		[]string{
			`template.yaml:6: Resources.Fn.Properties.Timeout: must be from 1 to 900, not 901`,
		},
	},
	{
		"no runtime",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Properties: {Handler: bootstrap, CodeUri: fn}\n",
		[]string{
			`template.yaml:5: Resources.Fn.Properties.Runtime: is missing; a Go function has provided.al2023`,
		},
	},
	{
		"no code",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Properties: {Handler: bootstrap, Runtime: provided.al2023}\n",
		[]string{
			`template.yaml:5: Resources.Fn.Properties.CodeUri: is missing; name the directory of the function's main package`,
		},
	},
	{
		"code not there",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Properties: {Handler: bootstrap, Runtime: provided.al2023, CodeUri: nowhere}\n",
		[]string{
			`template.yaml:5: Resources.Fn.Properties.CodeUri: directory DIR/nowhere does not exist; paths start at the directory of the template`,
		},
	},
	{
		"code is a file",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Properties: {Handler: bootstrap, Runtime: provided.al2023, CodeUri: fn/main.go}\n",
		[]string{
			`template.yaml:5: Resources.Fn.Properties.CodeUri: DIR/fn/main.go is a file; name the directory of the function's main package`,
		},
	},
	{
		"no makefile",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: makefile}\n    Properties: {Handler: bootstrap, Runtime: provided.al2023, CodeUri: fn}\n",
		[]string{
			`template.yaml:5: Resources.Fn.Metadata.BuildMethod: makefile: there is no Makefile in DIR/fn`,
		},
	},
	{
		"skip the build of nothing",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Metadata: {SkipBuild: true}\n    Properties: {Handler: bootstrap, Runtime: provided.al2023, CodeUri: fn}\n",
		[]string{
			`template.yaml:6: Resources.Fn.Properties.CodeUri: DIR/fn holds no executable bootstrap, and SkipBuild says that it is built already`,
		},
	},
	{
		"function name",
		"+      FunctionName: a b\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.FunctionName: "a b" is no function name; AWS takes 1 to 64 letters, digits, hyphens and underscores`,
		},
	},
	{
		"alias name",
		"+      AutoPublishAlias: 12\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.AutoPublishAlias: "12" is no alias name`,
		},
	},
	{
		"reserved variable",
		"+      Environment: {Variables: {AWS_REGION: x, 1A: x, B: y}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AWS_REGION: Lambda reserves this name; choose another`,
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.1A: no name of a variable; Lambda takes two or more letters, digits and underscores, starting with a letter`,
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.B: no name of a variable; Lambda takes two or more letters, digits and underscores, starting with a letter`,
		},
	},
	{
		"variable that is a map",
		"+      Environment: {Variables: {AA: {b: c}}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: must be a string, not a map`,
		},
	},
	{
		"variables that are a list",
		"+      Environment: {Variables: [a]}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables: must be a map, not a list`,
		},
	},
	{
		"variables in the wrong place",
		"+      Environment: {LEVEL: x}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.LEVEL: unknown property of Environment`,
		},
	},
	{
		"NUL in a variable",
		"+      Environment: {Variables: {AA: \"a\\0b\"}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables.AA: holds a NUL character, which no variable can`,
		},
	},
	{
		"large environment",
		"+      Environment: {Variables: {AA: " + strings.Repeat("x", 4096) + "}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Environment.Variables: the variables are 4098 bytes; Lambda takes 4096`,
		},
	},
	{
		"two functions of one name",
		"+      FunctionName: x\n  Other:\n    Type: AWS::Lambda::Function\n    Metadata: {BuildMethod: go1.x}\n    Properties: {FunctionName: x, Runtime: provided.al2023, Code: fn}\n",
		[]string{
			`template.yaml:15: Resources.Other.Properties.FunctionName: Fn has the name "x" already (line 6)`,
		},
	},
	{
		"retries",
		"+      EventInvokeConfig: {MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 59, OnFailure: x}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.EventInvokeConfig.OnFailure: unknown property of EventInvokeConfig`,
			`template.yaml:14: Resources.Fn.Properties.EventInvokeConfig.MaximumRetryAttempts: must be from 0 to 2, not 3`,
			`template.yaml:14: Resources.Fn.Properties.EventInvokeConfig.MaximumEventAgeInSeconds: must be from 60 to 21600, not 59`,
		},
	},
	{
		"destination without type",
		"+      EventInvokeConfig: {DestinationConfig: {OnFailure: {Destination: !GetAtt Work.Arn}}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.EventInvokeConfig.DestinationConfig.OnFailure.Type: is missing; use one of SQS, SNS, EventBridge, Lambda, S3Bucket`,
		},
	},
	{
		"destination of unknown type",
		"+      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SSQ}}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.EventInvokeConfig.DestinationConfig.OnFailure.Type: must be SQS or SNS or EventBridge or Lambda or S3Bucket, not "SSQ"; did you mean SQS?`,
		},
	},
	{
		"destination not there",
		"+      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS, Destination: 'arn:aws:sqs:us-east-1:000000000000:Wrok'}}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.EventInvokeConfig.DestinationConfig.OnFailure.Destination: no queue of the template has the ARN arn:aws:sqs:us-east-1:000000000000:Wrok; did you mean arn:aws:sqs:us-east-1:000000000000:Work?`,
		},
	},
	{
		"event without type",
		"+      Events: {Q: {Properties: {}}}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Events.Q.Type: is missing`,
		},
	},
	{
		"event is a word",
		"+      Events: {Q: SQS}\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Events.Q: an event is a map with a Type, not a string`,
		},
	},
	{
		"events are a list",
		"+      Events: [a]\n",
		[]string{
			`template.yaml:14: Resources.Fn.Properties.Events: must be a map, not a list`,
		},
	},
	{
		"event without queue",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            BatchSize: 1\n",
		[]string{
			`template.yaml:15: Resources.Fn.Properties.Events.Q.Properties.Queue: is missing; name the queue's ARN, such as !GetAtt Work.Arn`,
		},
	},
	{
		"unknown property of an event",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            BatchSise: 1\n",
		[]string{
			`template.yaml:19: Resources.Fn.Properties.Events.Q.Properties.BatchSise: unknown property of an SQS event; did you mean BatchSize?`,
		},
	},
	{
		"MaximumConcurrency at the top",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            MaximumConcurrency: 5\n",
		[]string{
			`template.yaml:19: Resources.Fn.Properties.Events.Q.Properties.MaximumConcurrency: an SQS event has it inside of ScalingConfig: write "ScalingConfig: {MaximumConcurrency: N}"`,
		},
	},
	{
		"MaximumConcurrency of one",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            ScalingConfig: {MaximumConcurrency: 1}\n",
		[]string{
			`template.yaml:19: Resources.Fn.Properties.Events.Q.Properties.ScalingConfig.MaximumConcurrency: must be from 2 to 1000, not 1`,
		},
	},
	{
		"batch without window",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            BatchSize: 11\n",
		[]string{
			`template.yaml:19: Resources.Fn.Properties.Events.Q.Properties.BatchSize: 11 is more than 10, so MaximumBatchingWindowInSeconds must be at least 1`,
		},
	},
	{
		"batch too large",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            BatchSize: 10001\n            MaximumBatchingWindowInSeconds: 301\n",
		[]string{
			`template.yaml:19: Resources.Fn.Properties.Events.Q.Properties.BatchSize: must be from 1 to 10000, not 10001`,
			`template.yaml:20: Resources.Fn.Properties.Events.Q.Properties.MaximumBatchingWindowInSeconds: must be from 0 to 300, not 301`,
		},
	},
	{
		"response type",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            FunctionResponseTypes: [ReportBatchItemFailure]\n",
		[]string{
			`template.yaml:19: Resources.Fn.Properties.Events.Q.Properties.FunctionResponseTypes: unknown type "ReportBatchItemFailure"; did you mean ReportBatchItemFailures?`,
		},
	},
	{
		"response types are a word",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            FunctionResponseTypes: ReportBatchItemFailures\n",
		[]string{
			`template.yaml:19: Resources.Fn.Properties.Events.Q.Properties.FunctionResponseTypes: must be a list, not a string`,
		},
	},
	{
		"pollers and concurrency",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            ScalingConfig: {MaximumConcurrency: 5}\n            ProvisionedPollerConfig: {MinimumPollers: 2}\n",
		[]string{
			`template.yaml:20: Resources.Fn.Properties.Events.Q.Properties.ProvisionedPollerConfig: excludes ScalingConfig.MaximumConcurrency; keep one of them`,
		},
	},
	{
		"queue of another stack",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: arn:aws:sqs:us-east-1:000000000000:Wrok\n",
		[]string{
			`template.yaml:18: Resources.Fn.Properties.Events.Q.Properties.Queue: no queue of the template has the ARN arn:aws:sqs:us-east-1:000000000000:Wrok; did you mean arn:aws:sqs:us-east-1:000000000000:Work?`,
		},
	},
	{
		"imported queue",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !ImportValue work\n",
		[]string{
			`template.yaml:18: Resources.Fn.Properties.Events.Q.Properties.Queue: the export "work" belongs to another stack; it is needed here, so give a value for "work"`,
		},
	},
	{
		"visibility shorter than timeout",
		"Transform: AWS::Serverless-2016-10-31\nResources:\n  Work: {Type: AWS::SQS::Queue}\n  Fn:\n    Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: go1.x}\n    Properties:\n      {Handler: bootstrap, Runtime: provided.al2023, CodeUri: fn, Timeout: 60, Events: {Q: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn}}}}\n",
		[]string{
			`template.yaml:8: Resources.Fn.Properties.Events.Q.Properties.Queue: Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds; raise VisibilityTimeout of Work, best to six times the function's Timeout`,
		},
	},
	{
		"mapped twice",
		"+      Events:\n        Q:\n          Type: SQS\n          Properties:\n            Queue: !GetAtt Work.Arn\n            Enabled: true\n        R: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn}}\n",
		[]string{
			`template.yaml:20: Resources.Fn.Properties.Events.R.Properties.Queue: FnQ maps this queue to this function already (line 15)`,
		},
	},
	{
		"mapping to no function",
		"+  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: Fnn, EventSourceArn: !GetAtt Work.Arn}}\n",
		[]string{
			`template.yaml:14: Resources.M.Properties.FunctionName: no function of the template has the name "Fnn"; did you mean Fn?`,
		},
	},
	{
		"mapping without function",
		"+  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Work.Arn}}\n",
		[]string{
			`template.yaml:14: Resources.M.Properties.FunctionName: is missing`,
		},
	},
	{
		"mapping without queue",
		"+  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Fn}}\n",
		[]string{
			`template.yaml:14: Resources.M.Properties.EventSourceArn: is missing; name the queue's ARN, such as !GetAtt Work.Arn`,
		},
	},
	{
		"mapping to no alias",
		"+      AutoPublishAlias: live\n  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Sub '${Fn}:lve', EventSourceArn: !GetAtt Work.Arn}}\n",
		[]string{
			`template.yaml:15: Resources.M.Properties.FunctionName: Fn has no alias "lve"; did you mean live?`,
		},
	},
	{
		"unknown property of a mapping",
		"+  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Fn, EventSourceArn: !GetAtt Work.Arn, Queue: x}}\n",
		[]string{
			`template.yaml:14: Resources.M.Properties.Queue: unknown property of AWS::Lambda::EventSourceMapping`,
		},
	},
	{
		"configuration of no alias",
		"+  C: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref Fn, Qualifier: live}}\n",
		[]string{
			`template.yaml:14: Resources.C.Properties.Qualifier: Fn has no alias "live"`,
		},
	},
	{
		"configuration to nowhere",
		"+  C: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref Fn, DestinationConfig: {OnFailure: {Destination: 'arn:aws:sqs:us-east-1:000000000000:Wrok'}}}}\n",
		[]string{
			`template.yaml:14: Resources.C.Properties.DestinationConfig.OnFailure.Destination: no queue of the template has the ARN arn:aws:sqs:us-east-1:000000000000:Wrok; did you mean arn:aws:sqs:us-east-1:000000000000:Work?`,
		},
	},
	{
		"alias without name",
		"+  A: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Fn, FunctionVersion: 1}}\n",
		[]string{
			`template.yaml:14: Resources.A.Properties.Name: "" is no alias name`,
		},
	},
	{
		"output that is a list",
		"Resources:\n  Work: {Type: AWS::SQS::Queue}\nOutputs: {A: {Value: [x]}}\n",
		[]string{
			`template.yaml:3: Outputs.A.Value: must be a string, not a list`,
		},
	},
	{
		"alias in a circle",
		"+  A: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref B, FunctionVersion: 1, Name: a}}\n  B: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref A, FunctionVersion: 1, Name: b}}\n",
		[]string{
			`template.yaml:15: Resources.B.Properties.FunctionName: refers to itself through other resources`,
			`template.yaml:15: Resources.B: circular dependency, which CloudFormation refuses: A -> B -> A; build one of the ARNs with !Sub from a fixed name`,
		},
	},
}

func TestLoad_Mistakes(t *testing.T) {
	t.Parallel()
	for _, c := range mistakes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := c.text
			if rest, ok := strings.CutPrefix(text, "+"); ok {
				text = start + rest
			}
			opts := &template.Options{}
			if strings.Contains(text, "Given") {
				opts.Parameters = map[string]string{"Given": "no"}
			}
			got, err := load(t, text, opts)
			if got != nil {
				t.Errorf("a template came with the error %v", err)
			}
			said := problems(t, err)
			if !slices.Equal(said, c.want) {
				t.Errorf("Load says\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
