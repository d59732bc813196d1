package live_test

import (
	"testing"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live/livetest"
)

// A stack that nobody has touched is what was deployed, and keeps every rule.
func TestAStackAsDeployedHasNoFinding(t *testing.T) {
	livetest.IsWhole(t, reading(read(t, deploy(t))))
}

func reading(s found) livetest.Reading { return livetest.Reading{Live: s.Stack, Deployed: s.deployed} }

func TestMisconfigurations(t *testing.T) {
	broken := make(map[string]bool)
	for _, m := range livetest.Misconfigurations() {
		broken[m.Rule] = true
		t.Run(m.Name(), func(t *testing.T) {
			a := deploy(t)
			m.IsFound(t, a.Config(), func(testing.TB) livetest.Reading { return reading(read(t, a)) })
		})
	}
	for _, r := range infra.Rules() {
		if !broken[r.ID] {
			t.Errorf("no misconfiguration breaks %s", r.ID)
		}
	}
}
