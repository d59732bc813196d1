package template

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// BuildOptions configure [Build] and [BuildAll].
type BuildOptions struct {
	OutDir   string          // required; a function is built into OutDir/LOGICALID
	Log      io.Writer       // what the tools print, also when they succeed; default: discarded (a failure carries it anyway)
	Env      []string        // environment of the tools, as os.Environ gives it; default: that of this process
	Parallel int             // most builds at a time in BuildAll; default: the number of CPUs
	Progress func(BuildStep) // told of each step by BuildAll, one call at a time; default: not told
}

func (o BuildOptions) checked() (BuildOptions, error) {
	if o.OutDir == "" {
		return o, errors.New("build: BuildOptions.OutDir: must name a directory")
	}
	abs, err := filepath.Abs(o.OutDir)
	if err != nil {
		return o, fmt.Errorf("build: BuildOptions.OutDir %q: %w", o.OutDir, err)
	}
	o.OutDir = abs
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o, nil
}

// A BuildError says that a function could not be built.
type BuildError struct {
	Function string // logical id
	Dir      string // where the command ran
	Command  string // as one would type it
	Output   string // what the command printed, cut at 64 KiB
	Hint     string // what to do next
	Err      error
}

// Error gives everything that one needs to mend the build.
func (e *BuildError) Error() string {
	s := fmt.Sprintf("function %q: build failed: %v", e.Function, e.Err)
	if e.Command != "" {
		s += fmt.Sprintf("\n  in %s: %s", e.Dir, e.Command)
	}
	for line := range strings.Lines(e.Output) {
		s += "\n  | " + strings.TrimRight(line, "\r\n")
	}
	return s + "\n  " + e.Hint
}

// Unwrap gives the cause: an *exec.ExitError when the command ran and failed.
func (e *BuildError) Unwrap() error { return e.Err }

// Build builds one function for the machine it runs on, whatever Architectures says, and returns the absolute directory
// that holds its bootstrap. That directory is OutDir/LOGICALID (for MethodPrebuilt it is the function's own CodeDir). It is a
// link that is replaced in one step when the build succeeds; a failed build leaves the result of the one before.
//
// The method go1.x runs "go build" in CodeDir, makefile runs "make build-LOGICALID" with ARTIFACTS_DIR set; both see
// GOOS and GOARCH of the host, and CGO_ENABLED=0 unless the environment sets it. Unlike SAM, make runs on the
// source itself and not on a copy of it.
//
// Build blocks until the tool has ended; when ctx ends, the tool and its children are killed. The error wraps a [*BuildError]
// unless the options are at fault or ctx has ended. Builds of different functions may run concurrently.
// Sources: SAM Developer Guide, "Building Go Lambda functions" and "Building Lambda functions with custom runtimes".
func Build(ctx context.Context, fn Function, opts BuildOptions) (dir string, err error) {
	o, err := opts.checked()
	if err != nil {
		return "", err
	}
	if fn.BuildMethod == MethodPrebuilt {
		return fn.CodeDir, checkBootstrap(fn, fn.CodeDir, "", "build the function again, or set Metadata.BuildMethod")
	}
	return o.buildInto(ctx, fn)
}

func (o BuildOptions) buildInto(ctx context.Context, fn Function) (string, error) {
	if err := os.MkdirAll(o.OutDir, 0o755); err != nil {
		return "", &BuildError{Function: fn.LogicalID, Err: err, Hint: "choose another directory for the builds"}
	}
	staged, err := os.MkdirTemp(o.OutDir, ".build-"+fn.LogicalID+"-")
	if err != nil {
		return "", &BuildError{Function: fn.LogicalID, Err: err, Hint: "make room, or choose another directory for the builds"}
	}
	dir, err := o.stage(ctx, fn, staged)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(staged))
	}
	return dir, nil
}

func (o BuildOptions) stage(ctx context.Context, fn Function, staged string) (string, error) {
	if err := os.Chmod(staged, 0o755); err != nil {
		return "", &BuildError{Function: fn.LogicalID, Err: err, Hint: "choose another directory for the builds"}
	}
	command, err := o.command(fn, staged)
	if err != nil {
		return "", err
	}
	if err := o.run(ctx, fn, command); err != nil {
		return "", err
	}
	hint := "the makefile's target build-" + fn.LogicalID + " must put an executable named bootstrap into $(ARTIFACTS_DIR)"
	if fn.BuildMethod == MethodGo {
		hint = "the directory must hold a Go main package"
	}
	if err := checkBootstrap(fn, staged, command.text, hint); err != nil {
		return "", err
	}
	return publish(o.OutDir, fn.LogicalID, staged)
}

func checkBootstrap(fn Function, dir, command, hint string) error {
	name := filepath.Join(dir, "bootstrap")
	if isExecutable(name) {
		return nil
	}
	what := errors.New("there is no bootstrap after the build")
	switch {
	case isFile(name):
		what = errors.New("bootstrap is not executable")
	case fn.BuildMethod == MethodPrebuilt:
		what = fmt.Errorf("there is no bootstrap in %s", dir)
	}
	return &BuildError{Function: fn.LogicalID, Dir: fn.CodeDir, Command: command, Err: what, Hint: hint}
}

// publish makes OutDir/LOGICALID a link to a finished build, in one step, and removes the build before it. A process that runs
// the old program goes on running it.
func publish(outDir, id, staged string) (string, error) {
	fail := func(err error, hint string) (string, error) {
		return "", &BuildError{Function: id, Err: err, Hint: hint}
	}
	final := filepath.Join(outDir, id)
	before, err := os.Readlink(final)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fail(fmt.Errorf("%s was not made by a build: %w", final, err), "remove it, or choose another directory for the builds")
	}
	link := staged + ".link"
	if err := os.Symlink(filepath.Base(staged), link); err != nil {
		return fail(err, "choose another directory for the builds")
	}
	if err := os.Rename(link, final); err != nil {
		return fail(errors.Join(err, os.Remove(link)), "choose another directory for the builds")
	}
	sweep(outDir, ".build-"+id+"-", before, filepath.Base(staged))
	return final, nil
}

// sweep removes the build that was replaced, and what builds that were killed have left a day ago or earlier. An old build that stays
// does no harm.
func sweep(outDir, prefix, replaced, current string) {
	entries, err := os.ReadDir(outDir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || e.Name() == current {
			continue
		}
		info, err := e.Info()
		if e.Name() == replaced || err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(filepath.Join(outDir, e.Name()))
		}
	}
}
