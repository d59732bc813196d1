package lambda

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// inherited are the variables of the emulator's own environment that a function gets.
var inherited = []string{"PATH", "TMPDIR"}

// environ is the whole environment of a process of f ("Using Lambda environment variables"). AWS_EXECUTION_ENV is not
// there, because Lambda does not define it for OS-only runtimes.
func environ(f *Function, o *Options, version, stream, api string) []string {
	env := map[string]string{
		"LANG": "en_US.UTF-8", "TZ": ":UTC",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "test",
		"AWS_REGION": o.Region, "AWS_DEFAULT_REGION": o.Region,
	}
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			env[name] = v
		}
	}
	maps.Copy(env, o.Env)
	maps.Copy(env, f.Env)
	maps.Copy(env, map[string]string{
		"_HANDLER":                        f.Handler,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      stream,
		"AWS_LAMBDA_RUNTIME_API":          api,
		"LAMBDA_TASK_ROOT":                f.Dir,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
	})
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// logStream is the name of a new log stream: a process has one of its own.
func logStream(now time.Time, version string) string {
	return fmt.Sprintf("%s/[%s]%s", now.UTC().Format("2006/01/02"), version, strings.ReplaceAll(newID(), "-", ""))
}
