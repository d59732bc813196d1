package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/offloadhq/offload/bench/internal/engine"
	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// Verdict is whether a target was reached.
type Verdict string

// The verdicts.
const (
	Met     Verdict = "met"
	Missed  Verdict = "**missed**"
	Unknown Verdict = "not run"
)

// Gate says which runs fail when a target is missed. Only figures that the speed of the machine does not change are gates.
type Gate uint8

// The gates.
const (
	Printed Gate = iota // none: times
	Ratio               // every run: ratios within one round, which have quickRoom in a quick run
	Count               // every run: counts and allocations
)

// quickRoom is how many times its limit a ratio may be in a quick run, whose rounds are short.
const quickRoom = 1.5

// Target is a figure to reach.
type Target struct {
	What    string
	Limit   float64
	AtLeast bool // the limit is the least and not the most
	Gate    Gate
	Figure  func(*plan.Results) float64 // NaN: it was not measured
	Format  func(float64) string
}

// Judge compares.
func (t Target) Judge(r *plan.Results) (float64, Verdict) {
	v := t.Figure(r)
	switch {
	case math.IsNaN(v):
		return v, Unknown
	case t.AtLeast && v >= t.Limit, !t.AtLeast && v <= t.Limit:
		return v, Met
	}
	return v, Missed
}

// Targets are those that the project has set itself.
var Targets = []Target{
	{What: "Buffered: Fire, p50 of ten in a row", Limit: 0.7, Figure: alone(queue.FireAlone, measure.Sample.P50Micros), Format: micros},
	{What: "Buffered: Fire beside json.Marshal of its arguments, p50", Limit: 2, Gate: Ratio, Figure: alone(queue.FireAlone, measure.Sample.P50Beside), Format: times},
	{What: "Buffered: allocations of With and Fire", Limit: 2, Gate: Count, Figure: alone(queue.FireAlone, measure.Sample.AllocsPerTask), Format: number},
	{What: "Buffered, arguments that encode themselves: Fire, p50 of ten in a row", Limit: 0.35, Figure: alone(queue.FireAppender, measure.Sample.P50Micros), Format: micros},
	{What: "Buffered, arguments that encode themselves: Fire beside json.Marshal of them, p50", Limit: 2, Gate: Ratio, Figure: alone(queue.FireAppender, measure.Sample.P50Beside), Format: times},
	{What: "Buffered, arguments that encode themselves: allocations of With and Fire", Limit: 0.1, Gate: Count, Figure: alone(queue.FireAppender, measure.Sample.AllocsPerTask), Format: number},
	{What: "Buffered: allocations a task, with its share of a request into memory", Limit: 3, Gate: Count, Figure: median(queue.Memory, plan.InProcess, 1, measure.Sample.AllocsPerTask), Format: number},
	{What: "Confirmed, 10 ms, 64 goroutines: CPU a task beside SDK SendMessage", Limit: 1.0 / 5, Gate: Ratio, Figure: cpuRatio(queue.Confirmed, plan.Far, queue.SDK, plan.Far, 64), Format: times},
	{What: "Confirmed, 10 ms, 256 goroutines: CPU a task beside SDK SendMessage", Limit: 1.0 / 10, Gate: Ratio, Figure: cpuRatio(queue.Confirmed, plan.Far, queue.SDK, plan.Far, 256), Format: times},
	{What: "Confirmed, 10 ms, idle: p50 of Fire beside a bare request", Limit: 1.15, Gate: Ratio, Figure: idleRatio, Format: times},
	{What: "Buffered, 10 ms, no option set: tasks a second", Limit: 50_000, AtLeast: true, Figure: bestRate(queue.Buffered, plan.Far), Format: rate},
	{What: "Buffered, 10 ms, 64 goroutines: requests a task", Limit: 0.12, Gate: Count, Figure: median(queue.Buffered, plan.Far, 64, measure.Sample.RequestsPerTask), Format: number},
	{What: "Confirmed, 10 ms, 256 goroutines: requests a task", Limit: 0.12, Gate: Count, Figure: median(queue.Confirmed, plan.Far, 256, measure.Sample.RequestsPerTask), Format: number},
	{What: "Sender, 0 ms, 8 goroutines: CPU a task", Limit: 8, Figure: median(queue.Sender, plan.Near, 8, measure.Sample.CPUPerTask), Format: micros},
	{What: "Sender, 0 ms, 8 goroutines: tasks for a second of CPU", Limit: 100_000, AtLeast: true, Figure: median(queue.Sender, plan.Near, 8, func(s measure.Sample) float64 { return 1e6 / s.CPUPerTask() }), Format: rate},
	{What: "Buffered, 64 goroutines: CPU a task beside asynq's client, both over TLS", Limit: 1.0 / 3, Gate: Ratio, Figure: cpuRatio(queue.Buffered, plan.Near, queue.Asynq, plan.RedisTLS, 64), Format: times},
	{What: "journal, SyncAlways, 64 goroutines: records a second", Limit: 150_000, AtLeast: true, Figure: median(queue.JournalAlways, plan.Disk, 64, measure.Sample.Rate), Format: rate},
	{What: "journal, SyncAlways, 64 goroutines: p50", Limit: 350, Figure: median(queue.JournalAlways, plan.Disk, 64, measure.Sample.P50Micros), Format: micros},
	{What: "journal, SyncAlways, 64 goroutines: records a second beside SQLite", Limit: 2, AtLeast: true, Gate: Ratio, Figure: rateRatio(queue.JournalAlways, queue.SQLite, plan.Disk, 64), Format: times},
	{What: "Journaled, SyncInterval: p50 of Fire", Limit: 5, Figure: median(queue.FireInterval, plan.Disk, 1, measure.Sample.P50Micros), Format: micros},
	{What: "emulator, idle: p50 from Fire to the start of the handler", Limit: 1000, Figure: startTime(engine.Offload), Format: micros},
	{What: "Buffered, 0 ms, SIGKILL at 5,000 a second: lost, median", Limit: 2, Figure: lost(plan.KillBuffered, plan.Near, measure.Median), Format: number},
	{What: "Buffered, full, nothing answers, SIGKILL: most that was lost, of the bound that the client tells", Limit: 1, Gate: Count, Figure: lostOfBound, Format: number},
	{What: "Confirmed, SIGKILL at 5,000 a second: lost, most", Limit: 0, Gate: Count, Figure: lost(plan.KillConfirmed, plan.Far, slices.Max), Format: number},
	{What: "Buffered, SIGTERM with 10,000 tasks: lost, most", Limit: 0, Gate: Count, Figure: lost(plan.DrainBuffered, plan.Far, slices.Max), Format: number},
	{What: "Buffered, SIGTERM with 10,000 tasks: time to the end, median", Limit: 1e6, Figure: drainTime, Format: micros},
}

// MissedGates names the targets that fail a run.
func MissedGates(r *plan.Results, quick bool) []string {
	var all []string
	for _, t := range Targets {
		t = t.of(quick)
		if v, verdict := t.Judge(r); t.Gate != Printed && verdict == Missed {
			all = append(all, fmt.Sprintf("%s: %s, want %s", t.What, t.Format(v), t.want()))
		}
	}
	return all
}

// of is the target of a run: in a quick one ratios that are gates have room.
func (t Target) of(quick bool) Target {
	switch {
	case !quick || t.Gate != Ratio:
	case t.AtLeast:
		t.Limit /= quickRoom
	default:
		t.Limit *= quickRoom
	}
	return t
}

func (t Target) want() string {
	if t.AtLeast {
		return "≥ " + t.Format(t.Limit)
	}
	return "≤ " + t.Format(t.Limit)
}

func median(subject, server string, goroutines int, figure func(measure.Sample) float64) func(*plan.Results) float64 {
	return func(r *plan.Results) float64 { return r.Find(subject, server, goroutines).Median(figure) }
}

func cpuRatio(a, serverA, b, serverB string, goroutines int) func(*plan.Results) float64 {
	return func(r *plan.Results) float64 {
		return measure.MedianRatio(
			r.Find(a, serverA, goroutines).Values(measure.Sample.CPUPerTask),
			r.Find(b, serverB, goroutines).Values(measure.Sample.CPUPerTask))
	}
}

func rateRatio(a, b, server string, goroutines int) func(*plan.Results) float64 {
	return func(r *plan.Results) float64 {
		return measure.MedianRatio(
			r.Find(a, server, goroutines).Values(measure.Sample.Rate),
			r.Find(b, server, goroutines).Values(measure.Sample.Rate))
	}
}

func alone(subject string, figure func(measure.Sample) float64) func(*plan.Results) float64 {
	return func(r *plan.Results) float64 { return r.FindEngine(plan.Alone, subject).Median(figure) }
}

func startTime(name string) func(*plan.Results) float64 {
	return func(r *plan.Results) float64 { return r.FindEngine(plan.Idle, name).Median(measure.Sample.P50Micros) }
}

func idleRatio(r *plan.Results) float64 {
	return measure.MedianRatio(
		r.Find(queue.Confirmed, plan.Far, 1).Values(measure.Sample.P50Micros),
		r.Find(queue.Bare, plan.Far, 1).Values(measure.Sample.P50Micros))
}

func bestRate(subject, server string) func(*plan.Results) float64 {
	return func(r *plan.Results) float64 {
		best := math.NaN()
		for _, row := range r.Rows {
			if row.Case.Kind != plan.Load || row.Case.Subject != subject || row.Case.Server != server {
				continue
			}
			if v := row.Median(measure.Sample.Rate); math.IsNaN(best) || v > best {
				best = v
			}
		}
		return best
	}
}

func lost(name, server string, of func([]float64) float64) func(*plan.Results) float64 {
	return func(r *plan.Results) float64 {
		var counts []float64
		for _, l := range r.Losses {
			if l.Name == name && l.Server == server {
				for _, n := range l.Lost() {
					counts = append(counts, float64(n))
				}
			}
		}
		if len(counts) == 0 {
			return math.NaN()
		}
		return of(counts)
	}
}

// lostOfBound is the greatest share of its bound that a buffered client lost whose buffer was full; above 1 it told an
// untruth.
func lostOfBound(r *plan.Results) float64 {
	most := math.NaN()
	for _, l := range r.Losses {
		if l.Name != plan.KillFull {
			continue
		}
		for _, end := range l.Ends {
			if share := float64(end.Lost) / float64(end.Bound); math.IsNaN(most) || share > most {
				most = share
			}
		}
	}
	return most
}

func drainTime(r *plan.Results) float64 {
	var all []float64
	for _, l := range r.Losses {
		if l.Name == plan.DrainBuffered {
			for _, end := range l.Ends {
				all = append(all, float64(end.Took)/1e3)
			}
		}
	}
	return measure.Median(all)
}
