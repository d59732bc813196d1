package localstack

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// Main runs the tests of a package, then what is given, deletes the stack of [Project], ends the container, prints which
// tests were skipped for want of a LocalStack, and exits. A LocalStack that LOCALSTACK_ENDPOINT names goes on.
func Main(m *testing.M, after ...func() error) {
	status := m.Run()
	var problems []error
	for _, f := range after {
		if err := f(); err != nil {
			problems = append(problems, err)
		}
	}
	for _, err := range append(problems, end(context.Background())...) {
		fmt.Fprintln(os.Stderr, "localstack:", err)
		status = max(status, 1)
	}
	os.Exit(status)
}

func end(ctx context.Context) (problems []error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	for _, line := range shared.skipped {
		fmt.Fprintln(os.Stderr, "SKIPPED", line)
	}
	if shared.project != nil && !shared.project.Instance.Container { // a container takes it along
		if err := shared.project.delete(ctx); err != nil {
			problems = append(problems, err)
		}
	}
	if shared.instance != nil {
		if err := shared.instance.stop(); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}
