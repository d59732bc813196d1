package localstack

import (
	"context"
	_ "embed" // the files environment and versions
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/testcontainers/testcontainers-go"
	module "github.com/testcontainers/testcontainers-go/modules/localstack"
)

//go:embed versions
var versions string

// defaultImage is the last LocalStack that needs no token. docker-compose.yml has it too.
func defaultImage() string {
	return "localstack/localstack:" + assignments(versions)["LOCALSTACK_VERSION"]
}

// startContainer runs LocalStack by testcontainers-go.
func startContainer(ctx context.Context) (*Instance, error) {
	image := os.Getenv("LOCALSTACK_IMAGE")
	if image == "" {
		image = defaultImage()
	}
	c, err := module.Run(ctx, image, testcontainers.WithEnv(environment()))
	stop := func() error {
		// Nothing in it is worth a slow end.
		return testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("image %q: %w", image, err), stop())
	}
	endpoint, err := c.PortEndpoint(ctx, "4566/tcp", "http")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("image %q: %w", image, err), stop())
	}
	return &Instance{Endpoint: endpoint, Container: true, stop: stop}, nil
}

// docker returns why Docker cannot be used.
func docker(ctx context.Context) (err error) {
	defer func() { // testcontainers-go panics where it finds no socket
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return err
	}
	return errors.Join(provider.Health(ctx), provider.Close())
}

//go:embed environment
var settings string

// environment is what LocalStack runs with everywhere, and what this process has to say.
func environment() map[string]string {
	env := assignments(settings)
	for _, name := range []string{"LOCALSTACK_AUTH_TOKEN", "LAMBDA_RUNTIME_EXECUTOR"} {
		if value := os.Getenv(name); value != "" {
			env[name] = value
		}
	}
	return env
}

// assignments are the lines NAME=value of a file that sh can read, without their comments.
func assignments(file string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(file) {
		line, _, _ = strings.Cut(line, "#")
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			found[name] = value
		}
	}
	return found
}
