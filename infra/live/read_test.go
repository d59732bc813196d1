package live_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live"
	"github.com/offloadhq/offload/infra/live/livetest"
	"github.com/offloadhq/offload/infra/template"
)

// local reads an account as an endpoint without CloudFormation.
func local(t *testing.T, a *livetest.AWS, deployed *infra.Stack) *infra.Stack {
	t.Helper()
	s, err := live.Read(t.Context(), live.NewClients(a.Config()), live.FromTemplate(deployed), &live.Options{Deployed: deployed})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestActionsAreWhatIsAsked(t *testing.T) {
	a := deploy(t)
	whole := read(t, a)
	local(t, a, whole.Stack) // asks for the URLs of queues too
	if asked := a.Asked(); !slices.Equal(asked, live.Actions) {
		t.Errorf("asked %v\nActions %v", asked, live.Actions)
	}
}

// Whatever is denied is not checked: it is no finding, no pass and no crash, and the permission is named.
func TestDeniedIsNotChecked(t *testing.T) {
	for _, action := range live.Actions {
		switch action {
		case "sqs:GetQueueUrl": // local only, below
			continue
		case "cloudformation:DescribeStacks", "cloudformation:ListStackResources":
			a := deploy(t)
			a.Deny(action)
			if _, err := readOnce(t.Context(), a); err == nil || !strings.Contains(err.Error(), "access denied: allow "+action) {
				t.Errorf("%s: %v", action, err)
			}
			continue
		}
		t.Run(action, func(t *testing.T) {
			a := deploy(t)
			a.Deny(action)
			s, err := readOnce(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			isUnread(t, s.Stack, "access denied: allow "+action)
			if gone := live.Gone(s.deployment, s.Stack); len(gone) > 0 {
				t.Errorf("what may not be read is not gone: %v", gone)
			}
		})
	}
}

// Variables under a key that the caller may not use: what they say of queues is not checked, and all the rest is.
func TestEncryptedVariablesAreNotChecked(t *testing.T) {
	a := deploy(t)
	a.Encrypt()
	s := read(t, a)
	isUnread(t, s.Stack, "Lambda cannot decrypt the variables for you: no kms:Decrypt, as the test says")
	for _, skip := range infra.Check(s.Stack).Skipped {
		if skip.Rule != "C13-settler" {
			t.Errorf("%s is not checked: %v", skip.Rule, skip)
		}
	}
}

// Two denials hide more than each alone: which queues are dead-letter queues, for one. On a good stack nothing is found, still.
func TestTwoDenialsAreNoFinding(t *testing.T) {
	for first, others := range map[string][]string{
		"sqs:GetQueueAttributes":                {"lambda:ListFunctionEventInvokeConfigs", "lambda:GetFunctionConfiguration", "lambda:ListAliases", "lambda:ListEventSourceMappings", "iam:GetPolicyVersion"},
		"iam:ListAttachedRolePolicies":          {"sqs:GetQueueAttributes", "iam:GetPolicyVersion", "lambda:ListFunctionEventInvokeConfigs"},
		"lambda:ListFunctionEventInvokeConfigs": {"iam:GetPolicyVersion", "lambda:ListEventSourceMappings"},
	} {
		for _, second := range others {
			a := deploy(t)
			a.Deny(first)
			a.Deny(second)
			s, err := readOnce(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			r := infra.Check(s.Stack)
			for _, f := range r.Findings {
				t.Errorf("%s and %s are denied, and found is %v", first, second, f)
			}
			if len(r.Skipped) == 0 {
				t.Errorf("%s and %s are denied, and no rule says so", first, second)
			}
		}
	}
}

// isUnread checks that something was not read, for this reason alone, and that the rules say so and find nothing.
func isUnread(t *testing.T, s *infra.Stack, why string) {
	t.Helper()
	if len(s.Unread) == 0 {
		t.Error("everything was read")
	}
	for path, got := range s.Unread {
		if got != why {
			t.Errorf("%s: not read: %q, want %q", path, got, why)
		}
	}
	r := infra.Check(s)
	if len(r.Skipped) == 0 {
		t.Error("no rule says that it was not checked")
	}
	for _, f := range r.Findings {
		t.Errorf("found %v", f)
	}
}

func TestALocalEndpointThatDeniesIsNotChecked(t *testing.T) {
	a := deploy(t)
	whole := read(t, a)
	a.Deny("sqs:GetQueueUrl")
	s := local(t, a, whole.Stack)
	for _, f := range infra.Check(s).Findings {
		if f.Rule == "C13-mapping" {
			t.Errorf("nobody has asked for the mappings: %v", f)
		}
	}
	for _, q := range whole.Queues {
		if why, unread := s.WhyUnread("Queues." + q.ID); !unread || why != "access denied: allow sqs:GetQueueUrl" {
			t.Errorf("%s: %q", q.ID, why)
		}
	}
}

// An error that means nothing to the reader is told in full.
func TestAFailureIsNotChecked(t *testing.T) {
	for action, code := range map[string]string{"sqs:GetQueueAttributes": "RequestThrottled", "s3:GetBucketPolicy": "Weird", "cloudwatch:DescribeAlarms": "InternalServiceError"} {
		a := deploy(t)
		a.Fail(action, http.StatusBadRequest, code)
		isUnread(t, read(t, a).Stack, action+": "+code+": as the test says")
	}
}

func TestAServiceThatIsNotThereIsNotChecked(t *testing.T) {
	for service, want := range map[string]map[string]string{
		"iam":        {"Roles": "IAM", "Policies": "IAM"},
		"monitoring": {"Alarms": "CloudWatch"},
		"logs":       {"LogGroups": "CloudWatch Logs"},
		"s3":         {"Buckets": "S3"},
	} {
		a := deploy(t)
		a.Lack(service)
		s := read(t, a)
		for list, name := range want {
			if got := s.Unread[list]; got != "this endpoint has no "+name {
				t.Errorf("%s: %s is not read: %q", service, list, got)
			}
		}
		if len(s.Unread) != len(want) {
			t.Errorf("%s: not read: %v", service, s.Unread)
		}
		if d := infra.Diff(s.deployed, s.Stack); len(d) > 0 {
			t.Errorf("%s: drift %v", service, d)
		}
		for _, f := range infra.Check(s.Stack).Findings {
			t.Errorf("%s: found %v", service, f)
		}
	}
}

func TestWhatIsGoneIsDrift(t *testing.T) {
	for id, path := range map[string]string{
		"TaskQueue": "Queues.TaskQueue", "WorkerFunction": "Functions.WorkerFunction", "WorkerFunctionTasks": "Mappings.WorkerFunctionTasks",
		"WorkerRole": "Roles.WorkerRole", "ProducerPolicy": "Policies.ProducerPolicy", "BulkErrorsAlarm": "Alarms.BulkErrorsAlarm",
		"ResultsBucket": "Buckets.ResultsBucket", "BulkLogGroup": "LogGroups.BulkLogGroup",
	} {
		a := deploy(t)
		a.Lose(id)
		s := read(t, a)
		gone := infra.Difference{Path: path, Want: "the resource"}
		if !slices.Contains(infra.Diff(s.deployed, s.Stack), gone) {
			t.Errorf("%s is not gone: %v", id, infra.Diff(s.deployed, s.Stack))
		}
		if len(s.Unread) > 0 {
			t.Errorf("%s: not read: %v", id, s.Unread)
		}
		if got := live.Gone(s.deployment, s.Stack); !slices.Contains(got, path) && id != "WorkerFunctionTasks" || len(got) > 1 {
			t.Errorf("%s: gone: %v", id, got)
		}
	}
}

func TestNoStackAndNoCloudFormation(t *testing.T) {
	a := deploy(t)
	c := live.NewClients(a.Config()).CloudFormation
	if _, err := live.Find(t.Context(), c, "another"); !errors.Is(err, live.ErrNoStack) || !strings.Contains(err.Error(), `"another"`) {
		t.Errorf("no stack: %v", err)
	}
	a.Lack("cloudformation")
	if _, err := live.Find(t.Context(), c, "offload"); !errors.Is(err, live.ErrNoCloudFormation) {
		t.Errorf("no CloudFormation: %v", err)
	}
}

// Settings are those of the version behind the alias: the $LATEST of the fake has a timeout of a second.
func TestTheVersionBehindTheAliasCounts(t *testing.T) {
	a := deploy(t)
	s := read(t, a)
	for _, f := range s.Functions {
		if f.Timeout.Seconds() < 60 || len(f.Aliases) != 1 {
			t.Errorf("%s: timeout %v, aliases %v", f.ID, f.Timeout, f.Aliases)
		}
	}
	bare, err := live.Read(t.Context(), live.NewClients(a.Config()), live.FromTemplate(s.Stack), nil)
	if err != nil {
		t.Fatal(err)
	}
	if bare.Functions[0].Timeout != s.Functions[0].Timeout {
		t.Errorf("without the template: timeout %v", bare.Functions[0].Timeout)
	}
	if _, unread := bare.WhyUnread("Queues.TaskQueue.DeletionPolicy"); !unread {
		t.Error("without the template the deletion policies are not known, and that is not told")
	}
}

// Without CloudFormation the names are those of the template, and mappings are known by their queue and function.
func TestFromTemplate(t *testing.T) {
	a := deploy(t)
	whole := read(t, a)
	s := local(t, a, whole.Stack)
	for _, d := range infra.Diff(whole.Stack, s) {
		t.Errorf("drift: %s", d)
	}
	if len(s.Mappings) != 2 || s.Mappings[0].ID != "BulkFunctionTasks" || s.Mappings[1].ID != "WorkerFunctionTasks" {
		t.Errorf("mappings %+v", s.Mappings)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	a := deploy(t)
	c := live.NewClients(a.Config())
	d, err := live.Find(t.Context(), c.CloudFormation, "offload")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = live.Read(ctx, c, d, &live.Options{Concurrency: 1, Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled reading gives %v", err)
	}
	if _, err := live.Find(ctx, c.CloudFormation, "offload"); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled search gives %v", err)
	}
}

func TestProgressCountsToTheEnd(t *testing.T) {
	a := deploy(t)
	c := live.NewClients(a.Config())
	d, err := live.Find(t.Context(), c.CloudFormation, "offload")
	if err != nil {
		t.Fatal(err)
	}
	last, total := 0, 0
	_, err = live.Read(t.Context(), c, d, &live.Options{Concurrency: 3, Progress: func(done, all int) {
		if done != last+1 {
			t.Errorf("%d after %d", done, last)
		}
		last, total = done, all
	}})
	if err != nil || last == 0 || last != total {
		t.Errorf("%d of %d, %v", last, total, err)
	}
}

// The parameters are the stack's, as CloudFormation tells them.
func TestTheDeploymentHasItsParameters(t *testing.T) {
	d, err := live.Find(t.Context(), live.NewClients(deploy(t).Config()).CloudFormation, "offload")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"FunctionTimeout": "60", "WebhookSecret": "****"}; !maps.Equal(d.Parameters, want) || d.Status != "UPDATE_COMPLETE" {
		t.Errorf("deployment %+v", d)
	}
	if _, err := template.Parse("deployed", d.Template, nil); err != nil {
		t.Error(err)
	}
}

// An endpoint may leave sections out of the processed template to which its resources refer.
func TestHalfATemplateIsNotTaken(t *testing.T) {
	stack, err := template.Load(transformed, nil)
	if err != nil {
		t.Fatal(err)
	}
	const whole = "Conditions: {Yes: !Equals [a, a]}\nResources:\n  Q: {Type: AWS::SQS::Queue, Condition: Yes}\n"
	for processed, want := range map[string]string{
		`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Condition":"Yes"}}}`: whole,
		`{"Conditions":{"Yes":true},"Resources":{}}`:                       `{"Conditions":{"Yes":true},"Resources":{}}`,
	} {
		a := livetest.New(t, &livetest.Options{Stack: stack, Template: whole, Processed: processed})
		d, err := live.Find(t.Context(), live.NewClients(a.Config()).CloudFormation, "offload")
		if err != nil || string(d.Template) != want {
			t.Errorf("processed %s: template %q, %v; want %q", processed, d.Template, err, want)
		}
	}
}

// Mappings and permissions that somebody has made by hand are read, on every page, under the names that Lambda gives them.
func TestWhatWasMadeByHandIsRead(t *testing.T) {
	a := deploy(t)
	whole := read(t, a)
	c := lambda.NewFromConfig(a.Config())
	var queue infra.Queue
	for _, q := range whole.Queues {
		if q.ID == "TaskQueue" {
			queue = q
		}
	}
	made := []string{}
	for range 3 {
		m, err := c.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{EventSourceArn: &queue.ARN, FunctionName: &whole.Functions[0].ARN})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, *m.UUID)
	}
	_, err := c.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: &whole.Functions[0].Name, StatementId: aws.String("by-hand"), Principal: aws.String("*"), Action: aws.String("lambda:InvokeFunction"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := read(t, a)
	var ids []string
	for _, m := range s.Mappings {
		if m.QueueARN == queue.ARN {
			ids = append(ids, m.ID)
		}
	}
	want := append([]string{"WorkerFunctionTasks"}, made...)
	slices.Sort(want)
	if !slices.Equal(ids, want) {
		t.Errorf("mappings %v, want %v", ids, want)
	}
	policy := s.Functions[0].Policy
	if len(policy) != 1 || policy[0].Sid != "" || !slices.Equal(policy[0].Principals, []string{"*"}) {
		t.Errorf("policy %+v", policy)
	}
}
