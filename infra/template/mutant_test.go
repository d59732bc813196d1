package template_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/template"
)

// An edit changes one place of a template: the node at path, keys and indexes between slashes, becomes the YAML text; "" removes it.
type edit struct{ path, yaml string }

// A mutant is a template with a mistake, and the rule that finds it.
type mutant struct {
	rule, what string
	at         string // the resource of the finding; "" for whichever
	edits      []edit
}

func one(rule, what, at, path, yaml string) mutant {
	return mutant{rule, what, at, []edit{{path, yaml}}}
}

func TestRules(t *testing.T) {
	source, err := os.ReadFile(project)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, m := range mutants() {
		found[m.rule] = true
		t.Run("mutant/"+m.rule+"-"+m.what, func(t *testing.T) {
			s := mutate(t, source, m)
			r := infra.Check(s)
			if len(r.Findings) == 0 {
				t.Error("no finding")
			}
			for _, f := range r.Findings {
				if f.Rule != m.rule || m.at != "" && f.Resource != m.at {
					t.Errorf("want %s at %s, found %v", m.rule, m.at, f)
				}
				if f.Resource != "" && f.Line == 0 {
					t.Errorf("no line: %v", f)
				}
			}
			if len(r.Findings) > 2 {
				t.Errorf("%d findings of one mistake: %v", len(r.Findings), r.Findings)
			}
			unreadIsNotJudged(t, s)
		})
	}
	for _, r := range infra.Rules() {
		if !found[r.ID] {
			t.Errorf("rule %s has no mutant", r.ID)
		}
	}
}

// unreadIsNotJudged checks that no rule says anything of what a reader could not read, whether the reader left the list as far as it came or
// empty.
func unreadIsNotJudged(t *testing.T, s *infra.Stack) {
	t.Helper()
	lists := []string{"Queues", "Functions", "Mappings", "Roles", "Policies", "Alarms", "Buckets", "LogGroups", "Outputs"}
	for _, list := range lists {
		s.NotRead(list, "access denied")
	}
	nothingIsJudged(t, s)
	for _, list := range lists {
		reflect.ValueOf(s).Elem().FieldByName(list).SetZero()
	}
	nothingIsJudged(t, s)
}

func nothingIsJudged(t *testing.T, s *infra.Stack) {
	t.Helper()
	r := infra.Check(s)
	if len(r.Findings) > 0 {
		t.Errorf("judged though unread: %v", r.Findings)
	}
	for _, rule := range infra.Rules() {
		if !slices.ContainsFunc(r.Skipped, func(s infra.Skip) bool { return s.Rule == rule.ID }) {
			t.Errorf("rule %s: nothing is read, and it does not say so", rule.ID)
		}
	}
}

// mutate reads a template with the edits made.
func mutate(t *testing.T, source []byte, m mutant) *infra.Stack {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		t.Fatal(err)
	}
	for _, e := range m.edits {
		if err := e.apply(doc.Content[0]); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := yaml.NewEncoder(&out).Encode(&doc); err != nil {
		t.Fatal(err)
	}
	s, err := template.Parse("template.yaml", out.Bytes(), &template.Options{Parameters: m.parameters()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parameters are those that a mutant needs for its place to be there.
func (m mutant) parameters() map[string]string {
	if m.rule == "J3-kms" || strings.Contains(m.what, "key") {
		return variants["all"]
	}
	return nil
}

func (e edit) apply(n *yaml.Node) error {
	steps := strings.Split(e.path, "/")
	for i, step := range steps {
		last := i == len(steps)-1
		at, err := position(n, step)
		if err != nil {
			return fmt.Errorf("edit %s: %w", e.path, err)
		}
		if last {
			return e.replace(n, at, step)
		}
		if at < 0 {
			return fmt.Errorf("edit %s: there is no %s", e.path, step)
		}
		n = n.Content[at]
	}
	return nil
}

// position is where in the content of a node the value of a step is; -1 when it is not there.
func position(n *yaml.Node, step string) (int, error) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return i + 1, nil
			}
		}
		return -1, nil
	case yaml.SequenceNode:
		at, err := strconv.Atoi(step)
		if step == "+" {
			return len(n.Content), nil
		}
		if err != nil || at >= len(n.Content) {
			return 0, fmt.Errorf("there is no item %s", step)
		}
		return at, nil
	}
	return 0, fmt.Errorf("%s is inside of a scalar", step)
}

func (e edit) replace(n *yaml.Node, at int, key string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(e.yaml), &doc); err != nil {
		return err
	}
	switch {
	case e.yaml == "" && at < 0:
		return fmt.Errorf("edit %s: there is nothing to remove", e.path)
	case e.yaml == "" && n.Kind == yaml.MappingNode:
		n.Content = slices.Delete(n.Content, at-1, at+1)
	case e.yaml == "":
		n.Content = slices.Delete(n.Content, at, at+1)
	case at < 0:
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, doc.Content[0])
	case at == len(n.Content):
		n.Content = append(n.Content, doc.Content[0])
	default:
		n.Content[at] = doc.Content[0]
	}
	return nil
}
