// Package peer starts the servers that other queues need, each on a free port of the loopback interface and in a
// directory of its own.
package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrMissing matches when a program that a peer needs is not on this machine.
var ErrMissing = errors.New("is not installed")

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
)

// Peer is a server that runs.
type Peer struct {
	Address     string // host:port of Redis, a connection string of PostgreSQL
	Certificate string // in PEM, of one with TLS
	Version     string
	PID         int

	command *exec.Cmd
	ended   chan struct{}
	output  *buffer
}

// launch runs the command and waits until ready returns nil.
func launch(ctx context.Context, command *exec.Cmd, ready func(context.Context) error) (*Peer, error) {
	p := &Peer{command: command, ended: make(chan struct{}), output: &buffer{}}
	command.Stdout, command.Stderr = p.output, p.output
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", command.Path, err)
	}
	p.PID = command.Process.Pid
	go func() {
		defer close(p.ended)
		_ = command.Wait() // how it ended is told by who finds it gone
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return p, nil
		}
		select {
		case <-p.ended:
			return nil, fmt.Errorf("%s: ended at once:\n%s", command.Path, p.output)
		case <-ctx.Done():
			p.Stop()
			return nil, fmt.Errorf("%s: not ready within %v: %w:\n%s", command.Path, startTimeout, err, p.output)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server, and waits until it has ended.
func (p *Peer) Stop() {
	_ = p.command.Process.Signal(syscall.SIGINT) // Redis stops; PostgreSQL does without waiting for its clients
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// find looks for a program on the PATH and in further places, which may be patterns.
func find(program string, places ...string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, pattern := range places {
		matches, _ := filepath.Glob(filepath.Join(pattern, program)) // the patterns are constants
		for _, path := range matches {
			if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s %w", program, ErrMissing)
}

// freePort finds one that nobody uses now. Another program may take it before the peer does; then the peer says so.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// version asks the program, and finds the number in its answer.
func version(ctx context.Context, program, name string) string {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return name
	}
	return strings.TrimSpace(name + " " + versionNumber.FindString(string(out)))
}

var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9.]*[0-9]`)

type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
