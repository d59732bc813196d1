package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/bench/internal/crash"
	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// sample took so many microseconds of CPU a task.
func sample(cpu float64) measure.Sample {
	return measure.Sample{
		Tasks: 1000, Wall: 20 * time.Millisecond, CPU: time.Duration(cpu * 1e6), Allocs: 1000, Bytes: 300_000, Requests: 100,
		P50: 10_100 * time.Microsecond, P99: 12 * time.Millisecond,
	}
}

// results are those of a run in which everything goes as it should: every round the machine is slower by half.
func results() *plan.Results { return resultsOf(plan.Full) }

func resultsOf(s plan.Scale) *plan.Results {
	r := &plan.Results{}
	costs := map[string]float64{queue.SDK: 200, queue.SDKPool: 150, queue.SDKBatch: 20, queue.Confirmed: 10, queue.Asynq: 23, queue.RiverInsert: 140, queue.RiverMany: 9}
	for _, c := range plan.Cases(s) {
		cost, ok := costs[c.Subject]
		if !ok {
			cost = 5
		}
		row := plan.Row{Case: c}
		for _, slower := range []float64{1, 1.5, 2.25} {
			s := sample(cost * slower)
			if c.Subject == queue.Memory {
				s.P50 = 600 * time.Nanosecond
			}
			if c.Subject == queue.FireInterval {
				s.P50 = 4 * time.Microsecond
			}
			if c.Subject == queue.JournalAlways {
				s.Wall, s.P50 = s.Wall/4, 300*time.Microsecond
			}
			if c.Kind == plan.Alone {
				s.P50, s.Allocs, s.Beside = 300*time.Nanosecond, 60, 200*time.Nanosecond
			}
			if c.Kind == plan.Idle {
				s.P50 = 900 * time.Microsecond
			}
			row.Samples = append(row.Samples, s)
		}
		r.Rows = append(r.Rows, row)
	}
	r.Losses = []plan.Losses{
		{Name: plan.KillBuffered, Server: plan.Near, Ends: []crash.Loss{{Fired: 1500, Lost: 1, Bound: 100}, {Fired: 1500, Lost: 3, Bound: 100}}},
		{Name: plan.KillBuffered, Server: plan.Far, Ends: []crash.Loss{{Fired: 1500, Lost: 9, Bound: 100}}},
		{Name: plan.KillFull, Server: plan.Near, Ends: []crash.Loss{{Fired: 550, Lost: 50, Bound: 50}, {Fired: 550, Lost: 42, Bound: 50}}},
		{Name: plan.KillConfirmed, Server: plan.Far, Ends: []crash.Loss{{Fired: 1500}}},
		{Name: plan.DrainBuffered, Server: plan.Far, Ends: []crash.Loss{{Fired: 10_000, Took: 300 * time.Millisecond}}},
	}
	return r
}

func verdicts(r *plan.Results) map[string]Verdict {
	all := map[string]Verdict{}
	for _, t := range Targets {
		_, all[t.What] = t.Judge(r)
	}
	return all
}

func TestAllTargetsCanBeMet(t *testing.T) {
	r := results()
	for what, verdict := range verdicts(r) {
		if verdict != Met {
			t.Errorf("%s: %s", what, verdict)
		}
	}
	if missed := MissedGates(r, false); len(missed) != 0 {
		t.Errorf("missed: %q", missed)
	}
}

// TestEachGateCanBeMissed spoils what each gate looks at, and sees that this gate alone fails the run.
func TestEachGateCanBeMissed(t *testing.T) {
	load := func(subject, server string, n int, change func(*measure.Sample)) func(*plan.Results) {
		return func(r *plan.Results) {
			row := r.Find(subject, server, n)
			for i := range row.Samples {
				change(&row.Samples[i])
			}
		}
	}
	loss := func(name string, change func(*crash.Loss)) func(*plan.Results) {
		return func(r *plan.Results) {
			for _, l := range r.Losses {
				if l.Name == name {
					change(&l.Ends[0])
				}
			}
		}
	}
	alone := func(subject string, change func(*measure.Sample)) func(*plan.Results) {
		return func(r *plan.Results) {
			row := r.FindEngine(plan.Alone, subject)
			for i := range row.Samples {
				change(&row.Samples[i])
			}
		}
	}
	allocs := func(n uint64) func(*measure.Sample) { return func(s *measure.Sample) { s.Allocs = n } }
	slower := func(s *measure.Sample) { s.Beside /= 2 }
	dearer := func(s *measure.Sample) { s.CPU *= 5 }
	chattier := func(s *measure.Sample) { s.Requests = 130 }
	for what, spoil := range map[string]func(*plan.Results){
		"Buffered: allocations of With and Fire": alone(queue.FireAlone, allocs(2100)),
		"themselves: allocations":                alone(queue.FireAppender, allocs(1000)),
		"Buffered: Fire beside json.Marshal":     alone(queue.FireAlone, slower),
		"themselves: Fire beside json.Marshal":   alone(queue.FireAppender, slower),
		"Buffered: allocations a task":           load(queue.Memory, plan.InProcess, 1, func(s *measure.Sample) { s.Allocs = 3100 }),
		"64 goroutines: CPU a task beside SDK":   load(queue.Confirmed, plan.Far, 64, dearer),
		"256 goroutines: CPU a task beside SDK":  load(queue.Confirmed, plan.Far, 256, dearer),
		"idle: p50":                              load(queue.Confirmed, plan.Far, 1, func(s *measure.Sample) { s.P50 = 12 * time.Millisecond }),
		"64 goroutines: requests a task":         load(queue.Buffered, plan.Far, 64, chattier),
		"256 goroutines: requests a task":        load(queue.Confirmed, plan.Far, 256, chattier),
		"asynq's client":                         load(queue.Buffered, plan.Near, 64, dearer),
		"beside SQLite":                          load(queue.JournalAlways, plan.Disk, 64, func(s *measure.Sample) { s.Wall *= 3 }),
		"most that was lost, of the bound":       loss(plan.KillFull, func(l *crash.Loss) { l.Lost = 51 }),
		"Confirmed, SIGKILL":                     loss(plan.KillConfirmed, func(l *crash.Loss) { l.Lost = 1 }),
		"10,000 tasks: lost":                     loss(plan.DrainBuffered, func(l *crash.Loss) { l.Lost = 1 }),
	} {
		r := results()
		spoil(r)
		if missed := MissedGates(r, false); len(missed) != 1 || !strings.Contains(missed[0], what) {
			t.Errorf("%s: missed %q", what, missed)
		}
	}
	gates := 0
	for _, target := range Targets {
		if target.Gate != Printed {
			gates++
		}
	}
	if gates != 15 {
		t.Errorf("%d gates: spoil each of them here", gates)
	}
}

// TestQuickRunsMeasureWhatGatesLookAt holds that no gate of a quick run is open because nothing was measured.
func TestQuickRunsMeasureWhatGatesLookAt(t *testing.T) {
	r := resultsOf(plan.Quick)
	for _, target := range Targets {
		if _, verdict := target.Judge(r); verdict == Unknown && target.Gate != Printed {
			t.Errorf("%s: %s", target.What, verdict)
		}
	}
}

// TestQuickRunsHaveRoomForRatios puts every ratio of a gate at its limit, beyond it, and beyond what a quick run lets pass;
// counts have no room.
func TestQuickRunsHaveRoomForRatios(t *testing.T) {
	for _, c := range []struct {
		limits      float64 // what is measured, in multiples of the limit
		full, quick bool    // whether a run misses it
	}{{0.99, false, false}, {1.01, true, false}, {1.49, true, false}, {1.51, true, true}} {
		for _, target := range Targets {
			want := map[bool]bool{false: c.full, true: c.quick && target.Gate == Ratio || c.full && target.Gate == Count}
			for quick, missed := range want {
				got := missedAt(target, c.limits, quick)
				if target.Gate == Printed || target.Limit == 0 {
					missed = false
				}
				if got != missed {
					t.Errorf("%s at %v of its limit, quick %v: missed %v", target.What, c.limits, quick, got)
				}
			}
		}
	}
}

// missedAt reports whether a run fails in which the one target is at so many times its limit.
func missedAt(target Target, limits float64, quick bool) bool {
	all := Targets
	defer func() { Targets = all }()
	v := target.Limit * limits
	if target.AtLeast {
		v = target.Limit / limits
	}
	target.Figure = func(*plan.Results) float64 { return v }
	Targets = []Target{target}
	return len(MissedGates(nil, quick)) > 0
}

// TestTimesAreNoGates: a machine that is a hundred times slower misses targets, and fails nothing.
func TestTimesAreNoGates(t *testing.T) {
	r := results()
	for _, row := range r.Rows {
		for i := range row.Samples {
			s := &row.Samples[i]
			s.CPU, s.Wall, s.P50, s.P99, s.Beside = s.CPU*100, s.Wall*100, s.P50*100, s.P99*100, s.Beside*100
		}
	}
	r.Losses[3].Ends[0].Took *= 100
	if missed := MissedGates(r, false); len(missed) != 0 {
		t.Errorf("missed: %q", missed)
	}
	if all := verdicts(r); all["Buffered, 10 ms, no option set: tasks a second"] != Missed {
		t.Errorf("verdicts: %v", all)
	}
}

func TestWhatWasNotRunIsNotMet(t *testing.T) {
	for what, verdict := range verdicts(&plan.Results{}) {
		if verdict != Unknown {
			t.Errorf("%s: %s", what, verdict)
		}
	}
	r := results()
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Case.Server == plan.RedisEverysec {
			row.Samples, row.NotRun = nil, "redis-server is not installed"
		}
	}
	page := Page(&Run{Results: r}, "plots")
	if n := strings.Count(page, "**not run**: redis-server is not installed"); n != 3 {
		t.Errorf("%d rows tell that they were not run, want those of the load and of both engines:\n%s", n, page)
	}
}

// TestFailedRoundsAreLeftOut: a sample of failures is told, and is in no figure.
func TestFailedRoundsAreLeftOut(t *testing.T) {
	r := results()
	row := r.Find(queue.Confirmed, plan.Far, 64)
	row.Samples[1] = measure.Sample{Failures: 1, Problem: "its process: exit status 1"}
	row.Samples[2].Failures, row.Samples[2].Problem = 7, "refused"
	if got := row.Median(measure.Sample.CPUPerTask); got != 10 {
		t.Errorf("median %v, want that of the only sound round", got)
	}
	r.Losses[0].Problems = []string{"process: fired 3 tasks"}
	page := Page(&Run{Results: r}, "plots")
	for _, want := range []string{"## What failed", "Buffered, SIGKILL, fake SQS, 0 ms: process: fired 3 tasks", "64 goroutines: its process: exit status 1", "refused"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not tell %q", want)
		}
	}
}

func TestPageTellsWhatARunWas(t *testing.T) {
	run := &Run{
		When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Command: "make bench-compare", Commit: "abc", Machine: "2 CPUs",
		CPUs: 2, Versions: []string{"Go 1.26", "Redis 7"}, LoadFrom: "0.10 0.20 0.30", LoadTo: "1.50", Results: results(),
	}
	page := Page(run, "plots")
	for _, want := range []string{
		"`make bench-compare`", "2026-01-02 03:04 UTC", "`abc`", "2 CPUs", "Go 1.26, Redis 7", "0.10 0.20 0.30 when it began",
		"| Confirmed, 10 ms, 64 goroutines: CPU a task beside SDK SendMessage | ≤ 1/5 | 1/20 | met | yes |",
		"(plots/cpu.svg)", "| SDK, SendMessage | 20× · 20× · 20× · 20× | 40× · 40× · 40× · 40× |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "quick run") || strings.Contains(page, "busy") || strings.Contains(page, "What failed") {
		t.Errorf("the page tells what is not so:\n%s", page)
	}
	run.Quick = true
	if !strings.Contains(Page(run, "plots"), "its ratios little") {
		t.Error("a quick run does not tell that it is one")
	}
	if run.LoadFrom = "0.51 0 0"; !strings.Contains(Page(run, "plots"), "was busy") {
		t.Error("a run beside other work does not tell that it was")
	}
}

func TestPlotsAreXML(t *testing.T) {
	for _, r := range []*plan.Results{results(), {}} {
		for name, plot := range Plots(r) {
			d := xml.NewDecoder(strings.NewReader(plot))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %v\n%s", name, err, plot)
				}
			}
			if strings.Contains(plot, "NaN") || strings.Contains(plot, "Inf") {
				t.Errorf("%s: has no number:\n%s", name, plot)
			}
		}
	}
}

func TestFormats(t *testing.T) {
	for want, got := range map[string]string{
		"870": rate(870), "8.70k": rate(8700), "87k": rate(87_000), "1.25M": rate(1.25e6), missing: rate(math.NaN()),
		"600 ns": micros(0.6), "12.3 µs": micros(12.3), "10.1 ms": micros(10_100), "1 s": micros(1e6),
		"1/5": times(0.2), "1×": times(1), "2.50×": times(2.5), "0.120": number(0.12), "0": number(0), "123": number(123.4),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
