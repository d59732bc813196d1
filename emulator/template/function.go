package template

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/offloadhq/offload/internal/cfn"
)

var (
	functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	aliasName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	digits       = regexp.MustCompile(`^[0-9]+$`)
)

// Runtimes that run an executable named bootstrap, as a Go program is.
var runtimes = []string{"provided.al2023", "provided.al2"}

// skipReason says why a function cannot run on this machine, or "".
func (b *builder) skipReason(res *cfn.Resource) string {
	p := b.Properties(res)
	if kind := p.Text("PackageType"); kind == "Image" || p.V.Has("ImageUri") {
		return "it is a container image"
	}
	if p.V.Has("InlineCode") {
		return "its code is inline"
	}
	runtime := p.Text("Runtime")
	switch {
	case runtime == "go1.x":
		return "AWS has retired the runtime go1.x; use provided.al2023"
	case runtime != "" && !slices.Contains(runtimes, runtime):
		return "its runtime is " + runtime
	}
	code := b.code(res)
	switch {
	case code.Kind == cfn.Map && code.Has("ZipFile"):
		return "its code is inline"
	case code.Kind == cfn.Map && code.Has("ImageUri"):
		return "it is a container image"
	case code.Kind == cfn.Map, strings.HasPrefix(code.Text, "s3://"), strings.HasPrefix(code.Text, "https://"):
		return "its code is in S3"
	}
	if ext := path.Ext(code.Text); ext == ".zip" || ext == ".jar" {
		return "its code is the archive " + code.Text
	}
	switch method := b.Eval(res.Node.Get("Metadata"), res.Path()+".Metadata").Get("BuildMethod"); {
	case method.Kind == cfn.Text && method.Text != MethodGo && method.Text != MethodMakefile:
		return "its build method is " + method.Text
	}
	return ""
}

// code gives where the code of a function is. What AWS alone knows is not a directory of this machine.
func (b *builder) code(res *cfn.Resource) *cfn.Value {
	name := "CodeUri"
	if res.Type == cfn.TypeFunction {
		name = "Code"
	}
	return b.Eval(res.Props.Get(name), res.Path()+".Properties."+name)
}

// readFunction reads a function that can run.
func (b *builder) readFunction(res *cfn.Resource, dir string) *Function {
	p := b.Properties(res)
	switch warned := functionWarned; res.Type {
	case cfn.TypeServerlessFunction:
		p.Check(res.Type, functionUsed, functionIgnored, functionWarned, serverlessUsed, serverlessIgnored, serverlessWarned)
		warnMissing(p, slices.Concat(warned, serverlessWarned))
	default:
		p.Check(res.Type, functionUsed, functionIgnored, functionWarned, lambdaUsed, lambdaIgnored, lambdaWarned)
		warnMissing(p, slices.Concat(warned, lambdaWarned))
	}
	fn := &Function{LogicalID: res.ID, Line: res.Line, Timeout: 3 * time.Second, MemoryMB: 128, Handler: p.Text("Handler"), Runtime: p.Text("Runtime")}
	name := b.PhysicalName(res)
	switch {
	case name.Kind == cfn.Unknown:
		b.Uncomputable(name, p.Key("FunctionName"))
	case !functionName.MatchString(name.Text):
		b.Fail(p.Line("FunctionName"), p.Key("FunctionName"), "%.100q is no function name; AWS takes 1 to 64 letters, digits, hyphens and underscores", name.Text)
	}
	fn.Name, fn.ARN = name.Text, b.ARN(res, p.Path).Text
	if !p.V.Has("Runtime") {
		b.Fail(p.V.Line, p.Key("Runtime"), "is missing; a Go function has provided.al2023")
	}
	if n := p.Integer("Timeout", 1, 900); n != nil {
		fn.Timeout = time.Duration(*n) * time.Second
	}
	if n := p.Integer("MemorySize", 128, 10240); n != nil {
		fn.MemoryMB = *n
	}
	fn.Reserved = p.Integer("ReservedConcurrentExecutions", 0, 1_000_000)
	fn.Architectures = p.Texts("Architectures")
	for _, a := range fn.Architectures {
		if a != "arm64" && a != "x86_64" {
			b.Fail(p.Line("Architectures"), p.Key("Architectures"), "must be arm64 or x86_64, not %q", a)
		}
	}
	fn.AllowRecursion = p.Choice("RecursiveLoop", "Terminate", "Allow") == "Allow"
	fn.Env = environment(p)
	if res.Type == cfn.TypeServerlessFunction {
		b.readAutoAlias(p, fn)
	}
	b.readCode(res, fn, dir)
	return fn
}

func warnMissing(p cfn.Reader, names []string) {
	for _, name := range names {
		if v := p.V.Get(name); v.Kind != cfn.Absent && !(v.Kind == cfn.List && len(v.Items) == 0) {
			p.Warn(p.Line(name), p.Key(name), "%s", missing[name])
		}
	}
}

func (b *builder) readAutoAlias(p cfn.Reader, fn *Function) {
	alias := p.Text("AutoPublishAlias")
	if alias == "" {
		return
	}
	if !aliasName.MatchString(alias) || digits.MatchString(alias) {
		b.Fail(p.Line("AutoPublishAlias"), p.Key("AutoPublishAlias"), "%.100q is no alias name", alias)
		return
	}
	fn.Alias, fn.Aliases = alias, []string{alias}
}

// reserved are the variables that Lambda sets itself and lets nobody set.
// Source: Lambda Developer Guide, "Defined runtime environment variables".
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

var variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]+$`)

const maxEnvironment = 4096 // bytes; Lambda Developer Guide, "Lambda quotas"

func environment(p cfn.Reader) map[string]string {
	env := p.Sub("Environment")
	env.Check("Environment", []string{"Variables"})
	vars := env.Sub("Variables")
	out := make(map[string]string, len(vars.V.Keys))
	size := 0
	for _, e := range vars.V.Keys {
		key := vars.Key(e.Key)
		switch {
		case slices.Contains(reserved, e.Key):
			p.Fail(e.Line, key, "Lambda reserves this name; choose another")
		case !variableName.MatchString(e.Key):
			p.Fail(e.Line, key, "no name of a variable; Lambda takes two or more letters, digits and underscores, starting with a letter")
		}
		if out[e.Key] = vars.Text(e.Key); strings.ContainsRune(out[e.Key], 0) {
			p.Fail(e.Line, key, "holds a NUL character, which no variable can")
		}
		size += len(e.Key) + len(out[e.Key])
	}
	if size > maxEnvironment {
		p.Fail(env.V.Line, vars.Path, "the variables are %d bytes; Lambda takes %d", size, maxEnvironment)
	}
	return out
}

// readCode finds the directory of the code and how it is built.
func (b *builder) readCode(res *cfn.Resource, fn *Function, dir string) {
	name := "CodeUri"
	if res.Type == cfn.TypeFunction {
		name = "Code"
	}
	p := b.Properties(res)
	code := p.Text(name)
	if code == "" {
		if v := b.code(res); v.Kind == cfn.Absent || v.Kind == cfn.Text {
			b.Fail(p.Line(name), p.Key(name), "is missing; name the directory of the function's main package")
		}
		return
	}
	if fn.CodeDir = filepath.FromSlash(code); !filepath.IsAbs(fn.CodeDir) {
		fn.CodeDir = filepath.Join(dir, fn.CodeDir)
	}
	b.readBuild(res, fn, dir, p.Line(name), p.Key(name))
}
