package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/cmd/offload/internal/doctor"
	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live"
	"github.com/offloadhq/offload/infra/live/livetest"
	"github.com/offloadhq/offload/infra/template"
)

const (
	projectTemplate = "../../template.yaml"
	transformed     = "../../infra/template/testdata/default.transformed.json" // projectTemplate, as CloudFormation keeps it
)

// accountOf is an AWS with the project's stack, which the command line is pointed at.
func accountOf(t *testing.T, parameters map[string]string) *livetest.AWS {
	t.Helper()
	body, err := os.ReadFile(transformed)
	if err != nil {
		t.Fatal(err)
	}
	s, err := template.Load(transformed, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := livetest.New(t, &livetest.Options{Stack: s, Template: string(body), Parameters: parameters})
	pointAt(t, a.URL)
	return a
}

func pointAt(t *testing.T, endpoint string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CA_BUNDLE": "",
	} {
		t.Setenv(name, value)
	}
}

// examined is one run of offload doctor.
type examined struct {
	stdout, stderr string
	status         int
}

func examine(t *testing.T, args ...string) examined {
	t.Helper()
	var out, errs strings.Builder
	status := run(t.Context(), append([]string{"doctor"}, args...), &out, &errs)
	e := examined{out.String(), errs.String(), status}
	if strings.Contains(e.stdout+e.stderr, livetest.Secret) {
		t.Errorf("I3: the value of a function's variable is printed: %s%s", e.stdout, e.stderr)
	}
	return e
}

func (e examined) expect(t *testing.T, status int, texts ...string) {
	t.Helper()
	if e.status != status {
		t.Errorf("status %d, want %d\n%s%s", e.status, status, e.stdout, e.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(e.stdout+e.stderr, text) {
			t.Errorf("%q is not in the output:\n%s%s", text, e.stdout, e.stderr)
		}
	}
}

func (e examined) report(t *testing.T) doctor.Report {
	t.Helper()
	var r doctor.Report
	decoder := json.NewDecoder(strings.NewReader(e.stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		t.Fatalf("%v\n%s", err, e.stdout)
	}
	return r
}

// misconfigure makes a misconfiguration of the table.
func misconfigure(t *testing.T, a *livetest.AWS, rule string) {
	t.Helper()
	for _, m := range livetest.Misconfigurations() {
		if m.Rule == rule {
			s, err := template.Load(transformed, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Break(t.Context(), livetest.NewTarget(a.Config(), a.Model(s))); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("the table has no %s", rule)
}

func TestDoctorOfAWholeStack(t *testing.T) {
	accountOf(t, nil)
	examine(t).expect(t, 0, "stack offload in us-east-1, account 000000000000, UPDATE_COMPLETE\n", " rules wholly checked, 0 not wholly, on 4 queues, 2 functions, 2 mappings, 14 alarms\n",
		"\n0 errors, 0 warnings, 0 notes, 0 differences, 0 not checked\n")
	r := examine(t, "--json", "--template", projectTemplate).report(t)
	if r.Version != 1 || r.Source != doctor.SourceCloudFormation || r.Rules < 40 || r.Incomplete != 0 || len(r.Findings)+len(r.Drift)+len(r.NotChecked)+len(r.Gone) != 0 {
		t.Errorf("report %+v", r)
	}
	if r.Undeployed == nil || len(r.Undeployed) != 0 {
		t.Errorf("not deployed: %v", r.Undeployed)
	}
}

func TestDoctorFindsAnError(t *testing.T) {
	a := accountOf(t, nil)
	misconfigure(t, a, "C7-visibility")
	examine(t).expect(t, 1, "error    C7-visibility: ", "TaskQueue.VisibilityTimeout (offload-TaskQueue-1A2B3C): 5m0s is less than 6m0s",
		"\n  fix   set VisibilityTimeout", "\n  page  https://docs.aws.amazon.com/", "\n  Queues.TaskQueue.VisibilityTimeout: want 6m0s, have 5m0s\n",
		"1 error, 0 warnings, 0 notes, 1 difference, 0 not checked")
	e := examine(t, "--json")
	e.expect(t, 1)
	if r := e.report(t); len(r.Findings) != 1 || r.Findings[0].Rule != "C7-visibility" || r.Findings[0].Resource != "TaskQueue" || len(r.Drift) != 1 || r.Undeployed != nil {
		t.Errorf("report %+v", r)
	}
}

// A warning is told, and is no failure.
func TestDoctorFindsAWarning(t *testing.T) {
	a := accountOf(t, nil)
	misconfigure(t, a, "H4-errors")
	a.Lose("BulkLogGroup") // a log group that is gone is a failure, though no rule is an error
	examine(t).expect(t, 1, "warning  H4-errors", "gone")
	a = accountOf(t, nil)
	misconfigure(t, a, "H4-actions")
	examine(t).expect(t, 0, "warning  H4-actions", "0 errors, 1 warning")
}

func TestDoctorNamesWhatIsNotChecked(t *testing.T) {
	a := accountOf(t, nil)
	a.Deny("iam:GetRolePolicy")
	a.Deny("cloudformation:GetTemplate")
	examine(t, "--template", projectTemplate).expect(t, 3, "\nnot checked\n", "Roles.BulkRole.Statements, Roles.WorkerRole.Statements: access denied: allow iam:GetRolePolicy\n",
		"so not wholly: H3-worker, J3-actions", "drift, undeployed: access denied: allow cloudformation:GetTemplate", "0 errors")
	r := examine(t, "--json").report(t)
	at := slices.IndexFunc(r.NotChecked, func(n doctor.NotChecked) bool { return n.Path == "Roles.WorkerRole.Statements" })
	if at < 0 || r.NotChecked[at].Why != "access denied: allow iam:GetRolePolicy" || !slices.Contains(r.NotChecked[at].Rules, "H3-worker") {
		t.Errorf("not checked: %+v", r.NotChecked)
	}
	if slices.ContainsFunc(r.NotChecked, func(n doctor.NotChecked) bool {
		return n.Path == "Queues.TaskQueue.DeletionPolicy" && !slices.Contains(n.Rules, "H2-retain")
	}) {
		t.Errorf("H2-retain cannot be checked, and that is not told: %+v", r.NotChecked)
	}
}

// Nothing was read, so nothing is known: that is not the status of a good stack.
func TestDoctorThatReadsNothingIsUnsure(t *testing.T) {
	a := accountOf(t, nil)
	for _, action := range live.Actions {
		if action != "cloudformation:DescribeStacks" && action != "cloudformation:ListStackResources" {
			a.Deny(action)
		}
	}
	all := len(infra.Rules())
	examine(t).expect(t, 3, fmt.Sprintf("\n0 rules wholly checked, %d not wholly, on ", all), "0 errors")
	if r := examine(t, "--json").report(t); r.Rules != 0 || r.Incomplete != all || len(r.Findings)+len(r.Gone) != 0 {
		t.Errorf("%d rules wholly, %d not; findings %v, gone %v", r.Rules, r.Incomplete, r.Findings, r.Gone)
	}
}

// Rules whose findings are warnings do not make a schedule fail, found or not checked.
func TestDoctorIsUnsureOfErrorsOnly(t *testing.T) {
	a := accountOf(t, nil)
	a.Deny("cloudwatch:DescribeAlarms")
	examine(t).expect(t, 0, "H4-actions", "access denied: allow cloudwatch:DescribeAlarms")
	a.Deny("lambda:ListEventSourceMappings")
	examine(t).expect(t, 3, "C13-filter")
	misconfigure(t, a, "C11-source")
	examine(t).expect(t, 1, "error    C11-source")
}

// What was deleted by hand is seen without the template, too.
func TestDoctorSeesWhatIsGoneWithoutTheTemplate(t *testing.T) {
	a := accountOf(t, nil)
	a.Deny("cloudformation:GetTemplate")
	a.Lose("TaskQueue")
	examine(t).expect(t, 1, "gone, though deployed: Queues.TaskQueue\n", "1 resource gone")
	if r := examine(t, "--json").report(t); !slices.Equal(r.Gone, []string{"Queues.TaskQueue"}) {
		t.Errorf("gone: %v", r.Gone)
	}
}

// The file is compared with what was deployed, and what is in force with what was deployed, all with the stack's parameters.
func TestDoctorComparesWithTheFile(t *testing.T) {
	accountOf(t, map[string]string{"Architecture": "x86_64", "AlarmTopicArn": "****", "GoneSince": "1"})
	source, err := os.ReadFile(projectTemplate)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "template.yaml")
	changed := strings.Replace(string(source), "MessageRetentionPeriod: 345600", "MessageRetentionPeriod: 86400", 1)
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	e := examine(t, "--template", file)
	e.expect(t, 0, "not deployed: "+file+" is not what was deployed\n  Queues.TaskQueue.Retention: want 24h0m0s, have 96h0m0s\n",
		"Functions.WorkerFunction.Architecture: want x86_64, have arm64", "2 differences, 1 not deployed")
	r := examine(t, "--template", file, "--parameter", "Architecture=arm64", "--json").report(t)
	if !slices.ContainsFunc(r.Undeployed, func(d infra.Difference) bool {
		return d.Path == "Functions.WorkerFunction.Architecture" && d.Want == "arm64"
	}) {
		t.Errorf("not deployed: %v", r.Undeployed)
	}
}

func TestDoctorThatCannotRead(t *testing.T) {
	a := accountOf(t, nil)
	examine(t, "--stack", "another").expect(t, 2, `region "us-east-1": stack "another": there is no such stack`)
	examine(t, "--never").expect(t, 2, "unknown flag: --never")
	examine(t, "word").expect(t, 2, `"word"`)
	examine(t, "--template", "absent.yaml").expect(t, 2, `template "absent.yaml"`)
	examine(t, "--template", projectTemplate, "--parameter", "Never=1").expect(t, 2, "Never")
	a.Deny("cloudformation:DescribeStacks")
	examine(t).expect(t, 2, "access denied: allow cloudformation:DescribeStacks")
	a.Lack("cloudformation")
	examine(t).expect(t, 2, "the endpoint has no CloudFormation", "--template FILE")
	t.Setenv("AWS_REGION", "")
	examine(t).expect(t, 2, "set AWS_REGION")
}

// offload dev runs the template, and doctor checks what it answers: the template keeps every rule, and what the emulator has not is told.
func TestDoctorOfTheEmulator(t *testing.T) {
	port := 0
	e, err := emulator.Start(t.Context(), &emulator.Options{Template: projectTemplate, Port: &port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(t.Context()) })
	pointAt(t, e.Endpoint())
	got := examine(t, "--template", projectTemplate)
	got.expect(t, 0, "This endpoint has no CloudFormation: the names come from "+projectTemplate, "Roles: this endpoint has no IAM", "Alarms: this endpoint has no CloudWatch",
		"J3-trust", "0 errors, 0 warnings, 0 notes, 0 differences")
	r := examine(t, "--template", projectTemplate, "--json").report(t)
	for _, n := range r.NotChecked {
		for _, rule := range n.Rules {
			if slices.Contains([]string{"C7-visibility", "C11-retention", "C13-mapping", "D1-concurrency", "D3-report", "D6-recursion"}, rule) {
				t.Errorf("%s could be checked: %+v", rule, n)
			}
		}
	}

	queues := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: aws.String(e.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")})
	_, err = queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(e.Endpoint() + "/000000000000/TaskQueue"), Attributes: map[string]string{"VisibilityTimeout": "300"},
	})
	if err != nil {
		t.Fatal(err)
	}
	examine(t, "--template", projectTemplate).expect(t, 1, "C7-visibility", "Queues.TaskQueue.VisibilityTimeout: want 6m0s, have 5m0s")
}

// A stack of something else breaks no rule. That is not praise.
func TestDoctorOfAnotherStack(t *testing.T) {
	for name, s := range map[string]*infra.Stack{
		"has no queue and no function": {Name: "offload", Region: "us-east-1", Account: "000000000000", Others: []infra.Resource{{ID: "Topic", Type: "AWS::SNS::Topic", ARN: "arn:x"}}},
		"has no resources":             {Name: "offload", Region: "us-east-1", Account: "000000000000"},
	} {
		pointAt(t, livetest.New(t, &livetest.Options{Stack: s, Template: `{"Resources":{}}`}).URL)
		examine(t).expect(t, 2, name)
	}
}

func TestDoctorTellsOfSlowReading(t *testing.T) {
	var out strings.Builder
	progress(&out, time.Now().Add(time.Hour))(1, 9)
	progress(&out, time.Now().Add(-slowReading-time.Second))(2, 9)
	if out.String() != "offload doctor: 2 of 9 read\n" {
		t.Errorf("progress %q", out.String())
	}
}
