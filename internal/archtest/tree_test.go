package archtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offloadhq/offload/internal/archtest"
)

const root = "../.."

func TestTheTreeKeepsItsRules(t *testing.T) {
	tree, err := archtest.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Packages) < 10 || len(tree.Folders) < 5 {
		t.Fatalf("only %d packages and %d folders found", len(tree.Packages), len(tree.Folders))
	}
	report(t, archtest.CheckLayers(tree, archtest.Layers, archtest.InternalMay))
	report(t, archtest.CheckImports(tree, archtest.ImportRules))
	report(t, archtest.CheckCalls(tree, archtest.CallRules))
	report(t, archtest.CheckSleeps(tree, archtest.Sleepers))
	report(t, archtest.CheckFolders(tree, archtest.Folders))
	report(t, archtest.CheckDocs(tree, archtest.Lines))
	report(t, archtest.CheckLengths(tree, archtest.MaxLines))
	for _, module := range []string{"bench", "localstack"} {
		nested, err := archtest.Load(filepath.Join(root, module))
		if err != nil || len(nested.Packages) == 0 {
			t.Fatalf("%s: %d packages, %v", module, len(nested.Packages), err)
		}
		report(t, archtest.CheckSleeps(nested, nil))
	}
}

func TestWhatUsersLink(t *testing.T) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Imports,Standard", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	standard := map[string]bool{}
	deps := map[string][]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
			Standard   bool
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		standard[p.ImportPath] = p.Standard
		deps[p.ImportPath] = p.Imports
	}
	for _, must := range []string{"task", "client", "worker"} {
		if len(deps[archtest.Module+"/"+must]) == 0 {
			t.Errorf("package %s was not found", must)
		}
	}
	report(t, archtest.CheckDeps(deps, func(p string) bool { return standard[p] }, archtest.DepsRules))
}

func TestEveryDependencyIsADecision(t *testing.T) {
	cmd := exec.Command("go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Fields(string(out))
	if len(modules) < 5 {
		t.Fatalf("direct dependencies: %q", modules)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	report(t, archtest.CheckNamed(modules, string(text)))
}

func report(t *testing.T, breaches []string) {
	t.Helper()
	for _, b := range breaches {
		t.Error(b)
	}
}
