package template_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/emulator/template"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write makes files below a directory. A name that ends in "bootstrap" is executable.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, "bootstrap") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func program(prints string) map[string]string {
	return map[string]string{
		"go.mod":  "module example.com/fn\n\ngo 1.26\n",
		"main.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"" + prints + "\") }\n",
	}
}

func goFunction(id, dir string) template.Function {
	return template.Function{LogicalID: id, CodeDir: dir, BuildMethod: template.MethodGo}
}

// runs gives what the bootstrap in a directory prints.
func runs(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "bootstrap")).CombinedOutput()
	if err != nil {
		t.Fatalf("bootstrap in %s: %v\n%s", dir, err, out)
	}
	return string(out)
}

func TestBuild_GoProgramRunsOnThisHostWhateverArchitecturesSays(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), t.TempDir()
	write(t, dir, program("v1"))
	fn := goFunction("Work", dir)
	fn.Architectures = []string{"arm64", "x86_64"}
	env := append(os.Environ(), "GOOS=plan9", "GOARCH=arm")
	got, err := template.Build(t.Context(), fn, template.BuildOptions{OutDir: out, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(out, "Work"); got != want {
		t.Errorf("directory = %q, want %q", got, want)
	}
	if s := runs(t, got); s != "v1" {
		t.Errorf("the program printed %q", s)
	}
}

func TestBuild_SecondBuildReplacesTheFirstAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), t.TempDir()
	for _, version := range []string{"v1", "v2"} {
		write(t, dir, program(version))
		got, err := template.Build(t.Context(), goFunction("Work", dir), template.BuildOptions{OutDir: out})
		if err != nil {
			t.Fatal(err)
		}
		if s := runs(t, got); s != version {
			t.Errorf("the program printed %q, want %q", s, version)
		}
	}
	if names := entries(t, out); len(names) != 2 { // the link and what it points to
		t.Errorf("left behind: %v", names)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestBuild_FailureNamesEverythingAndKeepsTheBuildBefore(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), t.TempDir()
	write(t, dir, program("v1"))
	opts := template.BuildOptions{OutDir: out, Log: new(bytes.Buffer)}
	if _, err := template.Build(t.Context(), goFunction("Work", dir), opts); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"main.go": "package main\n\nfunc main() { undefinedName() }\n"})
	_, err := template.Build(t.Context(), goFunction("Work", dir), opts)
	var failure *template.BuildError
	if !errors.As(err, &failure) {
		t.Fatalf("error %v is no *BuildError", err)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Errorf("the error does not wrap the exit of the tool: %v", err)
	}
	for _, want := range []string{`function "Work": build failed`, dir, "go build", "  | ./main.go:3:15: undefined: undefinedName", "mend the code"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if log := opts.Log.(*bytes.Buffer).String(); !strings.Contains(log, "undefinedName") {
		t.Errorf("the log got %q", log)
	}
	if s := runs(t, filepath.Join(out, "Work")); s != "v1" {
		t.Errorf("after the failure the program printed %q, want v1", s)
	}
	if names := entries(t, out); len(names) != 2 {
		t.Errorf("left behind: %v", names)
	}
}

func TestBuild_Makefile(t *testing.T) {
	t.Parallel()
	dir, out, elsewhere := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"Makefile": strings.Join([]string{
		"WHO = makefile",
		"build-Work:",
		"\tprintf '#!/bin/sh\\necho %s %s %s %s %s' $$GOOS $$GOARCH $$CGO_ENABLED $(WHO) \"$$(pwd -P)\" > $(ARTIFACTS_DIR)/bootstrap",
		"\tchmod +x $(ARTIFACTS_DIR)/bootstrap",
		"\techo asset > $(ARTIFACTS_DIR)/asset.txt", "",
	}, "\n")})
	fn := template.Function{LogicalID: "Work", CodeDir: dir, BuildMethod: template.MethodMakefile}
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "CGO_ENABLED=") })
	// An outer make must not reach into this one.
	opts := template.BuildOptions{OutDir: out, Env: append(env, "MAKEFLAGS= -- WHO=outer", "MAKELEVEL=1")}
	for _, working := range []string{"", elsewhere} {
		fn.BuildProperties.WorkingDirectory = working
		got, err := template.Build(t.Context(), fn, opts)
		if err != nil {
			t.Fatal(err)
		}
		where := dir
		if working != "" {
			where = working
		}
		if where, err = filepath.EvalSymlinks(where); err != nil {
			t.Fatal(err)
		}
		want := strings.Join([]string{runtime.GOOS, runtime.GOARCH, "0", "makefile", where}, " ")
		if s := strings.TrimSpace(runs(t, got)); s != want {
			t.Errorf("the makefile saw %q, want %q", s, want)
		}
		if asset, err := os.ReadFile(filepath.Join(got, "asset.txt")); err != nil || string(asset) != "asset\n" {
			t.Errorf("asset = %q, %v", asset, err)
		}
	}
}

func TestBuild_EnvironmentDecidesAboutCgo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"Makefile": "build-Work:\n\tprintf '#!/bin/sh\\necho %s' $$CGO_ENABLED > $(ARTIFACTS_DIR)/bootstrap; chmod +x $(ARTIFACTS_DIR)/bootstrap\n"})
	fn := template.Function{LogicalID: "Work", CodeDir: dir, BuildMethod: template.MethodMakefile}
	got, err := template.Build(t.Context(), fn, template.BuildOptions{OutDir: t.TempDir(), Env: append(os.Environ(), "CGO_ENABLED=1")})
	if err != nil {
		t.Fatal(err)
	}
	if s := strings.TrimSpace(runs(t, got)); s != "1" {
		t.Errorf("CGO_ENABLED = %q, want 1", s)
	}
}

func TestBuild_TrimGoPathKeepsPathsOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, program("v1"))
	for _, trim := range []bool{false, true} {
		fn := goFunction("Work", dir)
		fn.BuildProperties.TrimGoPath = trim
		got, err := template.Build(t.Context(), fn, template.BuildOptions{OutDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		binary, err := os.ReadFile(filepath.Join(got, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(binary, []byte(dir)); has == trim {
			t.Errorf("TrimGoPath %v: the binary names its directory: %v", trim, has)
		}
	}
}

func TestBuild_Prebuilt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"bootstrap": "#!/bin/sh\necho as it is\n"})
	fn := template.Function{LogicalID: "Work", CodeDir: dir, BuildMethod: template.MethodPrebuilt}
	opts := template.BuildOptions{OutDir: t.TempDir()}
	got, err := template.Build(t.Context(), fn, opts)
	if err != nil || got != dir {
		t.Fatalf("Build = %q, %v; want %q", got, err, dir)
	}
	if err := os.Remove(filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	if _, err = template.Build(t.Context(), fn, opts); err == nil || !strings.Contains(err.Error(), `function "Work": build failed: there is no bootstrap in `+dir) {
		t.Errorf("error = %v", err)
	}
}

func TestBuild_Refusals(t *testing.T) {
	t.Parallel()
	empty, made := t.TempDir(), t.TempDir()
	write(t, made, map[string]string{"Makefile": "build-Work:\n\ttrue\nbuild-Plain:\n\techo x > $(ARTIFACTS_DIR)/bootstrap; chmod -x $(ARTIFACTS_DIR)/bootstrap\n"})
	makefile := func(id string) template.Function {
		return template.Function{LogicalID: id, CodeDir: made, BuildMethod: template.MethodMakefile}
	}
	occupied := t.TempDir()
	write(t, occupied, map[string]string{"Good/mine.txt": "x"})
	good := t.TempDir()
	write(t, good, program("v1"))
	cases := map[string]struct {
		fn   template.Function
		out  string
		want []string
	}{
		"no directory":         {goFunction("Work", empty), "", []string{"OutDir: must name a directory"}},
		"no module":            {goFunction("Work", empty), "out", []string{`function "Work": build failed`, "go build", "go.mod"}},
		"unknown method":       {template.Function{LogicalID: "Work", BuildMethod: "esbuild"}, "out", []string{`unknown build method "esbuild"`, "go1.x"}},
		"no target":            {makefile("Other"), "out", []string{"build-Other", "mend the target"}},
		"no bootstrap made":    {makefile("Work"), "out", []string{"there is no bootstrap after the build", "$(ARTIFACTS_DIR)"}},
		"bootstrap not to run": {makefile("Plain"), "out", []string{"bootstrap is not executable"}},
		"place is taken":       {goFunction("Good", good), occupied, []string{"was not made by a build", "remove it"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.out == "out" {
				c.out = t.TempDir()
			}
			dir, err := template.Build(t.Context(), c.fn, template.BuildOptions{OutDir: c.out})
			if err == nil || dir != "" {
				t.Fatalf("Build = %q, %v; want an error", dir, err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(occupied, "Good/mine.txt")); err != nil {
			t.Errorf("a file of the user is gone: %v", err)
		}
	})
}

func TestBuild_WithoutTheToolSaysWhatToInstall(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, program("v1"))
	t.Setenv("PATH", t.TempDir())
	_, err := template.Build(t.Context(), goFunction("Work", dir), template.BuildOptions{OutDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "install Go from https://go.dev/dl") {
		t.Errorf("error = %v", err)
	}
}

func TestBuild_CancelKillsTheToolAndItsChildren(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	started := filepath.Join(dir, "started")
	write(t, dir, map[string]string{"Makefile": "build-Work:\n\tsleep 600 & echo $$! > " + started + "; wait\n"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := template.Build(ctx, template.Function{LogicalID: "Work", CodeDir: dir, BuildMethod: template.MethodMakefile}, template.BuildOptions{OutDir: t.TempDir()})
		failed <- err
	}()
	pid := waitForFile(t, started)
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want one that wraps context.Canceled", err)
	}
	if exec.CommandContext(t.Context(), "kill", "-0", pid).Run() == nil && !isZombie(t, pid) {
		t.Errorf("process %s, a child of make, outlives the build", pid)
	}
}

// isZombie tells whether a process is dead and only waits to be collected by whoever has adopted it.
func isZombie(t *testing.T, pid string) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "stat=", "-p", pid).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

func waitForFile(t *testing.T, name string) string {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		if b, err := os.ReadFile(name); err == nil && bytes.HasSuffix(b, []byte("\n")) {
			return strings.TrimSpace(string(b))
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatalf("%s does not appear", name)
	return ""
}

func TestBuildAll(t *testing.T) {
	t.Parallel()
	one, broken, out := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, one, program("one"))
	write(t, broken, map[string]string{"go.mod": "module example.com/broken\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() { nowhere() }\n"})
	trimmed := goFunction("Trimmed", one)
	trimmed.BuildProperties.TrimGoPath = true
	fns := []template.Function{goFunction("First", one), goFunction("Broken", broken), goFunction("Second", one), trimmed}
	var mu sync.Mutex
	var steps []template.BuildStep
	dirs, err := template.BuildAll(t.Context(), fns, template.BuildOptions{OutDir: out, Progress: func(s template.BuildStep) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, s)
	}})
	if err == nil || !strings.Contains(err.Error(), `function "Broken"`) || strings.Contains(err.Error(), `"First"`) {
		t.Errorf("error = %v, want one about Broken alone", err)
	}
	if len(dirs) != 3 {
		t.Fatalf("dirs = %v, want those of the three good functions", dirs)
	}
	for _, id := range []string{"First", "Second", "Trimmed"} {
		if dirs[id] != filepath.Join(out, id) || runs(t, dirs[id]) != "one" {
			t.Errorf("%s is in %q", id, dirs[id])
		}
	}
	checkSteps(t, steps)
}

func checkSteps(t *testing.T, steps []template.BuildStep) {
	t.Helper()
	ends := make(map[string]template.BuildStep)
	for _, s := range steps {
		if s.Done {
			ends[s.Function] = s
		}
	}
	if len(steps) != 8 || len(ends) != 4 {
		t.Errorf("steps = %+v, want a start and an end for each function", steps)
	}
	if ends["Second"].Shared != "First" || ends["First"].Shared != "" || ends["Trimmed"].Shared != "" {
		t.Errorf("steps = %+v, want Second to share the build of First, and no other", steps)
	}
	if ends["Broken"].Err == nil || ends["First"].Err != nil || ends["First"].Dir == "" {
		t.Errorf("steps = %+v", steps)
	}
}

func TestBuildAll_RunsNoMoreThanParallelAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var fns []template.Function
	makefile := ""
	for _, id := range []string{"A", "B", "C", "D"} {
		// mkdir fails when another build is inside.
		makefile += "build-" + id + ":\n\tmkdir inside\n\tprintf '#!/bin/sh\\n' > $(ARTIFACTS_DIR)/bootstrap\n\tchmod +x $(ARTIFACTS_DIR)/bootstrap\n\trmdir inside\n"
		fns = append(fns, template.Function{LogicalID: id, CodeDir: dir, BuildMethod: template.MethodMakefile})
	}
	write(t, dir, map[string]string{"Makefile": makefile})
	if _, err := template.BuildAll(t.Context(), fns, template.BuildOptions{OutDir: t.TempDir(), Parallel: 1}); err != nil {
		t.Error(err)
	}
}
