package cfn

// The resource types of the model.
const (
	TypeQueue              = "AWS::SQS::Queue"
	TypeServerlessFunction = "AWS::Serverless::Function"
	TypeFunction           = "AWS::Lambda::Function"
	TypeMapping            = "AWS::Lambda::EventSourceMapping"
	TypeInvokeConfig       = "AWS::Lambda::EventInvokeConfig"
	TypeAlias              = "AWS::Lambda::Alias"
	TypeVersion            = "AWS::Lambda::Version"
)

const functionARN = "arn:aws:lambda:{region}:{account}:function:{name}"

// A naming says how the physical id and the attributes of a resource follow from its name. What is not here is known to AWS
// only.
type naming struct {
	prop     string            // the property that gives the name
	keep     bool              // without it the name is the logical id as it is; else in lower case, as bucket names must be
	ref      string            // pattern of a Ref; "" when AWS gives the id
	attrs    map[string]string // patterns of the attributes
	complete bool              // attrs holds them all
}

// named makes the naming of a type whose Ref is its name and whose attribute Arn follows from it.
func named(prop, arn string) naming {
	return naming{prop: prop, ref: "{name}", attrs: map[string]string{"Arn": arn}}
}

// Source: CloudFormation Template Reference, "Return values" of each resource type.
var namings = map[string]naming{
	TypeQueue: {
		prop: "QueueName", keep: true, ref: "{url}", complete: true,
		attrs: map[string]string{"Arn": "arn:aws:sqs:{region}:{account}:{name}", "QueueName": "{name}", "QueueUrl": "{url}"},
	},
	TypeServerlessFunction: {prop: "FunctionName", keep: true, ref: "{name}", attrs: map[string]string{"Arn": functionARN}},
	TypeFunction:           {prop: "FunctionName", keep: true, ref: "{name}", attrs: map[string]string{"Arn": functionARN}},

	"AWS::DynamoDB::Table":                 named("TableName", "arn:aws:dynamodb:{region}:{account}:table/{name}"),
	"AWS::DynamoDB::GlobalTable":           named("TableName", "arn:aws:dynamodb:{region}:{account}:table/{name}"),
	"AWS::Serverless::SimpleTable":         named("TableName", "arn:aws:dynamodb:{region}:{account}:table/{name}"),
	"AWS::IAM::Role":                       named("RoleName", "arn:aws:iam::{account}:role{path}{name}"),
	"AWS::IAM::User":                       named("UserName", "arn:aws:iam::{account}:user{path}{name}"),
	"AWS::Logs::LogGroup":                  named("LogGroupName", "arn:aws:logs:{region}:{account}:log-group:{name}:*"),
	"AWS::Kinesis::Stream":                 named("Name", "arn:aws:kinesis:{region}:{account}:stream/{name}"),
	"AWS::KinesisFirehose::DeliveryStream": named("DeliveryStreamName", "arn:aws:firehose:{region}:{account}:deliverystream/{name}"),
	"AWS::Events::EventBus":                named("Name", "arn:aws:events:{region}:{account}:event-bus/{name}"),
	"AWS::Events::Rule":                    named("Name", "arn:aws:events:{region}:{account}:rule/{name}"),
	"AWS::Scheduler::Schedule":             named("Name", "arn:aws:scheduler:{region}:{account}:schedule/default/{name}"),
	"AWS::Scheduler::ScheduleGroup":        named("Name", "arn:aws:scheduler:{region}:{account}:schedule-group/{name}"),
	"AWS::CloudWatch::Alarm":               named("AlarmName", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"),
	"AWS::CloudWatch::Dashboard":           {prop: "DashboardName", ref: "{name}"},
	"AWS::KMS::Alias":                      {prop: "AliasName", ref: "{name}"},
	"AWS::SSM::Parameter":                  {prop: "Name", ref: "{name}"},
	"AWS::CodeDeploy::Application":         {prop: "ApplicationName", ref: "{name}"},
	"AWS::ECR::Repository":                 named("RepositoryName", "arn:aws:ecr:{region}:{account}:repository/{name}"),
	"AWS::ECS::Cluster":                    named("ClusterName", "arn:aws:ecs:{region}:{account}:cluster/{name}"),
	"AWS::S3::Bucket": {prop: "BucketName", ref: "{name}", attrs: map[string]string{
		"Arn": "arn:aws:s3:::{name}", "DomainName": "{name}.s3.amazonaws.com", "RegionalDomainName": "{name}.s3.{region}.amazonaws.com",
	}},
	"AWS::IAM::ManagedPolicy": {
		prop: "ManagedPolicyName", ref: "arn:aws:iam::{account}:policy{path}{name}",
		attrs: map[string]string{"PolicyArn": "arn:aws:iam::{account}:policy{path}{name}"},
	},
	"AWS::SNS::Topic": {
		prop: "TopicName", ref: "arn:aws:sns:{region}:{account}:{name}",
		attrs: map[string]string{"TopicArn": "arn:aws:sns:{region}:{account}:{name}", "TopicName": "{name}"},
	},
	"AWS::StepFunctions::StateMachine": {
		prop: "StateMachineName", ref: "arn:aws:states:{region}:{account}:stateMachine:{name}",
		attrs: map[string]string{"Arn": "arn:aws:states:{region}:{account}:stateMachine:{name}", "Name": "{name}"},
	},
	"AWS::Serverless::StateMachine": {
		prop: "Name", ref: "arn:aws:states:{region}:{account}:stateMachine:{name}",
		attrs: map[string]string{"Arn": "arn:aws:states:{region}:{account}:stateMachine:{name}", "Name": "{name}"},
	},
}
