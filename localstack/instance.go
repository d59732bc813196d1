package localstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Region is where everything is.
const Region = "us-east-1"

// Account owns everything.
const Account = "000000000000"

// Instance is a LocalStack that answers. It is safe for concurrent use.
type Instance struct {
	// Endpoint is its URL, without a slash at the end.
	Endpoint string
	// Container says that testcontainers-go has started it. Its functions then run inside that container, and see neither
	// the loopback interface nor the files of the tests.
	Container bool

	stop func() error
}

// Config is what a client of the AWS SDK needs to use i. The SDK sends each request at most three times, as by default.
func (i *Instance) Config(ctx context.Context) (aws.Config, error) {
	return ClientConfig(ctx, i.Endpoint)
}

// errUnavailable says that there is no LocalStack, or something else that is needed, on this machine: a reason to skip.
var errUnavailable = errors.New("not available")

// shared is what the tests of a process have in common.
var shared struct {
	mu       sync.Mutex
	instance *Instance // guarded by mu, as all below
	err      error     // why there is no instance
	project  *Stack
	skipped  []string // a line for each test that was skipped
}

// Require returns the LocalStack of this run. The first call finds or starts it, which can take half a minute, and later
// calls give the same. It skips the test where there is none, or fails it if REQUIRE_LOCALSTACK is 1. A LocalStack that was
// named and does not answer, or a container that does not start, fails the test in any case.
func Require(tb testing.TB) *Instance {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.instance == nil && shared.err == nil {
		shared.instance, shared.err = find(context.WithoutCancel(tb.Context()), docker)
	}
	if shared.err != nil {
		unavailable(tb, shared.err)
	}
	return shared.instance
}

// unavailable ends a test that cannot have what it needs. The caller holds shared.mu.
func unavailable(tb testing.TB, err error) {
	tb.Helper()
	if !errors.Is(err, errUnavailable) || os.Getenv("REQUIRE_LOCALSTACK") == "1" {
		tb.Fatal(err)
	}
	shared.skipped = append(shared.skipped, fmt.Sprintf("%s: %v", tb.Name(), err))
	tb.Skip(err)
}

// find takes docker, which returns why Docker cannot be used.
func find(ctx context.Context, docker func(context.Context) error) (*Instance, error) {
	endpoint := strings.TrimRight(os.Getenv("LOCALSTACK_ENDPOINT"), "/")
	if endpoint == "" {
		if err := docker(ctx); err != nil {
			return nil, fmt.Errorf("LocalStack is %w: LOCALSTACK_ENDPOINT is not set, and Docker does not answer (%w): make localstack-up starts one without Docker", errUnavailable, err)
		}
		return startContainer(ctx)
	}
	if err := healthy(ctx, endpoint); err != nil {
		return nil, fmt.Errorf("LOCALSTACK_ENDPOINT=%s: %w: start it (make localstack-up), or unset the variable to use Docker", endpoint, err)
	}
	return &Instance{Endpoint: endpoint, stop: func() error { return nil }}, nil
}

// healthy asks for the page that only LocalStack has.
func healthy(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_localstack/health", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16)); answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"services"`) {
		return fmt.Errorf("no LocalStack answers there: status %s", answer.Status)
	}
	return nil
}
