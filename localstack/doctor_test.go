package localstack_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live"
	"github.com/offloadhq/offload/infra/live/livetest"
	"github.com/offloadhq/offload/infra/template"
	"github.com/offloadhq/offload/localstack"
)

// TestDoctor holds template.yaml, as LocalStack has deployed it, against every rule: whole, and with each misconfiguration made by
// calls of the real API, and then taken back.
func TestDoctor(t *testing.T) {
	// LocalStack finds by name also what was deleted, so another run has another name.
	d, err := localstack.ProjectDeployment(localstack.UniqueName("doctor"))
	if err != nil {
		t.Fatal(err)
	}
	s := localstack.Deploy(t, d)
	read := func(tb testing.TB) livetest.Reading { return readStack(tb, s) }
	keepLogs(t, s, read(t).Deployed)
	keepLifecycles(t, s, read(t).Deployed)

	t.Run("whole", func(t *testing.T) { livetest.IsWhole(t, read(t)) })
	all := livetest.Misconfigurations()
	for i, m := range all {
		t.Run(m.Name(), func(t *testing.T) {
			if m.Refused != "" {
				if _, err := m.Break(t.Context(), livetest.NewTarget(s.Config, read(t).Live)); err == nil {
					t.Error("LocalStack obeys, which AWS does not: ", m.Refused)
				}
				return
			}
			if m.Rule == "H2-retain" {
				if i != len(all)-1 {
					t.Fatal("is not the last: the others need a whole stack")
				}
				updated(t, m, s, read)
				return
			}
			m.IsFound(t, s.Config, read)
		})
	}
}

// updated deploys the misconfiguration: the last one of the table, because LocalStack's update does more than it should, and
// there is no way back.
func updated(t *testing.T, m livetest.Misconfiguration, s *localstack.Stack, read func(testing.TB) livetest.Reading) {
	t.Helper()
	if _, err := m.Break(t.Context(), livetest.NewTarget(s.Config, read(t).Live)); err != nil {
		t.Fatal(err)
	}
	after := read(t)
	for _, f := range infra.Check(after.Live).Findings { // of the two either: a mapping may be enabled again by now
		if (f.Rule == "C13-enabled" || f.Rule == "C13-size") && !slices.Contains(m.Also, f.Rule) {
			m.Also = append(m.Also, f.Rule)
		}
	}
	target{name: "localstack"}.judge(t, "cloudformation/update-keeps-the-rest", len(m.Also) == 0, "settings that the template does not name have changed")
	m.Judge(t, after)
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

// keepLifecycles sets the lifecycle rules of buckets that remove objects by age: LocalStack 4.14 does not take them from a template.
func keepLifecycles(t *testing.T, s *localstack.Stack, deployed *infra.Stack) {
	t.Helper()
	api := s3.NewFromConfig(s.Config, func(o *s3.Options) { o.UsePathStyle = true })
	for _, b := range readStack(t, s).Live.Buckets {
		i := slices.IndexFunc(deployed.Buckets, func(d infra.Bucket) bool { return d.ID == b.ID })
		var rules []types.LifecycleRule
		for n, e := range deployed.Buckets[i].Expirations {
			rules = append(rules, types.LifecycleRule{
				ID: aws.String(fmt.Sprint(n)), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: &e.Prefix},
				Expiration: &types.LifecycleExpiration{Days: aws.Int32(int32(e.Days))}, //nolint:gosec // at most 40
			})
		}
		if rules == nil {
			continue
		}
		target{name: "localstack"}.judge(t, "cloudformation/lifecycle", len(b.Expirations) > 0, "%s has no lifecycle rules", b.ID)
		_, err := api.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{
			Bucket: &b.Name, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
