package infra_test

import (
	"slices"
	"strings"
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
			"C7-visibility", "C13-mapping", "C13-enabled", "C13-filter", "C13-settler", "D1-concurrency", "D1-reserved", "D3-report", "H3-worker", "J3-actions", "J3-managed", "J3-trust",
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

// Which queues hold tasks is known only when every redrive policy and every destination is: a part that was not read may make the
// difference.
func TestCheck_APartThatMayMakeTheDifferenceIsNotGuessed(t *testing.T) {
	cases := map[string]struct {
		change func(*infra.Stack)
		rules  string
	}{
		"redrive": {func(s *infra.Stack) {
			s.Queues[1].DeadLetterARN, s.Functions[0].Async = "", nil
			s.NotRead("Queues.Tasks.DeadLetterARN", "denied")
			s.NotRead("Functions.Work.Async", "denied")
		}, "C13-mapping C9-inflight H3-worker H3-producer"},
		"retention of what may be dead letters": {func(s *infra.Stack) {
			s.Queues[0].Retention, s.Queues[1].DeadLetterARN, s.Functions[0].Async = day, "", nil
			s.NotRead("Queues.Tasks.DeadLetterARN", "denied")
			s.NotRead("Functions.Work.Async", "denied")
		}, "C11-retention H4-dead-letters"},
		"a key": {func(s *infra.Stack) { s.NotRead("Queues.Tasks.KMSKeyID", "denied") }, "H3-worker H3-producer J3-actions J3-encryption"},
		"what the host may": {func(s *infra.Stack) {
			s.Policies[0].Statements = nil
			s.NotRead("Policies.Host.Statements", "denied")
		}, "H3-producer J3-actions H4-dropped D7-onfailure D7-qualifier"},
		"what is attached": {func(s *infra.Stack) { s.NotRead("Roles.Role.ManagedPolicies", "denied") }, "H3-worker H3-producer J3-actions"},
		"the ends of a mapping": {func(s *infra.Stack) {
			s.Mappings[0].QueueARN, s.Mappings[0].FunctionARN = "", ""
			s.NotRead("Mappings.WorkTasks.QueueARN", "denied")
			s.NotRead("Mappings.WorkTasks.FunctionARN", "denied")
		}, "C7-visibility C13-mapping H3-worker H4-errors J3-trust"},
		"mappings of a queue without redrive": {func(s *infra.Stack) {
			s.Queues[1].DeadLetterARN, s.Mappings = "", nil
			s.NotRead("Mappings", "denied")
		}, "C13-redrive"},
	}
	for name, c := range cases {
		s := small()
		c.change(s)
		r := infra.Check(s)
		for _, f := range r.Findings {
			t.Errorf("%s: found %v", name, f)
		}
		for rule := range strings.FieldsSeq(c.rules) {
			if !skips(r, rule) {
				t.Errorf("%s is not read, and %s does not say so", name, rule)
			}
		}
	}
}
