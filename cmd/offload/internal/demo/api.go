package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/offloadhq/offload/internal/cli"
)

// api is the example web host, running.
type api struct {
	process *cli.Process
	url     string
}

func buildAPI(ctx context.Context, checkout, tmp string) (binary string, err error) {
	binary = filepath.Join(tmp, "api")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./examples/api")
	cmd.Dir = checkout
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("examples/api: build: %w\n%s", err, out)
	}
	return binary, nil
}

// startAPI starts the web host on a free port and waits until it says where it listens.
func startAPI(ctx context.Context, binary string, env map[string]string) (*api, error) {
	env = maps.Clone(env)
	env["ADDR"] = "127.0.0.1:0"
	said := &announcement{url: make(chan string, 1)}
	p, err := cli.Start([]string{binary}, cli.Environ(env), said, said)
	if err != nil {
		return nil, err
	}
	select {
	case url := <-said.url:
		return &api{p, url}, nil
	case <-p.Done():
		return nil, fmt.Errorf("examples/api: ended at once: %w\n%s", p.Err(), said)
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), stopWithin(ctx, p.Stop))
	}
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// announcement keeps what a web host says until the first URL in it.
type announcement struct {
	url chan string // gets the URL

	mu   sync.Mutex
	said bytes.Buffer // guarded by mu: everything up to the line with the URL
	over bool         // guarded by mu
}

func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return len(p), nil
	}
	a.said.Write(p)
	if url := listening.Find(a.said.Bytes()); url != nil && bytes.HasSuffix(p, []byte("\n")) {
		a.over = true
		a.url <- string(url)
	}
	return len(p), nil
}

func (a *announcement) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.said.String()
}
