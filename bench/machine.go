package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/offloadhq/offload/bench/internal/report"
)

// describe tells where and when a run begins.
func describe(ctx context.Context, quick bool) *report.Run {
	command := "make bench-compare"
	if quick {
		command += " QUICK=1"
	}
	return &report.Run{
		When: time.Now(), Quick: quick, Command: command, Commit: commit(ctx), Machine: machine(), CPUs: runtime.NumCPU(),
		Versions: versions(), LoadFrom: loadAverage(),
	}
}

// versions are those of Go and of the modules that are compared.
func versions() []string {
	all := []string{"Go " + strings.TrimPrefix(runtime.Version(), "go")}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return all
	}
	for _, m := range info.Deps {
		if name, ok := compared[m.Path]; ok {
			all = append(all, name+" "+strings.TrimPrefix(m.Version, "v"))
		}
	}
	return all
}

var compared = map[string]string{
	"github.com/aws/aws-sdk-go-v2/service/sqs": "AWS SDK for Go v2, service/sqs",
	"github.com/hibiken/asynq":                 "asynq",
	"github.com/riverqueue/river":              "River",
	"modernc.org/sqlite":                       "modernc.org/sqlite",
	"go.etcd.io/bbolt":                         "bbolt",
}

func machine() string {
	parts := []string{fmt.Sprintf("%d CPUs", runtime.NumCPU())}
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		parts = append(parts, model)
	}
	if memory := field("/proc/meminfo", "MemTotal"); memory != "" {
		parts = append(parts, gibibytes(memory)+" of memory")
	}
	return strings.Join(append(parts, runtime.GOOS+"/"+runtime.GOARCH), ", ")
}

// field finds the first "name : value" of a file of /proc; it is empty where there is none.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// gibibytes rounds what /proc/meminfo tells, "24684084 kB".
func gibibytes(text string) string {
	kilo, err := strconv.Atoi(strings.TrimSuffix(text, " kB"))
	if err != nil {
		return text
	}
	return fmt.Sprintf("%.0f GiB", float64(kilo)/(1<<20))
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) >= 3 {
		return strings.Join(fields[:3], " ")
	}
	return "unknown"
}

func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(out))
}
