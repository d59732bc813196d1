package template

import (
	"slices"
	"strconv"
	"strings"

	"github.com/offloadhq/offload/internal/cfn"
)

// harmless are the types that a running function does not notice: permissions, observation, delivery. Nothing is said
// about them. A name that ends in :: stands for all types that start with it.
var harmless = []string{
	cfn.TypeQueue, cfn.TypeServerlessFunction, cfn.TypeFunction, cfn.TypeMapping, cfn.TypeInvokeConfig, cfn.TypeAlias, cfn.TypeVersion,
	"AWS::IAM::", "AWS::CloudWatch::", "AWS::Logs::", "AWS::KMS::", "AWS::CodeDeploy::", "AWS::ApplicationAutoScaling::", "AWS::Budgets::",
	"AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy", "AWS::Lambda::Permission",
	"AWS::Lambda::CodeSigningConfig", "AWS::Lambda::LayerVersionPermission", "AWS::Serverless::Connector", "AWS::CDK::Metadata",
	"AWS::CloudFormation::WaitConditionHandle", "AWS::XRay::", "AWS::Signer::", "AWS::ResourceGroups::", "AWS::CloudTrail::", "AWS::Backup::",
	"AWS::Synthetics::", "AWS::Chatbot::", "AWS::Oam::", "AWS::ApplicationInsights::", "AWS::EC2::",
}

// endpoints are the services that functions call at run time, with the end of the variable that sends the calls elsewhere.
// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
var endpoints = map[string]string{
	"DynamoDB": "DYNAMODB", "S3": "S3", "SNS": "SNS", "StepFunctions": "SFN", "Events": "EVENTBRIDGE", "Kinesis": "KINESIS",
	"KinesisFirehose": "FIREHOSE", "SecretsManager": "SECRETS_MANAGER", "SSM": "SSM", "Cognito": "COGNITO_IDENTITY_PROVIDER",
	"Scheduler": "SCHEDULER", "SES": "SESV2", "RDS": "RDS_DATA",
}

// warnOthers names the resources that are not there, one warning a type.
func (b *builder) warnOthers() {
	names := make(map[string][]string)
	first := make(map[string]int)
	var types []string
	for _, id := range b.Order {
		res := b.Resources[id]
		if res.When == cfn.No || isHarmless(res.Type) {
			continue
		}
		if _, seen := first[res.Type]; !seen {
			first[res.Type] = res.Line
			types = append(types, res.Type)
		}
		names[res.Type] = append(names[res.Type], id+" (line "+strconv.Itoa(res.Line)+")")
	}
	for _, typ := range types {
		if len(names[typ]) == 1 {
			names[typ][0], _, _ = strings.Cut(names[typ][0], " ") // the warning names the line itself
		}
		hint := ""
		if end := endpoint(typ); end != "" {
			hint = "; calls to it need AWS_ENDPOINT_URL_" + end
		}
		b.Warn(first[typ], typ, "not emulated: %s%s", cfn.Few(names[typ]), hint)
	}
}

func isHarmless(typ string) bool {
	return slices.ContainsFunc(harmless, func(h string) bool {
		return typ == h || strings.HasSuffix(h, "::") && strings.HasPrefix(typ, h)
	})
}

func endpoint(typ string) string {
	parts := strings.Split(typ, "::")
	switch {
	case typ == "AWS::SNS::Subscription" || typ == "AWS::Events::Rule" || len(parts) < 3:
		return "" // they start functions, and no function calls them
	case typ == "AWS::Serverless::SimpleTable":
		return endpoints["DynamoDB"]
	case typ == "AWS::Serverless::StateMachine":
		return endpoints["StepFunctions"]
	}
	return endpoints[parts[1]]
}
