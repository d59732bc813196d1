package template

import (
	"errors"
	"go/build"
	"os"
	"path/filepath"

	"github.com/offloadhq/offload/internal/cfn"
)

// readBuild decides how a function is built, from its Metadata and from what is in its directory.
// Sources: SAM Developer Guide, "Building Lambda functions with custom runtimes" and "Building Go Lambda functions".
func (b *builder) readBuild(res *cfn.Resource, fn *Function, dir string, line int, key string) {
	info, err := os.Stat(fn.CodeDir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		b.Fail(line, key, "directory %s does not exist; paths start at the directory of the template", fn.CodeDir)
		return
	case err != nil:
		b.Fail(line, key, "%v", err)
		return
	case !info.IsDir():
		b.Fail(line, key, "%s is a file; name the directory of the function's main package", fn.CodeDir)
		return
	}
	metadata := b.Resolver.Reader(b.Eval(res.Node.Get("Metadata"), res.Path()+".Metadata"), res.Path()+".Metadata")
	if metadata.V.Kind != cfn.Map {
		metadata.V = cfn.Nothing
	}
	props := metadata.Sub("BuildProperties")
	fn.BuildProperties.TrimGoPath = props.Boolean("TrimGoPath", false)
	working := metadata.Text("WorkingDirectory")
	if working == "" {
		working = props.Text("WorkingDirectory")
	}
	if working != "" {
		if working = filepath.FromSlash(working); !filepath.IsAbs(working) {
			working = filepath.Join(dir, working)
		}
		fn.BuildProperties.WorkingDirectory = working
	}
	fn.BuildMethod = metadata.Text("BuildMethod")
	skip := metadata.Boolean("SkipBuild", false)
	switch {
	case fn.BuildMethod == MethodMakefile && !skip && !isFile(filepath.Join(fn.CodeDir, "Makefile")):
		b.Fail(metadata.Line("BuildMethod"), metadata.Key("BuildMethod"), "makefile: there is no Makefile in %s", fn.CodeDir)
	case skip || fn.BuildMethod == "":
		b.guessBuild(fn, skip, line, key)
	}
}

// guessBuild is for a function that names no build method.
func (b *builder) guessBuild(fn *Function, skip bool, line int, key string) {
	switch {
	case isExecutable(filepath.Join(fn.CodeDir, "bootstrap")):
		fn.BuildMethod = MethodPrebuilt
	case skip:
		b.Fail(line, key, "%s holds no executable bootstrap, and SkipBuild says that it is built already", fn.CodeDir)
	case isFile(filepath.Join(fn.CodeDir, "Makefile")):
		fn.BuildMethod = MethodMakefile
	case isGoMain(fn.CodeDir):
		fn.BuildMethod = MethodGo
		b.Warn(line, key, "no BuildMethod: built as a Go program here, but \"sam build\" would look for a Makefile; add \"Metadata: {BuildMethod: go1.x}\" to %s", fn.LogicalID)
	default:
		b.Fail(line, key, "%s holds no executable bootstrap, no Makefile and no Go main package; build the function first, or set Metadata.BuildMethod", fn.CodeDir)
	}
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func isExecutable(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func isGoMain(dir string) bool {
	pkg, err := build.ImportDir(dir, 0)
	return err == nil && pkg.IsCommand()
}
