package localstack_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live"
	"github.com/offloadhq/offload/infra/live/livetest"
	"github.com/offloadhq/offload/infra/template"
	"github.com/offloadhq/offload/localstack"
)

// TestDoctor holds template.yaml, as LocalStack has deployed it, against every rule: whole, and with each misconfiguration made by
// calls of the real API, and then taken back.
func TestDoctor(t *testing.T) {
	d, err := localstack.ProjectDeployment("offload-doctor")
	if err != nil {
		t.Fatal(err)
	}
	s := localstack.Deploy(t, d)
	read := func(tb testing.TB) livetest.Reading { return readStack(tb, s) }
	keepLogs(t, s, read(t).Deployed)

	t.Run("whole", func(t *testing.T) { livetest.IsWhole(t, read(t)) })
	for _, m := range livetest.Misconfigurations() {
		t.Run(m.Name(), func(t *testing.T) {
			if m.Refused != "" {
				if _, err := m.Break(t.Context(), livetest.NewTarget(s.Config, read(t).Live)); err == nil {
					t.Error("LocalStack obeys, which AWS does not: ", m.Refused)
				}
				return
			}
			m.IsFound(t, s.Config, read)
		})
	}
}

func readStack(tb testing.TB, s *localstack.Stack) livetest.Reading {
	tb.Helper()
	c := live.NewClients(s.Config)
	d, err := live.Find(tb.Context(), c.CloudFormation, s.Name)
	if err != nil {
		tb.Fatal(err)
	}
	parameters := map[string]string{"Architecture": d.Parameters["Architecture"]} // the others have their defaults
	deployed, err := template.Parse("the deployed template", d.Template, &template.Options{
		Parameters: parameters, Region: d.Region, AccountID: d.Account, StackName: d.Name,
	})
	if err != nil {
		tb.Fatal(err)
	}
	read, err := live.Read(tb.Context(), c, d, &live.Options{Deployed: deployed})
	if err != nil {
		tb.Fatal(err)
	}
	return livetest.Reading{Live: read, Deployed: deployed}
}

// keepLogs sets the retention of log groups: LocalStack 4.14 does not take RetentionInDays from a template.
func keepLogs(t *testing.T, s *localstack.Stack, deployed *infra.Stack) {
	t.Helper()
	days := make(map[string]int)
	for _, g := range deployed.LogGroups {
		days[g.ID] = g.RetentionDays
	}
	logs := cloudwatchlogs.NewFromConfig(s.Config)
	for _, g := range readStack(t, s).Live.LogGroups {
		_, err := logs.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &g.Name, RetentionInDays: aws.Int32(int32(days[g.ID]))}) //nolint:gosec // at most 365
		if err != nil {
			t.Fatal(err)
		}
	}
}
