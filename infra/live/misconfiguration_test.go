package live_test

import (
	"slices"
	"testing"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/live/livetest"
)

// A stack that nobody has touched is what was deployed, and keeps every rule.
func TestAStackAsDeployedHasNoFinding(t *testing.T) {
	isWhole(t, read(t, deploy(t)))
}

func isWhole(t *testing.T, s found) {
	t.Helper()
	r := infra.Check(s.Stack)
	for _, f := range r.Findings {
		t.Errorf("found %v", f)
	}
	for _, f := range r.Skipped {
		t.Errorf("not checked: %v", f)
	}
	for path, why := range s.Unread {
		t.Errorf("not read: %s: %s", path, why)
	}
	for _, d := range infra.Diff(s.deployed, s.Stack) {
		t.Errorf("drift: %s", d)
	}
}

func TestMisconfigurations(t *testing.T) {
	broken := make(map[string]bool)
	for _, m := range livetest.Misconfigurations() {
		broken[m.Rule] = true
		t.Run(m.Name(), func(t *testing.T) {
			a := deploy(t)
			target := livetest.NewTarget(a.Config(), read(t, a).Stack)
			undo, err := m.Break(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			s := read(t, a)
			r := infra.Check(s.Stack)
			at := slices.ContainsFunc(r.Findings, func(f infra.Finding) bool { return f.Rule == m.Rule && (m.At == "" || f.Resource == m.At) })
			if !at {
				t.Errorf("%s is not found at %q: %v", m.Rule, m.At, r.Findings)
			}
			for _, f := range r.Findings {
				if f.Rule != m.Rule && !slices.Contains(m.Also, f.Rule) {
					t.Errorf("found %v too", f)
				}
			}
			for _, also := range m.Also {
				if !slices.ContainsFunc(r.Findings, func(f infra.Finding) bool { return f.Rule == also }) {
					t.Errorf("%s is not found", also)
				}
			}
			if m.Rule != "H2-retain" && len(infra.Diff(s.deployed, s.Stack)) == 0 { // that one is a deployment
				t.Error("there is no drift")
			}
			if err := undo(t.Context()); err != nil {
				t.Fatal(err)
			}
			isWhole(t, read(t, a))
		})
	}
	for _, r := range infra.Rules() {
		if !broken[r.ID] {
			t.Errorf("no misconfiguration breaks %s", r.ID)
		}
	}
}
