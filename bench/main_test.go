package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/bench/internal/crash"
	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/peer"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
	"github.com/offloadhq/offload/bench/internal/report"
)

func TestMissingPeersFailWhereTheyAreRequired(t *testing.T) {
	down := map[string]string{plan.Postgres: "postgres is not installed", plan.RedisAlways: "redis-server is not installed"}
	if err := tellDown(down, false); err != nil {
		t.Error(err)
	}
	err := tellDown(down, true)
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL: postgres is not installed") || !strings.Contains(err.Error(), "redis-server") {
		t.Error(err)
	}
	if err := tellDown(nil, true); err != nil {
		t.Error(err)
	}
}

// TestAPeerWithoutItsProgramIsDown: the rest of a run goes on; any other failure ends it.
func TestAPeerWithoutItsProgramIsDown(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	s := &servers{Servers: plan.Servers{Up: map[string]queue.Server{}, Down: map[string]string{}}}
	start := func(dir string) (*peer.Peer, error) { return peer.Redis(t.Context(), dir, "always") }
	if err := s.startPeer(plan.RedisAlways, t.TempDir(), start); err != nil || s.Down[plan.RedisAlways] != "redis-server is not installed" || len(s.Up) != 0 {
		t.Errorf("%v, down %v, up %v", err, s.Down, s.Up)
	}
	broken := func(string) (*peer.Peer, error) { return nil, errors.New("no room") }
	if err := s.startPeer(plan.Postgres, t.TempDir(), broken); err == nil || !strings.Contains(err.Error(), "PostgreSQL: no room") {
		t.Error(err)
	}
}

// missed is a run in which one gate is missed.
func missed() *report.Run {
	row := func(subject string, cpu int) plan.Row {
		s := measure.Sample{Tasks: 1000, CPU: time.Duration(cpu) * time.Millisecond}
		return plan.Row{Case: plan.Case{Kind: plan.Load, Subject: subject, Server: plan.Far, Goroutines: 64}, Samples: []measure.Sample{s}}
	}
	return &report.Run{Results: &plan.Results{Rows: []plan.Row{row(queue.Confirmed, 25), row(queue.SDK, 100)}}}
}

func TestAMissedGateIsAnError(t *testing.T) {
	run := missed()
	if err := judge(run); err == nil || !strings.Contains(err.Error(), "1/4, want ≤ 1/5") {
		t.Error(err)
	}
	run.Quick = true
	if err := judge(run); err != nil {
		t.Errorf("a quick run has no room for a ratio: %v", err)
	}
	run.Results.Losses = []plan.Losses{{Name: plan.KillConfirmed, Server: plan.Far, Ends: []crash.Loss{{Fired: 10, Lost: 1}}}}
	if err := judge(run); err == nil || !strings.Contains(err.Error(), "Confirmed, SIGKILL") {
		t.Errorf("a quick run is no gate for what was lost: %v", err)
	}
	run.Results.Rows[0].Samples[0].Problem = "refused"
	if err := judge(run); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a case that failed is no error of a quick run: %v", err)
	}
}

func TestPageIsWrittenAgainFromResults(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "benchmarks.md")
	if err := write(missed(), page); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(dir, "again", "benchmarks.md")
	if err := os.Mkdir(filepath.Dir(again), 0o755); err != nil {
		t.Fatal(err)
	}
	err = compare(t.Context(), []string{"-results", filepath.Join(dir, "benchmarks", "results.json"), "-page", again})
	if err == nil || !strings.Contains(err.Error(), "1 targets were missed") {
		t.Error(err)
	}
	second, err := os.ReadFile(again)
	if err != nil || string(first) != string(second) {
		t.Errorf("the pages differ: %v", err)
	}
	for _, plot := range []string{"cpu.svg", "rate.svg", "fire.svg", "start.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "benchmarks", plot)); err != nil {
			t.Error(err)
		}
	}
	if _, err := readRun(page); err == nil {
		t.Error("a page was read as results")
	}
}

func TestFlags(t *testing.T) {
	if _, err := parse([]string{"now"}); err == nil {
		t.Error("an argument was taken")
	}
	if o, err := parse([]string{"-quick", "-require-peers"}); err != nil || !o.quick || !o.requirePeers {
		t.Error(o, err)
	}
}
