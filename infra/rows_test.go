package infra_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/infra"
)

const (
	region  = "eu-west-1"
	account = "123456789012"
	day     = 24 * time.Hour
)

func arn(service, name string) string {
	return "arn:aws:" + service + ":" + region + ":" + account + ":" + name
}

func named(id, arn string) infra.Resource {
	return infra.Resource{ID: id, Name: id, ARN: arn, DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain"}
}

// small is a stack of one class, as its rules want it.
func small() *infra.Stack {
	queue, letters, fn := arn("sqs", "Tasks"), arn("sqs", "Letters"), arn("lambda", "function:Work")
	group := arn("logs", "log-group:Logs:*")
	return &infra.Stack{
		Queues: []infra.Queue{
			{Resource: named("Letters", letters), VisibilityTimeout: 30 * time.Second, Retention: 14 * day, MaximumMessageSize: 1 << 20, ManagedSSE: true, RedriveAllow: infra.RedriveAllow{Permission: "allowAll"}, Policy: plainDenied("sqs", letters)},
			{Resource: named("Tasks", queue), VisibilityTimeout: 6 * time.Minute, Retention: 4 * day, MaximumMessageSize: 1 << 20, ManagedSSE: true, DeadLetterARN: letters, MaxReceiveCount: 15, Policy: plainDenied("sqs", queue)},
		},
		Functions: []infra.Function{{
			Resource: named("Work", fn), Timeout: time.Minute, RecursiveLoop: "Terminate", RoleARN: "arn:aws:iam::" + account + ":role/Role", LogGroup: "Logs",
			Aliases: []string{"live"}, Async: []infra.Async{{Qualifier: "live", OnFailure: letters}},
		}},
		Mappings:  []infra.Mapping{{Resource: named("WorkTasks", ""), QueueARN: queue, FunctionARN: fn + ":live", BatchSize: 10, ReportBatchItemFailures: true, MaximumConcurrency: 10, Enabled: true}},
		LogGroups: []infra.LogGroup{{Resource: named("Logs", group), RetentionDays: 30}},
		Roles: []infra.Role{{
			Resource: named("Role", "arn:aws:iam::"+account+":role/Role"),
			Trust:    []infra.Statement{{Effect: "Allow", Principals: []string{"Service:lambda.amazonaws.com"}, Actions: []string{"sts:AssumeRole"}}},
			Statements: []infra.Statement{
				{Effect: "Allow", Actions: []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"}, Resources: []string{queue}},
				{Effect: "Allow", Actions: []string{"sqs:SendMessage"}, Resources: []string{letters}},
				{Effect: "Allow", Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resources: []string{group}},
			},
		}},
		Policies: []infra.ManagedPolicy{{Resource: named("Host", "arn:aws:iam::"+account+":policy/Host"), Statements: []infra.Statement{
			{Effect: "Allow", Actions: []string{"sqs:SendMessage"}, Resources: []string{queue}},
			{Effect: "Allow", Actions: []string{"lambda:InvokeFunction"}, Resources: []string{fn + ":live"}},
		}}},
		Alarms: slices.Concat(
			alarms("AWS/SQS", "QueueName", "Tasks", "Maximum", map[string]float64{"ApproximateNumberOfMessagesNotVisible": 80_000, "ApproximateAgeOfOldestMessage": 900}),
			alarms("AWS/SQS", "QueueName", "Letters", "Maximum", map[string]float64{"ApproximateNumberOfMessagesVisible": 0}),
			alarms("AWS/Lambda", "FunctionName", "Work", "Sum", map[string]float64{"Errors": 0, "Throttles": 0, "RecursiveInvocationsDropped": 0, "AsyncEventsDropped": 0, "DestinationDeliveryFailures": 0}),
		),
		Outputs: map[string]string{"WorkerFunction": fn + ":live"},
	}
}

func plainDenied(service, arn string) []infra.Statement {
	return []infra.Statement{{
		Effect: "Deny", Principals: []string{"*"}, Actions: []string{service + ":*"}, Resources: []string{arn},
		Conditions: []infra.Condition{{Operator: "Bool", Key: "aws:SecureTransport", Values: []string{"false"}}},
	}}
}

func alarms(namespace, dimension, name, statistic string, metrics map[string]float64) []infra.Alarm {
	var out []infra.Alarm
	for metric, threshold := range metrics {
		out = append(out, infra.Alarm{
			Resource: named(name+metric, ""), Namespace: namespace, Metric: metric, Dimensions: map[string]string{dimension: name}, Statistic: statistic,
			Period: time.Minute, EvaluationPeriods: 1, DatapointsToAlarm: 1, Threshold: threshold, Comparison: "GreaterThanThreshold", MissingData: "notBreaching",
			Actions: []string{arn("sns", "ops")}, ActionsEnabled: true,
		})
	}
	return out
}

func TestCheck_SmallStackIsClean(t *testing.T) {
	if r := infra.Check(small()); len(r.Findings)+len(r.Skipped) > 0 || r.Checked != len(infra.Rules()) {
		t.Errorf("report: %+v", r)
	}
}

// A limit is a stack that one change takes to a limit, or past it.
type limit struct {
	name   string
	change func(s *infra.Stack)
	want   string // the rules that are broken; "" for none
}

func checkLimits(t *testing.T, limits []limit) {
	t.Helper()
	for _, l := range limits {
		t.Run(l.name, func(t *testing.T) {
			s := small()
			l.change(s)
			var got []string
			for _, f := range infra.Check(s).Findings {
				if !slices.Contains(got, f.Rule) {
					got = append(got, f.Rule)
				}
			}
			if strings.Join(got, " ") != l.want {
				t.Errorf("broken: %q, want %q", got, l.want)
			}
		})
	}
}

func TestC7_VisibilityIsSixTimesTheTimeoutAndTheWindow(t *testing.T) {
	checkLimits(t, []limit{
		{"a second short", func(s *infra.Stack) { s.Queues[1].VisibilityTimeout -= time.Second }, "C7-visibility"},
		{"window on top", func(s *infra.Stack) { s.Mappings[0].Window = 20 * time.Second }, "C7-visibility"},
		{"window counted", func(s *infra.Stack) {
			s.Mappings[0].Window = 20 * time.Second
			s.Queues[1].VisibilityTimeout += 20 * time.Second
		}, ""},
		{"longer", func(s *infra.Stack) { s.Queues[1].VisibilityTimeout = 12 * time.Hour }, ""},
	})
}

func TestC11_DeadLettersOutliveTheirQueue(t *testing.T) {
	checkLimits(t, []limit{
		{"a second less than 14 days", func(s *infra.Stack) { s.Queues[0].Retention -= time.Second }, "C11-retention"},
		{"source of 5 days", func(s *infra.Stack) { s.Queues[1].Retention = 5 * day }, "C11-source"},
		{"FIFO source of 14 days", func(s *infra.Stack) {
			s.Queues[0].FIFO, s.Queues[1].FIFO, s.Queues[1].Retention = true, true, 14*day
			s.Functions[0].Async, s.Outputs, s.Policies = nil, nil, nil // Lambda takes standard queues only
		}, ""},
		{"source of a day", func(s *infra.Stack) { s.Queues[1].Retention = day }, ""},
		{"OnFailure only", func(s *infra.Stack) {
			s.Queues = append(s.Queues, s.Queues[0])
			q := &s.Queues[2]
			q.Resource, q.Retention = named("Failed", arn("sqs", "Failed")), 4*day
			q.Policy = plainDenied("sqs", q.ARN)
			s.Functions[0].Async[0].OnFailure = q.ARN
			s.Roles[0].Statements[1].Resources = append(s.Roles[0].Statements[1].Resources, q.ARN)
			s.Alarms = append(s.Alarms, alarms("AWS/SQS", "QueueName", "Failed", "Maximum", map[string]float64{"ApproximateNumberOfMessagesVisible": 0})...)
		}, "C11-retention"},
	})
}

func TestC13_NothingIsDeletedInSilence(t *testing.T) {
	checkLimits(t, []limit{
		{"filter", func(s *infra.Stack) { s.Mappings[0].Filters = []string{"{}"} }, "C13-filter"},
		{"disabled", func(s *infra.Stack) { s.Mappings[0].Enabled = false }, "C13-enabled"},
		{"second mapping", func(s *infra.Stack) { s.Mappings = append(s.Mappings, s.Mappings[0]) }, "C13-mapping"},
		{"FIFO dead letters", func(s *infra.Stack) {
			s.Queues[0].FIFO = true
			s.Functions[0].Async = nil
			s.Outputs, s.Policies = nil, nil
		}, "C13-kind"},
		{"its source may", func(s *infra.Stack) {
			s.Queues[0].RedriveAllow = infra.RedriveAllow{Permission: "byQueue", Sources: []string{s.Queues[1].ARN}}
		}, ""},
		{"nobody may", func(s *infra.Stack) { s.Queues[0].RedriveAllow.Permission = "denyAll" }, "C13-allow"},
		{"smaller messages", func(s *infra.Stack) { s.Queues[1].MaximumMessageSize-- }, "C13-size"},
		{"delay up to the retention", func(s *infra.Stack) { s.Queues[1].Delay = 4 * day }, "C13-delay"},
	})
}

func TestD1_ThrottlesDoNotUseUpReceives(t *testing.T) {
	reserved := func(n int) func(*infra.Stack) {
		return func(s *infra.Stack) { s.Functions[0].ReservedConcurrency = &n }
	}
	checkLimits(t, []limit{
		{"no bound", func(s *infra.Stack) { s.Mappings[0].MaximumConcurrency = 0 }, "D1-concurrency"},
		{"one", func(s *infra.Stack) { s.Mappings[0].MaximumConcurrency = 1 }, "D1-concurrency"},
		{"two", func(s *infra.Stack) { s.Mappings[0].MaximumConcurrency = 2 }, ""},
		{"a thousand", func(s *infra.Stack) { s.Mappings[0].MaximumConcurrency = 1000 }, ""},
		{"a thousand and one", func(s *infra.Stack) { s.Mappings[0].MaximumConcurrency = 1001 }, "D1-concurrency"},
		{"pollers instead", func(s *infra.Stack) { s.Mappings[0].MaximumConcurrency, s.Mappings[0].ProvisionedPollers = 0, true }, ""},
		{"reserved as much", reserved(10), ""},
		{"reserved less", reserved(9), "D1-reserved"},
		{"reserved nothing at all", reserved(0), "D1-reserved"},
		{"four receives", func(s *infra.Stack) { s.Queues[1].MaxReceiveCount = 4 }, "D1-receives"},
		{"five receives", func(s *infra.Stack) { s.Queues[1].MaxReceiveCount = 5 }, "C10-attempts"},
		{"twenty receives", func(s *infra.Stack) { s.Queues[1].MaxReceiveCount = 20 }, ""},
	})
}

// The URLs of a function's queues are known by their account and name: the host is another one on each endpoint.
func TestC13_AFunctionSettlesTheQueueThatFeedsIt(t *testing.T) {
	told := func(queue, letters string) func(*infra.Stack) {
		return func(s *infra.Stack) { s.Functions[0].QueueURL, s.Functions[0].DeadLetterQueueURL = queue, letters }
	}
	const host = "https://sqs." + region + ".amazonaws.com/"
	checkLimits(t, []limit{
		{"nothing", told("", ""), ""},
		{"both", told(host+account+"/Tasks", host+account+"/Letters"), ""},
		{"by another host", told("http://localhost:4566/"+account+"/Tasks", ""), ""},
		{"the dead letters", told(host+account+"/Letters", ""), "C13-settler"},
		{"of another account", told(host+"210987654321/Tasks", ""), "C13-settler"},
		{"of another name", told(host+account+"/MyTasks", ""), "C13-settler"},
		{"dead letters in the queue", told(host+account+"/Tasks", host+account+"/Tasks"), "C13-settler"},
	})
}

func TestD3_FailuresAreReported(t *testing.T) {
	checkLimits(t, []limit{{"not", func(s *infra.Stack) { s.Mappings[0].ReportBatchItemFailures = false }, "D3-report"}})
}

func TestD6_RecursionStopsAndTells(t *testing.T) {
	checkLimits(t, []limit{
		{"allowed", func(s *infra.Stack) { s.Functions[0].RecursiveLoop = "Allow" }, "D6-recursion"},
		{"nobody told", without("RecursiveInvocationsDropped"), "D6-alarm"},
	})
}

// without removes the alarms on a metric.
func without(metric string) func(*infra.Stack) {
	return func(s *infra.Stack) {
		s.Alarms = slices.DeleteFunc(s.Alarms, func(a infra.Alarm) bool { return a.Metric == metric })
	}
}

func TestD7_TheLaneLeadsToItsOnFailureDestination(t *testing.T) {
	checkLimits(t, []limit{
		{"output without qualifier", func(s *infra.Stack) { s.Outputs["Other"] = s.Functions[0].ARN }, "D7-qualifier"},
		{"configuration without qualifier", func(s *infra.Stack) { s.Functions[0].Async[0].Qualifier = "$LATEST" }, "D7-qualifier"},
		{"everything without qualifier", func(s *infra.Stack) {
			s.Functions[0].Async[0].Qualifier = "$LATEST"
			s.Mappings[0].FunctionARN = s.Functions[0].ARN
			s.Outputs["WorkerFunction"] = s.Functions[0].ARN
			s.Policies[0].Statements[1].Resources[0] = s.Functions[0].ARN
		}, ""},
		{"no configuration", func(s *infra.Stack) { s.Functions[0].Async = nil }, "D7-onfailure"},
		{"a topic", func(s *infra.Stack) { s.Functions[0].Async[0].OnFailure = arn("sns", "ops") }, "D7-onfailure"},
		{"an output of a function that runs no tasks", func(s *infra.Stack) {
			s.Functions = append(s.Functions, s.Functions[0])
			s.Functions[1].Resource, s.Functions[1].Async = named("Web", arn("lambda", "function:Web")), nil
			s.Outputs["Web"] = s.Functions[1].ARN
		}, ""},
		{"direct tasks only", func(s *infra.Stack) {
			s.Functions = append(s.Functions, s.Functions[0])
			s.Functions[1].Resource, s.Functions[1].Async = named("Direct", arn("lambda", "function:Direct")), nil
			s.Outputs["WorkerFunction"] = s.Functions[1].ARN
			s.Policies = nil
		}, "D7-onfailure"},
		{"no lane, no configuration", func(s *infra.Stack) { s.Functions[0].Async, s.Outputs, s.Policies = nil, nil, nil }, ""},
	})
}

func TestH2_QueuesAreRetained(t *testing.T) {
	checkLimits(t, []limit{
		{"deleted", func(s *infra.Stack) { s.Queues[0].DeletionPolicy = "Delete" }, "H2-retain"},
		{"replaced", func(s *infra.Stack) { s.Queues[1].UpdateReplacePolicy = "Delete" }, "H2-retain"},
		{"except on create", func(s *infra.Stack) { s.Queues[0].DeletionPolicy = "RetainExceptOnCreate" }, ""},
	})
}

func TestH4_EachAlarmWatchesAndTells(t *testing.T) {
	change := func(metric string, change func(*infra.Alarm)) func(*infra.Stack) {
		return func(s *infra.Stack) {
			for i := range s.Alarms {
				if s.Alarms[i].Metric == metric {
					change(&s.Alarms[i])
				}
			}
		}
	}
	const visible, age = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
	checkLimits(t, []limit{
		{"none on dead letters", without(visible), "H4-dead-letters"},
		{"none on age", without(age), "H4-age"},
		{"none on flight", without("ApproximateNumberOfMessagesNotVisible"), "C9-inflight"},
		{"none on errors", without("Errors"), "H4-errors"},
		{"none on throttles", without("Throttles"), "H4-throttles"},
		{"none on drops", without("AsyncEventsDropped"), "H4-dropped"},
		{"none on destinations", without("DestinationDeliveryFailures"), "H4-destination"},
		{"from one on", change(visible, func(a *infra.Alarm) { a.Threshold, a.Comparison = 1, "GreaterThanOrEqualToThreshold" }), ""},
		{"above a half, so from one on", change(visible, func(a *infra.Alarm) { a.Threshold = 0.5 }), ""},
		{"from a half on", change(visible, func(a *infra.Alarm) { a.Threshold, a.Comparison = 0.5, "GreaterThanOrEqualToThreshold" }), ""},
		{"above one and a half, so from two on", change(visible, func(a *infra.Alarm) { a.Threshold = 1.5 }), "H4-dead-letters"},
		{"from one and a half on, so from two on", change(visible, func(a *infra.Alarm) { a.Threshold, a.Comparison = 1.5, "GreaterThanOrEqualToThreshold" }), "H4-dead-letters"},
		{"above less than nothing", change(visible, func(a *infra.Alarm) { a.Threshold = -0.5 }), "H4-dead-letters"},
		{"from two on", change(visible, func(a *infra.Alarm) { a.Threshold, a.Comparison = 2, "GreaterThanOrEqualToThreshold" }), "H4-dead-letters"},
		{"a second before the retention", change(age, func(a *infra.Alarm) { a.Threshold = 345_599 }), ""},
		{"at the retention", change(age, func(a *infra.Alarm) { a.Threshold = 345_600 }), "H4-age"},
		{"after an hour", change(age, func(a *infra.Alarm) { a.EvaluationPeriods = 60 }), ""},
		{"after an hour and a minute", change(age, func(a *infra.Alarm) { a.EvaluationPeriods = 61 }), "H4-age"},
		{"of one version", change("Errors", func(a *infra.Alarm) { a.Dimensions["ExecutedVersion"] = "1" }), "H4-errors"},
		{"missing data ignored", change(visible, func(a *infra.Alarm) { a.MissingData = "ignore" }), ""},
		{"no action", change(visible, func(a *infra.Alarm) { a.Actions = nil }), "H4-actions"},
		{"actions off", change(visible, func(a *infra.Alarm) { a.ActionsEnabled = false }), "H4-actions"},
	})
}
