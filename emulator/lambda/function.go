package lambda

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// Latest is the qualifier, and the version, of a function's unpublished code.
const Latest = "$LATEST"

// The limits of a function ("Lambda quotas").
const (
	defaultMemoryMB = 128
	maxMemoryMB     = 10_240
	defaultTimeout  = 3 * time.Second
	maxTimeout      = 900 * time.Second
	maxEnvBytes     = 4 << 10
	maxAsyncRetries = 2
	minAsyncAge     = 60 * time.Second
	maxAsyncAge     = 6 * time.Hour
)

// Function is a function's configuration.
type Function struct {
	Name string
	// Dir holds the executable file bootstrap, and is its working directory. It is looked at when a process starts: a
	// binary that is built again is used by the next process.
	Dir string
	// Handler is passed on as _HANDLER. Default "bootstrap".
	Handler string
	// Env are the function's variables: at most 4 KB in all, and none of the names that Lambda reserves.
	Env map[string]string
	// Runtime and Architectures are told by the API and change nothing here: Dir holds what runs on this machine. Defaults
	// provided.al2023 and x86_64, Lambda's own.
	Runtime       string
	Architectures []string
	// AllowRecursion is RecursiveLoop: Allow. It too is only told: recursion is not stopped here.
	AllowRecursion bool
	// MemoryMB is 128 to 10,240; default 128.
	MemoryMB int
	// Timeout is at most 900 s; default 3 s. AWS takes whole seconds only; here any duration does.
	Timeout time.Duration
	// Concurrency is the most processes at once; default [Options.Concurrency]. It stands for the account's limit.
	Concurrency int
	// Reserved is ReservedConcurrentExecutions, if set: the most processes at once. 0 stops the function.
	Reserved *int
	// Aliases maps each alias to its version, a number. All versions run the same code, each in processes of its own.
	Aliases map[string]string
	// Async maps a qualifier to the configuration of its asynchronous invocations. "" and "$LATEST" are the unqualified
	// function. As on AWS the one of an alias does not apply to an invocation without it.
	Async map[string]AsyncConfig
}

// AsyncConfig is an EventInvokeConfig (AWS Lambda API Reference, "PutFunctionEventInvokeConfig").
type AsyncConfig struct {
	MaxRetries *int          // MaximumRetryAttempts: 0 to 2; default 2
	MaxAge     time.Duration // MaximumEventAgeInSeconds: 60 s to 6 h; default 6 h
	OnFailure  string        // ARN of the destination; "" for none
}

var (
	namePattern    = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	versionPattern = regexp.MustCompile(`^[0-9]{1,18}$`)
	aliasPattern   = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	envPattern     = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
)

// reservedEnv cannot be set by a function ("Using Lambda environment variables", "Defined runtime environment variables").
var reservedEnv = map[string]bool{
	"_HANDLER": true, "_X_AMZN_TRACE_ID": true, "AWS_DEFAULT_REGION": true, "AWS_REGION": true, "AWS_EXECUTION_ENV": true,
	"AWS_LAMBDA_FUNCTION_NAME": true, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": true, "AWS_LAMBDA_FUNCTION_VERSION": true,
	"AWS_LAMBDA_INITIALIZATION_TYPE": true, "AWS_LAMBDA_LOG_GROUP_NAME": true, "AWS_LAMBDA_LOG_STREAM_NAME": true,
	"AWS_ACCESS_KEY": true, "AWS_ACCESS_KEY_ID": true, "AWS_SECRET_ACCESS_KEY": true, "AWS_SESSION_TOKEN": true,
	"AWS_LAMBDA_RUNTIME_API": true, "LAMBDA_TASK_ROOT": true, "LAMBDA_RUNTIME_DIR": true,
}

// withDefaults returns a filled copy, or every problem, joined.
func (f Function) withDefaults(o *Options) (Function, error) {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !namePattern.MatchString(f.Name) {
		bad("Name %q: must be 1 to 64 of a-z A-Z 0-9 - _", f.Name)
	}
	if f.Dir == "" {
		bad("Dir: is empty: it must hold the executable bootstrap")
	} else if dir, err := filepath.Abs(f.Dir); err != nil {
		bad("Dir %q: %w", f.Dir, err)
	} else {
		f.Dir = dir
	}
	if f.Handler == "" {
		f.Handler = "bootstrap"
	}
	if f.Runtime == "" {
		f.Runtime = "provided.al2023"
	}
	if f.Architectures = slices.Clone(f.Architectures); len(f.Architectures) == 0 {
		f.Architectures = []string{"x86_64"}
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = defaultMemoryMB
	}
	if f.MemoryMB < defaultMemoryMB || f.MemoryMB > maxMemoryMB {
		bad("MemoryMB %d: must be %d to %d", f.MemoryMB, defaultMemoryMB, maxMemoryMB)
	}
	if f.Timeout == 0 {
		f.Timeout = defaultTimeout
	}
	if f.Timeout < 0 || f.Timeout > maxTimeout {
		bad("Timeout %v: must be more than 0 and at most %v", f.Timeout, maxTimeout)
	}
	if f.Concurrency == 0 {
		f.Concurrency = o.Concurrency
	}
	if f.Concurrency < 0 {
		bad("Concurrency %d: must not be negative", f.Concurrency)
	}
	if f.Reserved != nil {
		reserved := *f.Reserved
		if f.Reserved = &reserved; reserved < 0 {
			bad("Reserved %d: must not be negative", reserved)
		}
	}
	f.Env, f.Aliases = maps.Clone(f.Env), maps.Clone(f.Aliases)
	problems = append(problems, f.checkEnv()...)
	for _, alias := range slices.Sorted(maps.Keys(f.Aliases)) {
		if !aliasPattern.MatchString(alias) || versionPattern.MatchString(alias) {
			bad("alias %q: must be 1 to 128 of a-z A-Z 0-9 - _ and not a number", alias)
		}
		if v := f.Aliases[alias]; !versionPattern.MatchString(v) && v != Latest {
			bad("alias %q: version %q must be a number or %s", alias, v, Latest)
		}
	}
	async, asyncProblems := f.checkAsync(o)
	f.Async = async
	if err := errors.Join(append(problems, asyncProblems...)...); err != nil {
		return f, fmt.Errorf("function %q: %w", f.Name, err)
	}
	return f, nil
}

func (f *Function) checkEnv() (problems []error) {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(f.Env)) {
		size += len(name) + len(f.Env[name])
		switch {
		case reservedEnv[name]:
			problems = append(problems, fmt.Errorf("variable %q: is reserved by Lambda", name))
		case !envPattern.MatchString(name):
			problems = append(problems, fmt.Errorf("variable %q: must be a letter and at least one of a-z A-Z 0-9 _", name))
		}
	}
	if size > maxEnvBytes {
		problems = append(problems, fmt.Errorf("variables: are %d bytes, and Lambda allows %d", size, maxEnvBytes))
	}
	return problems
}

// checkAsync returns the filled configurations by qualifier, that of the unqualified function under "$LATEST".
func (f *Function) checkAsync(o *Options) (filled map[string]AsyncConfig, problems []error) {
	filled = make(map[string]AsyncConfig, len(f.Async))
	for _, qualifier := range slices.Sorted(maps.Keys(f.Async)) {
		c := f.Async[qualifier]
		bad := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("asynchronous configuration of %q: %w", qualifier, fmt.Errorf(format, args...)))
		}
		key := qualifier
		if key == "" {
			key = Latest
		}
		if _, twice := filled[key]; twice {
			bad("is given twice: \"\" and %q are the same", Latest)
		}
		if _, err := f.version(key); err != nil {
			bad("%w", err)
		}
		if c.MaxRetries != nil && (*c.MaxRetries < 0 || *c.MaxRetries > maxAsyncRetries) {
			bad("MaxRetries %d: must be 0 to %d", *c.MaxRetries, maxAsyncRetries)
		}
		if c.MaxAge != 0 && (c.MaxAge < minAsyncAge || c.MaxAge > maxAsyncAge) {
			bad("MaxAge %v: must be %v to %v", c.MaxAge, minAsyncAge, maxAsyncAge)
		}
		if c.OnFailure != "" && o.Deliver == nil {
			bad("OnFailure %q: Options.Deliver is nil, so nothing could be sent there", c.OnFailure)
		}
		filled[key] = c.withDefaults()
	}
	return filled, problems
}

func (c AsyncConfig) withDefaults() AsyncConfig {
	retries := maxAsyncRetries
	if c.MaxRetries != nil {
		retries = *c.MaxRetries
	}
	c.MaxRetries = &retries
	if c.MaxAge == 0 {
		c.MaxAge = maxAsyncAge
	}
	return c
}

// version returns the version that a qualifier stands for: an alias, one of the versions that aliases name, or $LATEST.
func (f *Function) version(qualifier string) (string, error) {
	if qualifier == "" || qualifier == Latest {
		return Latest, nil
	}
	if v, ok := f.Aliases[qualifier]; ok {
		return v, nil
	}
	for _, v := range f.Aliases {
		if v == qualifier {
			return v, nil
		}
	}
	return "", fmt.Errorf("qualifier %q is no alias or version of function %q", qualifier, f.Name)
}

// limit is the most processes at once.
func (f *Function) limit() int {
	if f.Reserved != nil {
		return *f.Reserved
	}
	return f.Concurrency
}
