package template

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	aliasName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	digits       = regexp.MustCompile(`^[0-9]+$`)
)

// Runtimes that run an executable named bootstrap, as a Go program is.
var runtimes = []string{"provided.al2023", "provided.al2"}

// skipReason says why a function cannot run on this machine, or "".
func (r *resolver) skipReason(res *resource) string {
	p := reader{r, res.props, res.path() + ".Properties"}
	if kind := p.text("PackageType"); kind == "Image" || p.v.has("ImageUri") {
		return "it is a container image"
	}
	if p.v.has("InlineCode") {
		return "its code is inline"
	}
	runtime := p.text("Runtime")
	switch {
	case runtime == "go1.x":
		return "AWS has retired the runtime go1.x; use provided.al2023"
	case runtime != "" && !slices.Contains(runtimes, runtime):
		return "its runtime is " + runtime
	}
	code := r.code(res)
	switch {
	case code.kind == mapping && code.has("ZipFile"):
		return "its code is inline"
	case code.kind == mapping && code.has("ImageUri"):
		return "it is a container image"
	case code.kind == mapping, strings.HasPrefix(code.text, "s3://"), strings.HasPrefix(code.text, "https://"):
		return "its code is in S3"
	}
	if ext := path.Ext(code.text); ext == ".zip" || ext == ".jar" {
		return "its code is the archive " + code.text
	}
	switch method := r.eval(res.node.get("Metadata"), res.path()+".Metadata").get("BuildMethod"); {
	case method.kind == text && method.text != MethodGo && method.text != MethodMakefile:
		return "its build method is " + method.text
	}
	return ""
}

// code gives where the code of a function is. What AWS alone knows is not a directory of this machine.
func (r *resolver) code(res *resource) *value {
	name := "CodeUri"
	if res.typ == typeFunction {
		name = "Code"
	}
	return r.eval(res.props.get(name), res.path()+".Properties."+name)
}

// readFunction reads a function that can run.
func (r *resolver) readFunction(res *resource, dir string) *Function {
	p := reader{r, res.props, res.path() + ".Properties"}
	switch warned := functionWarned; res.typ {
	case typeServerlessFunction:
		p.check(res.typ, functionUsed, functionIgnored, functionWarned, serverlessUsed, serverlessIgnored, serverlessWarned)
		p.warnMissing(slices.Concat(warned, serverlessWarned))
	default:
		p.check(res.typ, functionUsed, functionIgnored, functionWarned, lambdaUsed, lambdaIgnored, lambdaWarned)
		p.warnMissing(slices.Concat(warned, lambdaWarned))
	}
	fn := &Function{LogicalID: res.id, Line: res.line, Timeout: 3 * time.Second, MemoryMB: 128, Handler: p.text("Handler"), Runtime: p.text("Runtime")}
	name := r.physicalName(res)
	switch {
	case name.kind == unknown:
		r.uncomputable(name, p.key("FunctionName"))
	case !functionName.MatchString(name.text):
		r.fail(p.line("FunctionName"), p.key("FunctionName"), "%.100q is no function name; AWS takes 1 to 64 letters, digits, hyphens and underscores", name.text)
	}
	fn.Name, fn.ARN = name.text, r.fill(functionARN, res, res.line, p.path).text
	if !p.v.has("Runtime") {
		r.fail(p.v.line, p.key("Runtime"), "is missing; a Go function has provided.al2023")
	}
	if n := p.integer("Timeout", 1, 900); n != nil {
		fn.Timeout = time.Duration(*n) * time.Second
	}
	if n := p.integer("MemorySize", 128, 10240); n != nil {
		fn.MemoryMB = *n
	}
	fn.Reserved = p.integer("ReservedConcurrentExecutions", 0, 1_000_000)
	fn.Architectures = p.texts("Architectures")
	for _, a := range fn.Architectures {
		if a != "arm64" && a != "x86_64" {
			r.fail(p.line("Architectures"), p.key("Architectures"), "must be arm64 or x86_64, not %q", a)
		}
	}
	fn.AllowRecursion = p.choice("RecursiveLoop", "Terminate", "Allow") == "Allow"
	fn.Env = p.environment()
	if res.typ == typeServerlessFunction {
		r.readAutoAlias(p, fn)
	}
	r.readCode(res, fn, dir)
	return fn
}

func (p reader) choice(name string, allowed ...string) string {
	s := p.text(name)
	if s != "" && !slices.Contains(allowed, s) {
		p.fail(p.line(name), p.key(name), "must be %s, not %q%s", strings.Join(allowed, " or "), s, suggest(s, allowed))
	}
	return s
}

func (p reader) warnMissing(names []string) {
	for _, name := range names {
		if v := p.v.get(name); v.kind != absent && !(v.kind == list && len(v.items) == 0) {
			p.warn(p.line(name), p.key(name), "%s", missing[name])
		}
	}
}

func (r *resolver) readAutoAlias(p reader, fn *Function) {
	alias := p.text("AutoPublishAlias")
	if alias == "" {
		return
	}
	if !aliasName.MatchString(alias) || digits.MatchString(alias) {
		r.fail(p.line("AutoPublishAlias"), p.key("AutoPublishAlias"), "%.100q is no alias name", alias)
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

func (p reader) environment() map[string]string {
	env := p.sub("Environment")
	env.check("Environment", []string{"Variables"})
	vars := env.sub("Variables")
	out := make(map[string]string, len(vars.v.keys))
	size := 0
	for _, e := range vars.v.keys {
		key := vars.key(e.key)
		switch {
		case slices.Contains(reserved, e.key):
			p.fail(e.line, key, "Lambda reserves this name; choose another")
		case !variableName.MatchString(e.key):
			p.fail(e.line, key, "no name of a variable; Lambda takes two or more letters, digits and underscores, starting with a letter")
		}
		if out[e.key] = vars.text(e.key); strings.ContainsRune(out[e.key], 0) {
			p.fail(e.line, key, "holds a NUL character, which no variable can")
		}
		size += len(e.key) + len(out[e.key])
	}
	if size > maxEnvironment {
		p.fail(env.v.line, vars.path, "the variables are %d bytes; Lambda takes %d", size, maxEnvironment)
	}
	return out
}

// readCode finds the directory of the code and how it is built.
func (r *resolver) readCode(res *resource, fn *Function, dir string) {
	name := "CodeUri"
	if res.typ == typeFunction {
		name = "Code"
	}
	p := reader{r, res.props, res.path() + ".Properties"}
	code := p.text(name)
	if code == "" {
		if v := r.code(res); v.kind == absent || v.kind == text {
			r.fail(p.line(name), p.key(name), "is missing; name the directory of the function's main package")
		}
		return
	}
	if fn.CodeDir = filepath.FromSlash(code); !filepath.IsAbs(fn.CodeDir) {
		fn.CodeDir = filepath.Join(dir, fn.CodeDir)
	}
	r.readBuild(res, fn, dir, p.line(name), p.key(name))
}
