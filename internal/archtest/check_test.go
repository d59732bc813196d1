package archtest_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/offloadhq/offload/internal/archtest"
)

// pkg makes a package of one file; names without a dot in their first part are of this module when they begin with "./".
func pkg(path string, imports ...string) archtest.Package {
	for i, p := range imports {
		if rest, ours := strings.CutPrefix(p, "./"); ours {
			imports[i] = archtest.Module + "/" + rest
		}
	}
	return archtest.Package{Path: path, Name: filepath.Base(path), Files: []archtest.File{{Name: path + "/a.go", Imports: imports}}}
}

func calling(path, call string) archtest.Package {
	return archtest.Package{Path: path, Name: "a", Files: []archtest.File{{Name: path + "/a.go", Calls: []string{call}}}}
}

// TestEachImportRuleIsSeenToBreak has a good and a bad package for every rule of the tables.
func TestEachImportRuleIsSeenToBreak(t *testing.T) {
	check := func(p archtest.Package) []string {
		tree := archtest.Tree{Packages: []archtest.Package{p}}
		return slices.Concat(archtest.CheckLayers(tree, archtest.Layers, archtest.InternalMay), archtest.CheckImports(tree, archtest.ImportRules))
	}
	for _, good := range []archtest.Package{
		pkg("task", "fmt", "./internal/backoff"),
		pkg("worker", "./transport", "./task", "./worker/inner", "./state"),
		pkg("transport/sqstransport", "github.com/aws/aws-sdk-go-v2/service/sqs", "github.com/aws/smithy-go"),
		pkg("functions/worker", "github.com/aws/aws-lambda-go/lambda", "./jobs/webhook", "./worker", "./client"),
		pkg("cmd/offload", "github.com/spf13/cobra", "./emulator"),
		pkg("worker/workertest", "testing", "./transport/transporttest"),
		pkg("jobs", "./task"),
		pkg("jobs/webhook", "./jobs", "./client"),
		pkg("internal/awserr", "./transport", "github.com/aws/smithy-go"),
		pkg("infra/live", "github.com/aws/aws-sdk-go-v2/aws"),
		pkg("client/otelclient", "go.opentelemetry.io/otel", "go.opentelemetry.io/otel/semconv/v1.43.0", "./client"),
	} {
		if got := check(good); len(got) > 0 {
			t.Errorf("%q", got)
		}
	}
	broken := map[string]archtest.Package{
		"client imports worker: imports go down":                     pkg("client", "./worker"),
		"worker/inner imports client: imports go down":               pkg("worker/inner", "./client"),
		"task imports transport: imports go down":                    pkg("task", "./transport"),
		"transport imports state: imports go down":                   pkg("transport", "./state"),
		"transport imports client: imports go down":                  pkg("transport", "./client"),
		"emulator imports console: imports go down":                  pkg("emulator", "./console"),
		"worker imports emulator/sqs: imports go down":               pkg("worker", "./emulator/sqs"),
		"jobs imports functions/worker: imports go down":             pkg("jobs", "./functions/worker"),
		"internal/backoff imports client: imports go down":           pkg("internal/backoff", "./client"),
		"newcomer imports task: imports go down":                     pkg("newcomer", "./task"),
		"task imports newcomer: imports go down":                     pkg("task", "./newcomer"),
		"worker imports github.com/aws/aws-sdk-go-v2/aws: the AWS":   pkg("worker", "github.com/aws/aws-sdk-go-v2/aws"),
		"infra imports github.com/aws/smithy-go: the AWS SDK":        pkg("infra", "github.com/aws/smithy-go"),
		"transport/memtransport imports github.com/aws/aws-sdk-go":   pkg("transport/memtransport", "github.com/aws/aws-sdk-go-v2/service/sqs"),
		"worker imports github.com/aws/aws-lambda-go/events: only":   pkg("worker", "github.com/aws/aws-lambda-go/events"),
		"cmd/offload imports github.com/aws/aws-lambda-go/lambda":    pkg("cmd/offload", "github.com/aws/aws-lambda-go/lambda"),
		"emulator imports github.com/spf13/cobra: the command line":  pkg("emulator", "github.com/spf13/cobra"),
		"client imports testing: test libraries":                     pkg("client", "testing"),
		"client imports testing/synctest: test libraries":            pkg("client", "testing/synctest"),
		"client imports go.uber.org/goleak: test libraries":          pkg("client", "go.uber.org/goleak"),
		"cmd/offload imports pgregory.net/rapid: test libraries":     pkg("cmd/offload", "pgregory.net/rapid"),
		"task imports github.com/cloudevents/sdk-go/v2: test":        pkg("task", "github.com/cloudevents/sdk-go/v2"),
		"client imports go.opentelemetry.io/otel/trace: OpenTeleme":  pkg("client", "go.opentelemetry.io/otel/trace"),
		"client/otelclient imports go.opentelemetry.io/otel/sdk/tra": pkg("client/otelclient", "go.opentelemetry.io/otel/sdk/trace"),
		"examples/api imports github.com/offloadhq/offload/client/c": pkg("examples/api", "./client/clienttest"),
		"examples/api imports github.com/offloadhq/offload/jobs/web": pkg("examples/api", "./jobs/webhook"),
		"jobs imports github.com/offloadhq/offload/worker: defin":    pkg("jobs", "./worker"),
	}
	for want, bad := range broken {
		if got := check(bad); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("want %q, got %q", want, got)
		}
	}
	for i, rule := range archtest.ImportRules {
		for _, imported := range rule.Imports {
			if got := archtest.CheckImports(archtest.Tree{Packages: []archtest.Package{pkg("elsewhere", imported)}}, archtest.ImportRules); len(got) == 0 {
				t.Errorf("rule %d, %s: no breach is seen", i, imported)
			}
		}
	}
}

func TestEachCallRuleIsSeenToBreak(t *testing.T) {
	for _, rule := range archtest.CallRules {
		for _, call := range rule.Calls {
			tree := archtest.Tree{Packages: []archtest.Package{calling("worker", call)}}
			if got := archtest.CheckCalls(tree, archtest.CallRules); len(got) != 1 || !strings.HasPrefix(got[0], "worker/a.go calls "+call) {
				t.Errorf("worker calls %s: %q", call, got)
			}
			tree = archtest.Tree{Packages: []archtest.Package{calling("cmd/offload", call), calling("functions/x", call), calling("examples/x", call)}}
			if got := archtest.CheckCalls(tree, archtest.CallRules); len(got) > 0 {
				t.Errorf("%q", got)
			}
		}
		for path, reason := range rule.Allow {
			if len(reason) < 20 {
				t.Errorf("%s is allowed without a reason", path)
			}
			tree := archtest.Tree{Packages: []archtest.Package{calling(path, rule.Calls[0])}}
			if got := archtest.CheckCalls(tree, []archtest.CallRule{rule}); len(got) > 0 {
				t.Errorf("%q", got)
			}
		}
	}
}

func TestEachDepsRuleIsSeenToBreak(t *testing.T) {
	standard := func(p string) bool { return p == "fmt" || p == "testing" || p == "net/http/httptest" }
	clean := map[string][]string{
		archtest.Module + "/task":   {"fmt", "github.com/oklog/ulid/v2"},
		archtest.Module + "/client": {archtest.Module + "/task", archtest.Module + "/internal/x"},
	}
	if got := archtest.CheckDeps(clean, standard, archtest.DepsRules); len(got) > 0 {
		t.Errorf("%q", got)
	}
	for _, rule := range archtest.DepsRules {
		forbidden := slices.Clone(rule.Never)
		if rule.Only != nil {
			forbidden = append(forbidden, "example.com/stranger", archtest.Module+"/transport")
		}
		for _, bad := range forbidden {
			deps := map[string][]string{ // by way of a third
				archtest.Module + "/" + rule.Package:        {"fmt", archtest.Module + "/" + rule.Package + "/x"},
				archtest.Module + "/" + rule.Package + "/x": {bad},
			}
			if got := archtest.CheckDeps(deps, standard, archtest.DepsRules); len(got) != 1 || !strings.Contains(got[0], rule.Package+" links "+bad) {
				t.Errorf("%s links %s: %q", rule.Package, bad, got)
			}
		}
	}
}

func TestFoldersDocsAndLengthsAreSeenToBreak(t *testing.T) {
	if got := archtest.CheckFolders(archtest.Tree{Folders: []string{"task", "utils"}}, archtest.Folders); len(got) != 1 {
		t.Errorf("folders: %q", got)
	}
	doc := func(path, name, text string) archtest.Package {
		return archtest.Package{Path: path, Name: name, Doc: text, Files: []archtest.File{{}}}
	}
	good := archtest.Tree{Packages: []archtest.Package{
		doc("functions/x", "main", ""),
		doc("client", "client", "Package client is the thin client on the web host: Fire, FireBatch,\nFlush, Close.\n\nMore.\n"),
		doc("worker/workertest", "workertest", "Package workertest runs one task through the real executor.\n"),
		doc("internal/x", "x", "Package x does one thing.\n"),
	}}
	if got := archtest.CheckDocs(good, archtest.Lines); len(got) > 0 {
		t.Errorf("docs: %q", got)
	}
	for _, bad := range []archtest.Package{
		doc("internal/x", "x", ""),
		doc("internal/x", "x", "Package y does one thing."),
		doc("internal/x", "x", "Package x"),
		doc("client", "client", "Package client is a client."),
	} {
		if got := archtest.CheckDocs(archtest.Tree{Packages: []archtest.Package{bad}}, archtest.Lines); len(got) != 1 {
			t.Errorf("doc %q: %q", bad.Doc, got)
		}
	}
	asleep := func(file string, imports ...string) archtest.Tree {
		return archtest.Tree{Packages: []archtest.Package{{Path: "a", Tests: []archtest.File{{Name: file, Imports: imports, Calls: []string{"time.Sleep"}}}}}}
	}
	if got := archtest.CheckSleeps(asleep("a/a_test.go"), archtest.Sleepers); len(got) != 1 {
		t.Errorf("sleeps: %q", got)
	}
	for file := range archtest.Sleepers {
		if got := slices.Concat(archtest.CheckSleeps(asleep("a/a_test.go", "testing/synctest"), nil), archtest.CheckSleeps(asleep(file), archtest.Sleepers)); len(got) > 0 {
			t.Errorf("sleeps: %q", got)
		}
	}
	long := archtest.Tree{Packages: []archtest.Package{{Path: "a", Files: []archtest.File{{Name: "a/a.go", Lines: 450}, {Name: "a/b.go", Lines: 451}}}}}
	if got := archtest.CheckLengths(long, archtest.MaxLines); len(got) != 1 || !strings.Contains(got[0], "a/b.go has 451 lines") {
		t.Errorf("lengths: %q", got)
	}
	if got := archtest.CheckNamed([]string{"example.com/a", "example.com/a/v2"}, "uses `example.com/a/v2`"); len(got) != 1 {
		t.Errorf("names: %q", got)
	}
}

func TestLoadSeesWhatStandsInFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/a.go", "// Package a does.\npackage a\n\nimport environment \"os\"\n\nvar Read = environment.Getenv\n")
	write("a/a_plan9.go", "package a\n\nimport \"testing\"\n\nvar _ testing.TB\n")
	write("a/a_test.go", "package a\n\nimport \"net/http\"\n")
	write("nested/go.mod", "module nested\n")
	write("nested/n.go", "package nested\n")
	write("a/testdata/t.go", "package broken, and not read\n")
	tree, err := archtest.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tree.Folders, []string{"a", "nested"}) || len(tree.Packages) != 1 {
		t.Fatalf("tree is %+v", tree)
	}
	p := tree.Packages[0]
	if p.Path != "a" || p.Name != "a" || p.Doc != "Package a does.\n" || !slices.Equal(p.Imports(), []string{"os", "testing"}) {
		t.Errorf("package is %+v", p)
	}
	if f := p.Files[0]; f.Name != "a/a.go" || f.Lines < 6 || !slices.Equal(f.Calls, []string{"os.Getenv"}) {
		t.Errorf("file is %+v", f)
	}
	if len(p.Tests) != 1 || p.Tests[0].Name != "a/a_test.go" {
		t.Errorf("tests are %+v", p.Tests)
	}
	write("a/bad.go", "package")
	if _, err := archtest.Load(dir); err == nil {
		t.Error("a file that does not parse is no error")
	}
}
