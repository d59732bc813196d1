package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
)

// serverCPU is NaN where it cannot be known.
func serverCPU(s measure.Sample) float64 {
	if s.ServerCPU < 0 {
		return math.NaN()
	}
	return s.ServerCPUPerTask()
}

func kilobytes(bytes float64) string { return number(bytes / 1e3) }

func callTable(r *plan.Results) string {
	header := []string{""}
	type column struct {
		server string
		n      int
	}
	var columns []column
	for _, server := range []string{plan.Near, plan.Far} {
		for _, n := range goroutines(r) {
			columns = append(columns, column{server, n})
			trip := "0 ms"
			if server == plan.Far {
				trip = "10 ms"
			}
			header = append(header, fmt.Sprintf("%s, %d", trip, n))
		}
	}
	var rows [][]string
	for _, subject := range append([]string{queue.Bare}, toSQS...) {
		cells := []string{subject}
		for _, c := range columns {
			row := r.Find(subject, c.server, c.n)
			if row == nil {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, micros(row.Median(measure.Sample.P50Micros))+" / "+micros(row.Median(measure.Sample.P99Micros)))
		}
		rows = append(rows, cells)
	}
	return table(header, rows)
}

// storeTable has a column for each number of goroutines.
func storeTable(r *plan.Results) string {
	header := []string{""}
	for _, n := range goroutines(r) {
		header = append(header, fmt.Sprintf("%d goroutines", n))
	}
	var rows [][]string
	for _, subject := range stores {
		cells := []string{subject}
		for _, n := range goroutines(r) {
			row := r.Find(subject, plan.Disk, n)
			cells = append(cells, rate(row.Median(measure.Sample.Rate))+", "+micros(row.Median(measure.Sample.P50Micros))+" / "+micros(row.Median(measure.Sample.P99Micros)))
		}
		rows = append(rows, append(cells, number(r.Find(subject, plan.Disk, 64).Median(measure.Sample.CPUPerTask)), number(r.Find(subject, plan.Disk, 64).Median(measure.Sample.AllocsPerTask))))
	}
	return table(append(header, "CPU µs a record at 64", "allocations"), rows)
}

func startTable(r *plan.Results) string {
	var rows [][]string
	for _, name := range engines {
		idle, through := r.FindEngine(plan.Idle, name), r.FindEngine(plan.Throughput, name)
		if idle == nil || idle.NotRun != "" {
			why := ""
			if idle != nil {
				why = idle.NotRun
			}
			rows = append(rows, []string{name, "**not run**: " + why, "", ""})
			continue
		}
		rows = append(rows, []string{
			name, micros(idle.Median(measure.Sample.P50Micros)), micros(idle.Median(measure.Sample.P99Micros)),
			rate(through.Median(measure.Sample.Rate)),
		})
	}
	return table([]string{"", "p50", "worst", "through, tasks/s"}, rows)
}

func lossTable(r *plan.Results) string {
	var rows [][]string
	for _, l := range r.Losses {
		var lost, took []float64
		bound := 0
		for _, end := range l.Ends {
			lost = append(lost, float64(end.Lost))
			took = append(took, end.Took.Seconds()*1e6)
			bound = max(bound, end.Bound)
		}
		if len(lost) == 0 {
			rows = append(rows, []string{l.Name, l.Server, missing, missing, missing, missing, missing})
			continue
		}
		end := missing
		if l.Name == plan.DrainBuffered {
			end = fmt.Sprintf("%s / %s", micros(measure.Median(took)), micros(slices.Max(took)))
		}
		rows = append(rows, []string{
			l.Name, l.Server, fmt.Sprint(len(l.Ends)), number(measure.Median(lost)), number(slices.Max(lost)), fmt.Sprint(bound), end,
		})
	}
	return table([]string{"", "server", "times", "lost, median", "lost, most", "bound that the client tells", "time to the end, median / most"}, rows)
}
