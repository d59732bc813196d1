package infra_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/offloadhq/offload/infra"
)

var update = flag.Bool("update", false, "write docs/rules.md anew")

var (
	ruleID = regexp.MustCompile(`^[A-Z][0-9]{1,2}-[a-z-]+$`)
	page   = regexp.MustCompile(`^https://docs\.aws\.amazon\.com/\S+\.html$`)
)

func TestRules_SayEverything(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range infra.Rules() {
		switch {
		case !ruleID.MatchString(r.ID) || seen[r.ID]:
			t.Errorf("id %q: must be a row and a word, and the only one", r.ID)
		case r.Title == "" || r.Why == "" || r.Fix == "" || strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(r.Why, "."):
			t.Errorf("%s: title %q, why %q, fix %q", r.ID, r.Title, r.Why, r.Fix)
		case !page.MatchString(r.Page):
			t.Errorf("%s: page %q", r.ID, r.Page)
		case !strings.HasPrefix(r.ID, r.Row()+"-"):
			t.Errorf("%s: row %q", r.ID, r.Row())
		}
		seen[r.ID] = true
	}
	rules := infra.Rules()
	rules[0].ID = "changed"
	if infra.Rules()[0].ID == "changed" {
		t.Error("the rules are shared with their caller")
	}
}

// TestRules_Page holds docs/rules.md against the rules.
func TestRules_Page(t *testing.T) {
	const file = "../docs/rules.md"
	want := rulesPage()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not current: go test ./infra -run TestRules_Page -update", file)
	}
}

const rulesIntro = `# The rules that a stack must keep

[offload doctor](../cmd/offload) checks a live stack against these rules, and the tests of package [infra](../infra) check template.yaml. An *error*
loses or leaks work, or lets a stranger in; a *warning* costs, or hides what happens. Your own template can be held against them in a test:
` + "see the example of package [infra/template](../infra/template)." + `

This page is written by ` + "`go test ./infra -run TestRules_Page -update`" + `.

| rule | severity | what must hold | otherwise | fix | source |
|---|---|---|---|---|---|
`

func rulesPage() string {
	var b strings.Builder
	b.WriteString(rulesIntro)
	for _, r := range infra.Rules() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | [AWS](%s) |\n", r.ID, r.Severity, r.Title, r.Why, r.Fix, r.Page)
	}
	table := func(title string, needs []infra.Need) {
		fmt.Fprintf(&b, "\n## %s\n\nThese actions (H3), and no others (J3-actions).\n\n| action | on | needed by | source |\n|---|---|---|---|\n", title)
		for _, n := range needs {
			fmt.Fprintf(&b, "| %s | %s | %s | [AWS](%s) |\n", n.Action, n.On, n.By, n.Page)
		}
	}
	table("What the role of a function allows", infra.WorkerNeeds())
	table("What the policy for web hosts allows", infra.ProducerNeeds())
	return b.String()
}

func TestReport_JSON(t *testing.T) {
	s := small()
	s.Queues[1].FIFO = true
	s.Alarms[0].Actions = nil
	s.NotRead("Roles.Role", "access denied")
	report := infra.Check(s)
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var back infra.Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(back) != fmt.Sprint(report) || len(back.Findings) != 2 || len(back.Skipped) == 0 {
		t.Errorf("report %+v, back from JSON %+v", report, back)
	}
	if worst, ok := report.Worst(); !ok || worst != infra.Error || report.Findings[0].Severity != infra.Error {
		t.Errorf("worst: %v, %v; the worst comes first: %v", worst, ok, report.Findings)
	}
	clean, err := json.Marshal(infra.Check(small()))
	if want := fmt.Sprintf(`{"checked":%d,"incomplete":0,"findings":[],"skipped":[]}`, len(infra.Rules())); err != nil || string(clean) != want {
		t.Errorf("clean: %s, %v", clean, err)
	}
	if _, ok := infra.Check(small()).Worst(); ok {
		t.Error("a clean stack has a worst finding")
	}
	var sev infra.Severity
	if err := sev.UnmarshalText([]byte("fatal")); err == nil || !strings.Contains(err.Error(), `severity "fatal"`) {
		t.Errorf("unknown severity: %v", err)
	}
	if s := infra.Severity(7).String(); s != "Severity(7)" {
		t.Errorf("unknown severity is %q", s)
	}
	stack := infra.Finding{Rule: "X1-x", Severity: infra.Info, Text: "text"}
	if stack.String() != "info X1-x: text" {
		t.Errorf("finding about the stack: %q", stack)
	}
}
