package live_test

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live"
	"github.com/offloadhq/offload/infra/live/livetest"
	"github.com/offloadhq/offload/infra/template"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// transformed is template.yaml after the SAM transform, with its default parameters.
const transformed = "../template/testdata/default.transformed.json"

// deploy gives an account with the project's stack in it.
func deploy(t *testing.T) *livetest.AWS {
	t.Helper()
	body, err := os.ReadFile(transformed)
	if err != nil {
		t.Fatal(err)
	}
	s, err := template.Load(transformed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return livetest.New(t, &livetest.Options{Stack: s, Template: string(body), Parameters: map[string]string{"FunctionTimeout": "60", "WebhookSecret": "****"}})
}

// found is a stack as it was read, and the template that was deployed.
type found struct {
	*infra.Stack
	deployed   *infra.Stack
	deployment *live.Deployment
}

func read(t *testing.T, a *livetest.AWS) found {
	t.Helper()
	s, err := readOnce(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if s.deployed == nil {
		t.Fatal("the template was not read: ", s.Unread)
	}
	return s
}

func readOnce(ctx context.Context, a *livetest.AWS) (found, error) {
	c := live.NewClients(a.Config())
	d, err := live.Find(ctx, c.CloudFormation, "offload")
	if err != nil {
		return found{}, err
	}
	f := found{deployment: d}
	if d.Template != nil {
		if f.deployed, err = template.Parse("deployed", d.Template, &template.Options{Region: d.Region, AccountID: d.Account, StackName: d.Name}); err != nil {
			return found{}, err
		}
	}
	f.Stack, err = live.Read(ctx, c, d, &live.Options{Deployed: f.deployed})
	return f, err
}
