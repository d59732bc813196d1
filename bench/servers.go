package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/offloadhq/offload/bench/internal/peer"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// servers are all that the plan names, while they run.
type servers struct {
	plan.Servers
	Versions []string
	stops    []func()
}

// startServers starts what can be started: without its program a peer is down, with the reason. After an error nothing runs.
func startServers(ctx context.Context, program, dir string) (_ *servers, err error) {
	s := &servers{Servers: plan.Servers{
		Up: map[string]queue.Server{
			plan.InProcess: {Name: plan.InProcess},
			plan.Disk:      {Name: plan.Disk, Address: dir},
			plan.Emulator:  {Name: plan.Emulator, Address: filepath.Join("idle", "template.yaml")},
		},
		Down: map[string]string{},
	}}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	for name, roundTrip := range map[string]string{plan.Near: "0s", plan.Far: plan.FarRoundTrip.String()} {
		if err := s.startFake(ctx, program, name, roundTrip); err != nil {
			return nil, err
		}
	}
	for _, p := range []struct {
		name  string
		start func(dir string) (*peer.Peer, error)
	}{
		{plan.RedisEverysec, func(dir string) (*peer.Peer, error) { return peer.Redis(ctx, dir, "everysec") }},
		{plan.RedisTLS, func(dir string) (*peer.Peer, error) { return peer.RedisTLS(ctx, dir, "everysec") }},
		{plan.RedisAlways, func(dir string) (*peer.Peer, error) { return peer.Redis(ctx, dir, "always") }},
		{plan.Postgres, func(dir string) (*peer.Peer, error) { return peer.Postgres(ctx, dir) }},
	} {
		if err := s.startPeer(p.name, dir, p.start); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *servers) startPeer(name, dir string, start func(dir string) (*peer.Peer, error)) error {
	own, err := os.MkdirTemp(dir, "peer-")
	if err != nil {
		return err
	}
	p, err := start(own)
	if errors.Is(err, peer.ErrMissing) {
		s.Down[name] = err.Error()
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.stops = append(s.stops, p.Stop)
	s.Up[name] = queue.Server{Name: name, Address: p.Address, Certificate: p.Certificate, PID: p.PID}
	if !slices.Contains(s.Versions, p.Version) {
		s.Versions = append(s.Versions, p.Version)
	}
	return nil
}

func (s *servers) startFake(ctx context.Context, program, name, roundTrip string) error {
	command := exec.CommandContext(context.WithoutCancel(ctx), program, "serve", roundTrip) // it ends when its input does
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.stops = append(s.stops, func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = command.Wait() // it was told to end
	})
	var where queue.Server
	if err := json.NewDecoder(out).Decode(&where); err != nil {
		return fmt.Errorf("%s: did not say where it is: %w", name, err)
	}
	where.Name = name
	s.Up[name] = where
	return nil
}

// stop ends them in the opposite order.
func (s *servers) stop() {
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
	s.stops = nil
}
