package template

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// A BuildStep is one step of [BuildAll].
type BuildStep struct {
	Function string        // logical id
	Done     bool          // false: the build starts; true: it has ended
	Dir      string        // where the result is; set when Done and Err is nil
	Shared   string        // logical id of the function whose build this one is a copy of; "" when it was built itself
	Took     time.Duration // set when Done
	Err      error         // set when Done and the build failed
}

// BuildAll builds functions as [Build] does, several at a time, and returns the directory of each by its logical id. Functions
// that a Go build makes from one directory in one way are built once. One failure does not stop the others: the error
// joins them all, and the map holds what succeeded. BuildAll returns when every build has ended.
func BuildAll(ctx context.Context, fns []Function, opts BuildOptions) (map[string]string, error) {
	o, err := opts.checked()
	if err != nil {
		return nil, err
	}
	if o.Parallel < 1 {
		o.Parallel = runtime.NumCPU()
	}
	run := &buildRun{o: o, dirs: make(map[string]string)}
	run.o.Log = &lockedWriter{w: o.Log}
	groups := groupBuilds(fns)
	run.errs = make([]error, len(groups))
	slots := make(chan struct{}, o.Parallel)
	var wg sync.WaitGroup
	for i, group := range groups {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			run.errs[i] = run.group(ctx, group)
		})
	}
	wg.Wait()
	return run.dirs, errors.Join(run.errs...)
}

// groupBuilds puts together the functions that one build serves, in the order of their first one.
func groupBuilds(fns []Function) [][]Function {
	type key struct {
		dir   string
		props BuildProperties
	}
	at := make(map[key]int)
	var groups [][]Function
	for _, fn := range fns {
		k := key{fn.CodeDir, fn.BuildProperties}
		// A makefile has a target for each function.
		if i, ok := at[k]; ok && fn.BuildMethod == MethodGo {
			groups[i] = append(groups[i], fn)
			continue
		}
		if fn.BuildMethod == MethodGo {
			at[k] = len(groups)
		}
		groups = append(groups, []Function{fn})
	}
	return groups
}

type buildRun struct {
	o    BuildOptions
	errs []error // one a group; each goroutine writes its own

	mu   sync.Mutex // guards dirs and the calls of Progress
	dirs map[string]string
}

func (r *buildRun) group(ctx context.Context, group []Function) error {
	first := group[0]
	dir, err := r.timed(first, "", func() (string, error) { return Build(ctx, first, r.o) })
	if err != nil {
		return err
	}
	var errs []error
	for _, fn := range group[1:] {
		_, err := r.timed(fn, first.LogicalID, func() (string, error) { return share(r.o.OutDir, fn.LogicalID, dir) })
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *buildRun) timed(fn Function, shared string, build func() (string, error)) (string, error) {
	r.tell(BuildStep{Function: fn.LogicalID, Shared: shared})
	start := time.Now()
	dir, err := build()
	r.tell(BuildStep{Function: fn.LogicalID, Shared: shared, Done: true, Dir: dir, Took: time.Since(start), Err: err})
	return dir, err
}

func (r *buildRun) tell(step BuildStep) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if step.Done && step.Err == nil {
		r.dirs[step.Function] = step.Dir
	}
	if r.o.Progress != nil {
		r.o.Progress(step)
	}
}

// share gives a function the bootstrap that was built for another one.
func share(outDir, id, from string) (string, error) {
	fail := func(err error) (string, error) {
		return "", &BuildError{Function: id, Err: err, Hint: "make room, or choose another directory for the builds"}
	}
	staged, err := os.MkdirTemp(outDir, ".build-"+id+"-")
	if err != nil {
		return fail(err)
	}
	if err := errors.Join(os.Chmod(staged, 0o755), linkOrCopy(filepath.Join(from, "bootstrap"), filepath.Join(staged, "bootstrap"))); err != nil {
		return fail(errors.Join(err, os.RemoveAll(staged)))
	}
	dir, err := publish(outDir, id, staged)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(staged))
	}
	return dir, nil
}

// linkOrCopy links the file, because a Go binary is large, and copies it where links do not work.
func linkOrCopy(from, to string) (err error) {
	if os.Link(from, to) == nil {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // it was only read
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = io.Copy(dst, src)
	return err
}

// A lockedWriter lets several builds write to one log.
type lockedWriter struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
