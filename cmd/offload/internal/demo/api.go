package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// buildAPI builds the web host into the absolute directory tmp. The compiler's own files are there too, so that nothing
// is left of one that is stopped.
func buildAPI(ctx context.Context, checkout, tmp string) (binary string, err error) {
	binary = filepath.Join(tmp, "api")
	var out bytes.Buffer
	p, err := cli.Start([]string{"go", "build", "-C", checkout, "-o", binary, "./examples/api"},
		cli.Environ(map[string]string{"GOTMPDIR": tmp}), &out, &out)
	if err != nil {
		return "", fmt.Errorf("examples/api: build: %w", err)
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), cli.StopWithin(ctx, stopTimeout, p.Stop))
	}
	if err := p.Err(); err != nil {
		return "", fmt.Errorf("examples/api: build: %w\n%s", err, out.Bytes())
	}
	return binary, nil
}

// startAPI starts the web host at the address ADDR of env and waits until it says where it listens.
func startAPI(ctx context.Context, binary string, env map[string]string) (*api, error) {
	said := &announcement{url: make(chan string, 1)}
	p, err := cli.Start([]string{binary}, cli.Environ(env), said, said)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case url := <-said.url:
		return &api{p, url}, nil
	case <-p.Done():
		return nil, fmt.Errorf("examples/api: ended at once, with status %d:\n%s", cli.ExitCode(p.Err()), said)
	case <-bounded.Done():
		err := errors.Join(ctx.Err(), cli.StopWithin(ctx, stopTimeout, p.Stop))
		if ctx.Err() == nil {
			err = errors.Join(fmt.Errorf("examples/api: does not say within %v where it listens:\n%s", startTimeout, said), err)
		}
		return nil, err
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
