package infra_test

import (
	"slices"
	"testing"

	"github.com/offloadhq/offload/infra"
)

func skips(r infra.Report, rule string) bool {
	return slices.ContainsFunc(r.Skipped, func(s infra.Skip) bool { return s.Rule == rule })
}

// A reader that was denied a list leaves it empty. A rule that goes through it has checked nothing then, and says so.
func TestCheck_AnEmptyListThatWasNotReadIsNotGood(t *testing.T) {
	for list, l := range map[string]struct {
		empty func(*infra.Stack)
		rules []string
	}{
		"Mappings": {func(s *infra.Stack) { s.Mappings = nil }, []string{
			"C7-visibility", "C13-mapping", "C13-enabled", "C13-filter", "D1-concurrency", "D1-reserved", "D3-report", "H3-worker", "J3-actions", "J3-managed", "J3-trust",
		}},
		"Alarms": {func(s *infra.Stack) { s.Alarms = nil }, []string{"C9-inflight", "H4-actions", "H4-errors"}},
	} {
		s := small()
		l.empty(s)
		s.NotRead(list, "access denied")
		r := infra.Check(s)
		for _, rule := range l.rules {
			if !skips(r, rule) {
				t.Errorf("%s is not read, and %s does not say so", list, rule)
			}
		}
		if len(r.Findings) > 0 {
			t.Errorf("%s: found %v", list, r.Findings)
		}
	}
}
