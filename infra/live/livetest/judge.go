package livetest

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/infra"
)

// A Reading is a stack as a reader of live stacks has found it.
type Reading struct {
	Live     *infra.Stack
	Deployed *infra.Stack // the model of the template that was deployed
}

// IsWhole checks that a reading has no finding, nothing unread, and no drift.
func IsWhole(tb testing.TB, s Reading) {
	tb.Helper()
	r := infra.Check(s.Live)
	for _, f := range r.Findings {
		tb.Errorf("found %v", f)
	}
	for _, f := range r.Skipped {
		tb.Errorf("not checked: %v", f)
	}
	for path, why := range s.Live.Unread {
		tb.Errorf("not read: %s: %s", path, why)
	}
	for _, d := range infra.Diff(s.Deployed, s.Live) {
		tb.Errorf("drift: %s", d)
	}
}

// IsFound makes the misconfiguration in a whole stack and checks that the rule finds it where it is, that no other rule finds anything but what
// Also names, and that it is drift. Then it takes it back, and checks that the stack is whole again. read reads the stack.
func (m *Misconfiguration) IsFound(tb testing.TB, cfg aws.Config, read func(testing.TB) Reading) {
	tb.Helper()
	undo, err := m.Break(tb.Context(), NewTarget(cfg, read(tb).Live))
	if undo != nil {
		defer func() {
			if err := undo(context.WithoutCancel(tb.Context())); err != nil {
				tb.Fatalf("not taken back: %v", err)
			}
			IsWhole(tb, read(tb))
		}()
	}
	if err != nil {
		tb.Fatal(err)
	}
	m.Judge(tb, read(tb))
}

// Judge checks that a reading of the broken stack shows the misconfiguration, and nothing else.
func (m *Misconfiguration) Judge(tb testing.TB, s Reading) {
	tb.Helper()
	r := infra.Check(s.Live)
	at := slices.ContainsFunc(r.Findings, func(f infra.Finding) bool { return f.Rule == m.Rule && (m.At == "" || f.Resource == m.At) })
	if !at {
		tb.Errorf("%s is not found at %q: %v", m.Rule, m.At, r.Findings)
	}
	for _, f := range r.Findings {
		if f.Rule != m.Rule && !slices.Contains(m.Also, f.Rule) {
			tb.Errorf("found %v too", f)
		}
	}
	for _, also := range m.Also {
		if !slices.ContainsFunc(r.Findings, func(f infra.Finding) bool { return f.Rule == also }) {
			tb.Errorf("%s is not found", also)
		}
	}
	if m.Rule != "H2-retain" && len(infra.Diff(s.Deployed, s.Live)) == 0 { // that one is a deployment
		tb.Error("there is no drift")
	}
}
