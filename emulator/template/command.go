package template

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A toolCommand is what one build runs.
type toolCommand struct {
	dir  string
	args []string
	env  []string // added to the environment
	text string   // for people
}

// command decides what to run for a function.
func (o BuildOptions) command(fn Function, staged string) (toolCommand, error) {
	switch fn.BuildMethod {
	case MethodGo:
		// Without -buildvcs=false the build needs git, and a work tree that git trusts.
		args := []string{"go", "build", "-buildvcs=false"}
		if fn.BuildProperties.TrimGoPath {
			args = append(args, "-trimpath")
		}
		args = append(args, "-o", filepath.Join(staged, "bootstrap"), ".")
		return toolCommand{dir: fn.CodeDir, args: args, text: strings.Join(args, " ")}, nil
	case MethodMakefile:
		dir := fn.CodeDir
		if fn.BuildProperties.WorkingDirectory != "" {
			dir = fn.BuildProperties.WorkingDirectory
		}
		args := []string{"make", "--makefile", filepath.Join(fn.CodeDir, "Makefile"), "build-" + fn.LogicalID}
		env := []string{"ARTIFACTS_DIR=" + staged}
		return toolCommand{dir: dir, args: args, env: env, text: "ARTIFACTS_DIR=" + staged + " " + strings.Join(args, " ")}, nil
	}
	return toolCommand{}, &BuildError{
		Function: fn.LogicalID, Dir: fn.CodeDir, Err: fmt.Errorf("unknown build method %q", fn.BuildMethod),
		Hint: "use " + MethodGo + " or " + MethodMakefile + " as Metadata.BuildMethod",
	}
}

// A build that was cancelled has this long to end, and to close its output, once it was killed.
const killDelay = 5 * time.Second

// outputLimit bounds what a BuildError keeps of a tool's output.
const outputLimit = 64 << 10

func (o BuildOptions) run(ctx context.Context, fn Function, c toolCommand) error {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = c.dir, o.Env, killDelay
	if cmd.Env == nil {
		cmd.Env = cmd.Environ()
	}
	cmd.Env = slices.DeleteFunc(slices.Clone(cmd.Env), ofOuterMake)
	cmd.Env = append(cmd.Env, "PWD="+c.dir, "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	if !slices.ContainsFunc(cmd.Env, func(s string) bool { return strings.HasPrefix(s, "CGO_ENABLED=") }) {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	cmd.Env = append(cmd.Env, c.env...)
	killGroup(cmd)
	output := &head{log: o.Log}
	cmd.Stdout = output
	cmd.Stderr = output // the same writer: os/exec then copies both in one goroutine
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		awaitGroup(cmd)
		return fmt.Errorf("function %q: build stopped: %w", fn.LogicalID, context.Cause(ctx))
	}
	hint := "mend the code and build again"
	switch {
	case errors.Is(err, exec.ErrNotFound) && c.args[0] == "go":
		hint = "install Go from https://go.dev/dl and put it on the PATH"
	case errors.Is(err, exec.ErrNotFound):
		hint = "install make and put it on the PATH"
	case fn.BuildMethod == MethodMakefile:
		hint = "mend the target build-" + fn.LogicalID + " of the Makefile, or what it runs, and build again"
	}
	return &BuildError{Function: fn.LogicalID, Dir: c.dir, Command: c.text, Output: output.String(), Hint: hint, Err: err}
}

// ofOuterMake finds the variables with which a make that runs this process would reach into the one that is started here.
func ofOuterMake(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS"}, name)
}

// head passes on what is written to it, and keeps the first outputLimit bytes: a compiler's first error is the one that counts.
// It is for one goroutine.
type head struct {
	log io.Writer
	buf []byte
	cut bool
}

func (h *head) Write(p []byte) (int, error) {
	_, _ = h.log.Write(p) // a log that cannot be written must not fail the build
	n := min(len(p), outputLimit-len(h.buf))
	h.buf = append(h.buf, p[:n]...)
	h.cut = h.cut || n < len(p)
	return len(p), nil
}

func (h *head) String() string {
	if h.cut {
		return string(h.buf) + "\n(more output is left out)"
	}
	return string(h.buf)
}
