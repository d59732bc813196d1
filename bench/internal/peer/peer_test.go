package peer

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMissingProgramsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := find("redis-server", t.TempDir())
	if !errors.Is(err, ErrMissing) || err.Error() != "redis-server is not installed" {
		t.Error(err)
	}
	if _, err := RedisTLS(t.Context(), t.TempDir(), "always"); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if _, err := Redis(t.Context(), t.TempDir(), "always"); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

func TestLaunchTellsWhatAServerSaid(t *testing.T) {
	_, err := launch(t.Context(), exec.Command("sh", "-c", "echo no room; exit 3"), func(context.Context) error { return errors.New("not yet") })
	if err == nil || !strings.Contains(err.Error(), "no room") {
		t.Error(err)
	}
}

func TestLaunchAndStop(t *testing.T) {
	p, err := launch(t.Context(), exec.Command("sleep", "600"), func(context.Context) error { return nil })
	if err != nil || p.PID == 0 {
		t.Fatal(p, err)
	}
	p.Stop()
	select {
	case <-p.ended:
	default:
		t.Error("it has not ended")
	}
}

func TestVersion(t *testing.T) {
	program := filepath.Join(t.TempDir(), "server")
	for text, want := range map[string]string{
		"Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64": "It 7.0.15",
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)":               "It 15.18",
		"none": "It",
	} {
		if err := os.WriteFile(program, []byte("#!/bin/sh\necho '"+text+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got := version(t.Context(), program, "It"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
