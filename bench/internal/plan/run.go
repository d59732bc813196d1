package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/offloadhq/offload/bench/internal/crash"
	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/queue"
	"github.com/offloadhq/offload/client"
)

// String names the case in progress and in problems.
func (c Case) String() string {
	if c.Kind == Load {
		return fmt.Sprintf("%s, %s, %d goroutines", c.Subject, c.Server, c.Goroutines)
	}
	return fmt.Sprintf("%s, %s", c.Subject, c.Kind)
}

// Servers are those that run, and why others do not, by their names.
type Servers struct {
	Up   map[string]queue.Server
	Down map[string]string
}

// Runner runs plans.
type Runner struct {
	Program  string // this one: "PROGRAM child ORDER" runs an order, "PROGRAM fire PLAN" a crash.Plan
	Servers  Servers
	Scale    Scale
	Dir      string    // for files of its own
	Progress io.Writer // a line a case
}

// caseTimeout ends a case that hangs.
const caseTimeout = 2 * time.Minute

// Run measures everything. A case that fails is a problem of its sample, and the rest goes on; the error is that of ctx.
func (r *Runner) Run(ctx context.Context) (*Results, error) {
	results := &Results{}
	for _, c := range Cases(r.Scale) {
		results.Rows = append(results.Rows, Row{Case: c, NotRun: r.Servers.Down[c.Server]})
	}
	for round := range r.Scale.Rounds {
		for i := range results.Rows {
			row := &results.Rows[i]
			if row.NotRun != "" {
				continue
			}
			sample := r.sample(ctx, row.Case)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			row.Samples = append(row.Samples, sample)
			r.tell(round, row.Case, sample)
		}
	}
	results.Losses = r.losses(ctx)
	return results, ctx.Err()
}

func (r *Runner) tell(round int, c Case, s measure.Sample) {
	switch {
	case s.Problem != "":
		fmt.Fprintf(r.Progress, "%d  %-64s FAILED %d times: %s\n", round+1, c, s.Failures, s.Problem)
	case c.Kind == Idle:
		fmt.Fprintf(r.Progress, "%d  %-64s p50 %v\n", round+1, c, s.P50)
	default:
		fmt.Fprintf(r.Progress, "%d  %-64s %8.0f/s  %7.1f µs CPU  p50 %v\n", round+1, c, s.Rate(), s.CPUPerTask(), s.P50)
	}
}

func (r *Runner) sample(ctx context.Context, c Case) measure.Sample {
	ctx, cancel := context.WithTimeout(ctx, caseTimeout)
	defer cancel()
	order, err := json.Marshal(Order{Case: c, Server: r.Servers.Up[c.Server], Window: r.Scale.Window, WarmUp: r.Scale.WarmUp})
	if err != nil {
		return failed(err)
	}
	command := exec.CommandContext(ctx, r.Program, "child", string(order))
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return failed(fmt.Errorf("its process: %w", err))
	}
	var s measure.Sample
	if err := json.Unmarshal(out, &s); err != nil {
		return failed(fmt.Errorf("its process answered %q: %w", out, err))
	}
	return s
}

func failed(err error) measure.Sample { return measure.Sample{Failures: 1, Problem: err.Error()} }

// The names of the losses.
const (
	KillBuffered  = "Buffered, SIGKILL"
	KillFull      = "Buffered, full at 50, SIGKILL"
	KillConfirmed = "Confirmed, SIGKILL"
	DrainBuffered = "Buffered, SIGTERM"
)

func (r *Runner) losses(ctx context.Context) []Losses {
	var all []Losses
	for _, l := range []struct {
		name, server string
		roundTrip    time.Duration
		times        int
		end          func(*crash.Killer) (crash.Loss, error)
	}{
		{KillBuffered, Near, 0, r.Scale.Kills, func(k *crash.Killer) (crash.Loss, error) { return k.Kill(ctx, client.Buffered) }},
		{KillBuffered, Far, FarRoundTrip, r.Scale.Kills, func(k *crash.Killer) (crash.Loss, error) { return k.Kill(ctx, client.Buffered) }},
		{KillFull, Near, 0, r.Scale.Kills, func(k *crash.Killer) (crash.Loss, error) { return k.KillFull(ctx) }},
		{KillConfirmed, Far, FarRoundTrip, r.Scale.Kills, func(k *crash.Killer) (crash.Loss, error) { return k.Kill(ctx, client.Confirmed) }},
		{DrainBuffered, Far, FarRoundTrip, r.Scale.Drains, func(k *crash.Killer) (crash.Loss, error) { return k.Drain(ctx) }},
	} {
		killer := &crash.Killer{Child: r.fire, Server: r.Servers.Up[l.server], RoundTrip: l.roundTrip, Dir: r.Dir}
		losses := Losses{Name: l.name, Server: l.server}
		for range l.times {
			if ctx.Err() != nil {
				return all
			}
			loss, err := l.end(killer)
			if err != nil {
				losses.Problems = append(losses.Problems, err.Error())
				continue
			}
			losses.Ends = append(losses.Ends, loss)
		}
		fmt.Fprintf(r.Progress, "   %s, %s: %v lost %s\n", l.name, l.server, losses.Lost(), strings.Join(losses.Problems, "; "))
		all = append(all, losses)
	}
	return all
}

// fire starts a process that will be killed.
func (r *Runner) fire(ctx context.Context, p crash.Plan) (*os.Process, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), r.Program, "fire", string(text)) // it ends by a signal of the Killer
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("process that fires: %w", err)
	}
	return command.Process, nil
}

// Lost lists how many were lost at each end.
func (l Losses) Lost() []int {
	lost := make([]int, len(l.Ends))
	for i, end := range l.Ends {
		lost[i] = end.Lost
	}
	return lost
}
