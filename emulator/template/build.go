package template

import (
	"context"
	"errors"
	"io"
	"time"
)

// BuildOptions configure [Build] and [BuildAll].
type BuildOptions struct {
	OutDir   string          // required; a function is built into OutDir/LOGICALID
	Log      io.Writer       // what the tools print, if they print anything; default: discarded (a failure carries it anyway)
	Env      []string        // environment of the tools, as os.Environ gives it; default: that of this process
	Parallel int             // most builds at a time in BuildAll; default: the number of CPUs
	Progress func(BuildStep) // told of each step by BuildAll, one call at a time; default: not told
}

// A BuildStep is one step of [BuildAll].
type BuildStep struct {
	Function string        // logical id
	Done     bool          // false: the build starts; true: it has ended
	Dir      string        // where the result is; set when Done and Err is nil
	Took     time.Duration // set when Done
	Err      error         // set when Done and the build failed
}

// Build builds one function for the host and returns the directory that holds its bootstrap.
func Build(ctx context.Context, fn Function, opts BuildOptions) (dir string, err error) {
	return "", errors.ErrUnsupported
}

// BuildAll builds the functions and returns the directory of each by its logical id.
func BuildAll(ctx context.Context, fns []Function, opts BuildOptions) (map[string]string, error) {
	return nil, errors.ErrUnsupported
}
