// Package report writes the page of a run: what was reached, the tables, the plots.
package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// Run is a run and where it was.
type Run struct {
	When     time.Time
	Took     time.Duration
	Quick    bool
	Command  string
	Commit   string
	Machine  string
	CPUs     int
	LoadFrom string // the machine's load averages when it began
	LoadTo   string // and when it had ended
	Versions []string
	Results  *plan.Results
}

// Page writes the page; plots is the folder of the plots, as the page links to it.
func Page(run *Run, plots string) string {
	r := run.Results
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n")
	intro(&b, run)
	b.WriteString("\n## Targets\n\n")
	b.WriteString(TargetTable(run))
	b.WriteString("\nTargets that fail the command are ratios within one round, counts and allocations: the speed of the machine does not change them. Times are printed.\n")
	section := func(title, plot, text, body string) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", title, text)
		if plot != "" {
			fmt.Fprintf(&b, "\n![%s](%s/%s)\n", title, plots, plot)
		}
		b.WriteString("\n" + body)
	}
	section("The host, round trip 0 ms", "cpu.svg", hostText, hostTable(r, plan.Near))
	section("The host, round trip 10 ms", "rate.svg", farText, hostTable(r, plan.Far))
	section("One call", "fire.svg", callText, callTable(r))
	section("What people would use instead", "", peerText, peerTable(r)+"\n"+ratioTable(r))
	section("From the call to the handler", "start.svg", startText, startTable(r))
	section("On the host's own disk", "", storeText, storeTable(r))
	section("When the host dies", "", lossText, lossTable(r))
	if problems := r.Problems(); len(problems) > 0 {
		section("What failed", "", "These cases failed in a round, which is left out of their figures.", "- "+strings.Join(problems, "\n- ")+"\n")
	}
	return b.String()
}

const (
	hostText = "A fake Amazon SQS over TLS on the same machine that answers at once. What is seen is the work of the host. The first four numbers of a cell are for\n" +
		"1, 8, 64 and 256 goroutines that each call again as soon as they have an answer; the server's CPU, allocations and requests are for 64.\n" +
		"*Sender of 10* sends tasks that were encoded before; the other rows make theirs."
	farText  = "The same server, with a round trip of 10 ms: half of it before a message is stored, half after."
	callText = "How long one call takes the caller: p50 / p99. A bare request is a POST of 300 bytes that does nothing, on one connection: the round trip itself."
	peerText = "asynq on Redis and River on PostgreSQL store tasks themselves, on this machine and its disk; SQS is a service elsewhere, and its part (three copies in three\n" +
		"zones) cannot be measured here. So compare what the host pays. Offload's rows are those of 0 ms above; their server is the fake one.\n" +
		"They are over TLS, as SQS is, and so is one row of asynq; the other peers speak in plain text."
	startText = "A task is fired when nothing else is to be done; the time is from before the call to the first line of the handler. *default* is how the library comes,\n" +
		"*tuned* looks for work every millisecond. *Worst* is the median of the worst of each round, of 10 or 30 tasks. The emulator's function is warm; on AWS, polling and cold starts come on top. Through is how many tasks a second\n" +
		"64 goroutines fire and a worker of 100 (the emulator: 10 processes with batches of 10) begins."
	storeText = "Callers that store 300 bytes each, again and again, until it is on the disk (fdatasync); *SyncInterval* returns when it is in the file. The journal is that of the mode\n" +
		"Journaled. In SQLite (WAL, synchronous=FULL, the driver modernc.org/sqlite) what arrives during a transaction shares the next one; bbolt's Batch does the same by itself.\n" +
		"A cell is records a second, and p50 / p99 of one call."
	lossText = "A process fires 5,000 tasks a second and gets SIGKILL at a random moment after 1,000 of them. Lost is what Fire had returned nil for and the server does\n" +
		"not have. The client of *full at 50* has room for 50 tasks and a queue that stops answering: it loses all that it holds. SIGTERM comes when 10,000 fires have just returned; the process closes its client and ends."
)

func intro(b *strings.Builder, run *Run) {
	fmt.Fprintf(b, "Written by `%s`, which measures all of this again in about ten minutes; the raw samples are beside the plots.", run.Command)
	if run.Quick {
		b.WriteString(" **This was a quick run: it shows that everything runs. Its times are worth nothing, its ratios little.**")
	}
	if busy(run) {
		b.WriteString(" **The machine was busy with other work, by its load average: absolute figures are worse than it can do.**")
	}
	b.WriteString("\n\n")
	rows := [][]string{
		{"when", run.When.UTC().Format("2006-01-02 15:04 UTC") + ", for " + run.Took.Round(time.Second).String()},
		{"commit", "`" + run.Commit + "`"},
		{"machine", run.Machine},
		{"load average", run.LoadFrom + " when it began, " + run.LoadTo + " when it had ended"},
		{"versions", strings.Join(run.Versions, ", ")},
	}
	b.WriteString(table([]string{"", ""}, rows))
	b.WriteString("\nEach case runs in a process of its own, so that its CPU (getrusage) is that of the host alone. Every round runs all cases, those that are compared\n" +
		"next to each other; a figure is the median of the rounds, a ratio the median of the ratios within a round. Client and server share this machine's cores:\n" +
		"rates are lower than a host with a service elsewhere has, and **ratios count more than absolute figures**. A task carries 300 bytes of JSON.\n")
}

// busy tells whether others used the machine when the run began: a load average, of the last minute, of a quarter of its CPUs.
func busy(run *Run) bool {
	minute, _, _ := strings.Cut(run.LoadFrom, " ")
	load, err := strconv.ParseFloat(minute, 64)
	return err == nil && load > float64(run.CPUs)/4
}

// TargetTable writes the targets of the run and what was measured.
func TargetTable(run *Run) string {
	var rows [][]string
	for _, t := range Targets {
		t = t.of(run.Quick)
		v, verdict := t.Judge(run.Results)
		gate := ""
		if t.Gate != Printed {
			gate = "yes"
		}
		rows = append(rows, []string{t.What, t.want(), t.Format(v), string(verdict), gate})
	}
	return table([]string{"what", "target", "measured", "", "fails the command"}, rows)
}

func goroutines(r *plan.Results) []int {
	var all []int
	for _, row := range r.Rows {
		if n := row.Case.Goroutines; row.Case.Kind == plan.Load && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// series joins one figure for every number of goroutines.
func series(r *plan.Results, subject, server string, figure func(measure.Sample) float64, format func(float64) string) string {
	var cells []string
	for _, n := range goroutines(r) {
		cells = append(cells, format(r.Find(subject, server, n).Median(figure)))
	}
	return strings.Join(cells, " · ")
}

func among(r *plan.Results) string {
	var all []string
	for _, n := range goroutines(r) {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, " · ")
}

func loadRow(r *plan.Results, name, subject, server string) []string {
	row := r.Find(subject, server, 64)
	if row != nil && row.NotRun != "" {
		return []string{name, "**not run**: " + row.NotRun, "", "", ""}
	}
	return []string{
		name,
		series(r, subject, server, measure.Sample.Rate, rate),
		series(r, subject, server, measure.Sample.CPUPerTask, number),
		number(row.Median(serverCPU)),
		number(row.Median(measure.Sample.AllocsPerTask)) + ", " + kilobytes(row.Median(measure.Sample.BytesPerTask)),
	}
}

func hostTable(r *plan.Results, server string) string {
	var rows [][]string
	for _, subject := range toSQS {
		rows = append(rows, append(loadRow(r, subject, subject, server), number(r.Find(subject, server, 64).Median(measure.Sample.RequestsPerTask))))
	}
	return table(append(loadHeader(r), "requests a task"), rows)
}

func loadHeader(r *plan.Results) []string {
	return []string{"", "tasks/s, " + among(r), "CPU µs a task, " + among(r), "+ server", "allocations, KB"}
}

func peerTable(r *plan.Results) string {
	var rows [][]string
	for _, l := range toPeers {
		rows = append(rows, loadRow(r, l.String(), l.subject, l.server))
	}
	return table(loadHeader(r), rows)
}

// ratioTable divides the host's CPU of others by that of Offload.
func ratioTable(r *plan.Results) string {
	var rows [][]string
	for _, l := range append([]load{{queue.SDK, plan.Near}, {queue.SDKPool, plan.Near}, {queue.SDKBatch, plan.Near}}, toPeers[:4]...) {
		row := []string{l.String()}
		for _, mode := range []string{queue.Confirmed, queue.Buffered} {
			var cells []string
			for _, n := range goroutines(r) {
				cells = append(cells, times(cpuRatio(l.subject, l.server, mode, plan.Near, n)(r)))
			}
			row = append(row, strings.Join(cells, " · "))
		}
		rows = append(rows, row)
	}
	return table([]string{"CPU of the host a task, as a multiple of Offload's", "Confirmed, " + among(r), "Buffered, " + among(r)}, rows)
}
