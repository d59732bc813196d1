package infra_test

import (
	"testing"

	"github.com/offloadhq/offload/infra"
)

func allow(action, resource string) infra.Statement {
	return infra.Statement{Effect: "Allow", Actions: []string{action}, Resources: []string{resource}}
}

// TestH3_PolicyEvaluator holds the reading of statements against what IAM does with them.
func TestH3_PolicyEvaluator(t *testing.T) {
	queue := arn("sqs", "Tasks")
	grantDelete := func(statements ...infra.Statement) func(*infra.Stack) {
		return func(s *infra.Stack) {
			s.Roles[0].Statements[0].Actions = []string{"sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"}
			s.Roles[0].Statements = append(s.Roles[0].Statements, statements...)
		}
	}
	conditional := infra.Statement{Effect: "Deny", Actions: []string{"*"}, Resources: []string{"*"}, Conditions: []infra.Condition{
		{Operator: "Bool", Key: "aws:SecureTransport", Values: []string{"false"}},
	}}
	checkLimits(t, []limit{
		{"not allowed", grantDelete(), "H3-worker"},
		{"allowed in another statement", grantDelete(allow("sqs:DeleteMessage", queue)), ""},
		{"actions have no case", grantDelete(allow("SQS:deleteMESSAGE", queue)), ""},
		{"on another queue", grantDelete(allow("sqs:DeleteMessage", arn("sqs", "Other"))), "H3-worker J3-actions"},
		{"resources have case", grantDelete(allow("sqs:DeleteMessage", arn("sqs", "tasks"))), "H3-worker J3-actions"},
		{"by a wildcard in the middle", grantDelete(allow("sqs:D*Message", queue)), "J3-wildcard"},
		{"by a wildcard that ends too soon", grantDelete(allow("sqs:D*Mess", queue)), "H3-worker J3-wildcard"},
		{"by a question mark", grantDelete(allow("sqs:DeleteMessage", arn("sqs", "Task?"))), "J3-wildcard"},
		{"by NotAction", grantDelete(infra.Statement{Effect: "Allow", NotActions: []string{"iam:*"}, Resources: []string{queue}}), "J3-wildcard"},
		{"denied", grantDelete(allow("sqs:DeleteMessage", queue), infra.Statement{Effect: "Deny", Actions: []string{"sqs:Delete*"}, Resources: []string{"*"}}), "H3-worker"},
		{"denied without TLS only", grantDelete(allow("sqs:DeleteMessage", queue), conditional), ""},
		{"by a managed policy of the stack", func(s *infra.Stack) {
			grantDelete()(s)
			s.Policies = append(s.Policies, infra.ManagedPolicy{Resource: named("More", "arn:aws:iam::1:policy/More"), Statements: []infra.Statement{allow("sqs:DeleteMessage", queue)}})
			s.Roles[0].ManagedPolicies = []string{"arn:aws:iam::1:policy/More"}
		}, ""},
	})
}

// Some actions are granted on every resource or not at all.
func TestJ3_WildcardThatThereIsNoWayAround(t *testing.T) {
	grants := func(resource string, actions ...string) func(*infra.Stack) {
		return func(s *infra.Stack) {
			s.Roles[0].Statements = append(s.Roles[0].Statements, infra.Statement{Effect: "Allow", Actions: actions, Resources: []string{resource}})
		}
	}
	checkLimits(t, []limit{
		{"traces", grants("*", "xray:PutTelemetryRecords", "xray:PutTraceSegments"), ""},
		{"in any case", grants("*", "XRay:putTraceSegments"), ""},
		{"a VPC", grants("*", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"), ""},
		{"with another beside it", grants("*", "sqs:SendMessage", "xray:PutTraceSegments"), "J3-wildcard"},
		{"all of a service", grants("*", "xray:*"), "J3-wildcard"},
		{"another of EC2", grants("*", "ec2:RunInstances"), "J3-wildcard"},
		{"no action at all", grants("*"), "J3-wildcard"},
	})
}

func TestH3_ResultsBucketIsTheOneOfTheOutput(t *testing.T) {
	bucket := func(output bool, statements ...infra.Statement) func(*infra.Stack) {
		return func(s *infra.Stack) {
			b := infra.Bucket{Resource: named("Bucket", "arn:aws:s3:::Bucket"), Encryption: "AES256", PublicBlock: infra.PublicBlock{BlockPublicACLs: true, BlockPublicPolicy: true, IgnorePublicACLs: true, RestrictPublicBuckets: true}}
			b.Policy = append(plainDenied("s3", b.ARN), plainDenied("s3", b.ARN+"/*")...)
			s.Buckets = append(s.Buckets, b)
			if output {
				s.Outputs["ResultsBucket"] = b.Name
			}
			s.Roles[0].Statements = append(s.Roles[0].Statements, statements...)
		}
	}
	put, abort := allow("s3:PutObject", "arn:aws:s3:::Bucket/results/*"), allow("s3:AbortMultipartUpload", "arn:aws:s3:::Bucket/results/*")
	checkLimits(t, []limit{
		{"another bucket", bucket(false), ""},
		{"another bucket that the role may write to", bucket(false, put), "J3-actions"},
		{"not allowed", bucket(true), "H3-worker"},
		{"half allowed", bucket(true, put), "H3-worker"},
		{"allowed", bucket(true, put, abort), ""},
		{"allowed, and to read", bucket(true, put, abort, allow("s3:GetObject", "arn:aws:s3:::Bucket/results/*")), "J3-actions"},
	})
}

// TestH3_ForeignPolicyIsNotJudged: what a managed policy of AWS allows is not in the model.
func TestH3_ForeignPolicyIsNotJudged(t *testing.T) {
	s := small()
	s.Roles[0].Statements = nil
	s.Roles[0].ManagedPolicies = []string{"arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"}
	r := infra.Check(s)
	if len(r.Findings) != 1 || r.Findings[0].Rule != "J3-managed" {
		t.Errorf("findings: %v", r.Findings)
	}
	if len(r.Skipped) != 1 || r.Skipped[0].Rule != "H3-worker" || r.Skipped[0].Path != "Roles.Role.ManagedPolicies" {
		t.Errorf("skipped: %v", r.Skipped)
	}
}

func TestJ3_OnlyNamedCallers(t *testing.T) {
	source := func(operator, key, value string) []infra.Condition {
		return []infra.Condition{{Operator: operator, Key: key, Values: []string{value}}}
	}
	topic := arn("sns", "topic")
	open := func(principal string, conditions []infra.Condition) func(*infra.Stack) {
		return func(s *infra.Stack) {
			st := allow("sqs:SendMessage", s.Queues[1].ARN)
			st.Principals, st.Conditions = []string{principal}, conditions
			s.Queues[1].Policy = append(s.Queues[1].Policy, st)
		}
	}
	checkLimits(t, []limit{
		{"a role", open("AWS:arn:aws:iam::"+account+":role/host", nil), ""},
		{"everybody", open("*", nil), "J3-policy"},
		{"every account", open("AWS:*", nil), "J3-policy"},
		{"a service", open("Service:sns.amazonaws.com", nil), "J3-policy"},
		{"a service for one topic", open("Service:sns.amazonaws.com", source("ArnEquals", "aws:SourceArn", topic)), ""},
		{"a service for one account", open("Service:sns.amazonaws.com", source("StringEquals", "AWS:SourceAccount", account)), ""},
		{"a service for any account", open("Service:sns.amazonaws.com", source("StringLike", "aws:SourceAccount", "*")), "J3-policy"},
		{"a service for all but one", open("Service:sns.amazonaws.com", source("StringNotEquals", "aws:SourceAccount", account)), "J3-policy"},
		{"everybody with TLS", open("*", source("Bool", "aws:SecureTransport", "true")), "J3-policy"},
		{"all but one", func(s *infra.Stack) {
			st := allow("sqs:SendMessage", s.Queues[1].ARN)
			st.NotPrincipals = []string{"AWS:arn:aws:iam::1:root"}
			s.Queues[1].Policy = append(s.Queues[1].Policy, st)
		}, "J3-policy"},
		{"plain requests denied in another case", func(s *infra.Stack) {
			s.Queues[1].Policy[0].Actions = []string{"SQS:*"}
			s.Queues[1].Policy[0].Conditions = source("Bool", "aws:securetransport", "False")
		}, ""},
		{"encrypted requests denied", func(s *infra.Stack) {
			s.Queues[1].Policy[0].Conditions = source("Bool", "aws:securetransport", "True")
		}, "J3-tls"},
		{"plain requests denied for all but one", func(s *infra.Stack) {
			s.Queues[1].Policy[0].Principals = []string{"AWS:arn:aws:iam::1:root"}
		}, "J3-tls"},
		{"plain requests denied in some cases", func(s *infra.Stack) {
			s.Queues[1].Policy[0].Conditions = append(s.Queues[1].Policy[0].Conditions, source("StringEquals", "aws:SourceAccount", account)...)
		}, "J3-tls"},
	})
}

// A queue may name its key as KMS lets it. A policy names it by ARN.
func TestH3_AKeyByAnotherNameIsNotJudged(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:123456789012:key/1"
	use := infra.Statement{
		Effect: "Allow", Actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resources: []string{key},
		Conditions: []infra.Condition{{Operator: "StringEquals", Key: "kms:ViaService", Values: []string{"sqs.eu-west-1.amazonaws.com"}}},
	}
	with := func(work, letters string) infra.Report {
		s := small()
		s.Queues[0].KMSKeyID, s.Queues[1].KMSKeyID = letters, work
		s.Roles[0].Statements = append(s.Roles[0].Statements, use)
		host := use
		host.Actions = []string{"kms:GenerateDataKey"}
		s.Policies[0].Statements = append(s.Policies[0].Statements, host)
		return infra.Check(s)
	}
	if r := with(key, key); len(r.Findings)+len(r.Skipped) > 0 {
		t.Errorf("by ARN: %v, %v", r.Findings, r.Skipped)
	}
	for _, name := range []string{"alias/tasks", "1", "arn:aws:kms:eu-west-1:123456789012:alias/tasks"} {
		for _, letters := range []string{name, key} {
			r := with(name, letters)
			if len(r.Findings) > 0 || !skips(r, "H3-worker") || !skips(r, "H3-producer") || !skips(r, "J3-actions") || skips(r, "J3-encryption") != (letters == key) {
				t.Errorf("%s and %s: %v, %v", name, letters, r.Findings, r.Skipped)
			}
		}
	}
}

func TestH3_WhatIsTheHosts(t *testing.T) {
	const managed = "arn:aws:iam::123456789012:policy/More"
	more := func(statements ...infra.Statement) func(*infra.Stack) {
		return func(s *infra.Stack) {
			s.Policies = append(s.Policies, infra.ManagedPolicy{Resource: named("More", managed), Statements: statements})
		}
	}
	queue := arn("sqs", "Tasks")
	split := func(s *infra.Stack) {
		more(s.Policies[0].Statements[1])(s)
		s.Policies[0].Statements = s.Policies[0].Statements[:1]
	}
	checkLimits(t, []limit{
		{"a policy of the worker's role", func(s *infra.Stack) {
			more(s.Roles[0].Statements...)(s)
			s.Roles[0].Statements, s.Roles[0].ManagedPolicies = nil, []string{managed}
		}, ""},
		{"a policy of the worker's role that allows more", func(s *infra.Stack) {
			more(allow("sqs:PurgeQueue", queue))(s)
			s.Roles[0].ManagedPolicies = []string{managed}
		}, "J3-actions"},
		{"a second, smaller policy", more(allow("sqs:SendMessage", queue)), ""},
		{"two that make one", split, ""},
		{"two that make one, and an output that names the half", func(s *infra.Stack) {
			split(s)
			s.Outputs["ProducerPolicyArn"] = s.Policies[0].ARN
		}, "H3-producer"},
		{"an output that names the whole", func(s *infra.Stack) {
			more(allow("sqs:SendMessage", queue))(s)
			s.Outputs["ProducerPolicyArn"] = s.Policies[0].ARN
		}, ""},
		{"an output that names one that does not fire", func(s *infra.Stack) {
			s.Policies[0].Statements = nil
			s.Outputs["ProducerPolicyArn"] = s.Policies[0].ARN
		}, "H3-producer"},
	})
}

func TestH3_LogsAreWrittenToStreams(t *testing.T) {
	const group = "arn:aws:logs:eu-west-1:123456789012:log-group:Logs"
	logs := func(statements ...infra.Statement) func(*infra.Stack) {
		return func(s *infra.Stack) { s.Roles[0].Statements = append(s.Roles[0].Statements[:2:2], statements...) }
	}
	checkLimits(t, []limit{
		{"each on what AWS names", logs(allow("logs:CreateLogStream", group), allow("logs:PutLogEvents", group+":log-stream:*")), ""},
		{"both on the streams", logs(allow("logs:CreateLogStream", group+":log-stream:*"), allow("logs:PutLogEvents", group+":log-stream:*")), ""},
		{"events on the group, which no stream is", logs(allow("logs:CreateLogStream", group), allow("logs:PutLogEvents", group)), "H3-worker"},
		{"streams of another group", logs(allow("logs:CreateLogStream", group), allow("logs:PutLogEvents", group+"2:log-stream:*")), "H3-worker J3-actions"},
	})
}
