package plan

import (
	"math"

	"github.com/offloadhq/offload/bench/internal/crash"
	"github.com/offloadhq/offload/bench/internal/measure"
)

// Row is a case with a sample a round.
type Row struct {
	Case    Case
	Samples []measure.Sample
	NotRun  string // why there are none
}

// Losses are those of one way to end a process.
type Losses struct {
	Name     string
	Server   string
	Ends     []crash.Loss
	Problems []string // why there are fewer than there should be
}

// Results are all that was measured.
type Results struct {
	Rows   []Row
	Losses []Losses
}

// Find returns the row of a load, nil if the plan has none.
func (r *Results) Find(subject, server string, goroutines int) *Row {
	return r.find(Case{Kind: Load, Subject: subject, Server: server, Goroutines: goroutines})
}

// FindEngine returns the row of an engine, or of Alone, nil if the plan has none.
func (r *Results) FindEngine(kind Kind, subject string) *Row {
	return r.find(Case{Kind: kind, Subject: subject})
}

func (r *Results) find(c Case) *Row {
	for i, row := range r.Rows {
		same := row.Case.Kind == c.Kind && row.Case.Subject == c.Subject
		if same && (c.Kind != Load || row.Case.Server == c.Server && row.Case.Goroutines == c.Goroutines) {
			return &r.Rows[i]
		}
	}
	return nil
}

// Values are one figure of each sample; a round that failed gives NaN.
func (r *Row) Values(figure func(measure.Sample) float64) []float64 {
	if r == nil {
		return nil
	}
	values := make([]float64, len(r.Samples))
	for i, s := range r.Samples {
		values[i] = math.NaN()
		if s.Tasks > 0 && s.Failures == 0 {
			values[i] = figure(s)
		}
	}
	return values
}

// Median is that of the rounds that did not fail; NaN if there is none.
func (r *Row) Median(figure func(measure.Sample) float64) float64 {
	var sound []float64
	for _, v := range r.Values(figure) {
		if !math.IsNaN(v) {
			sound = append(sound, v)
		}
	}
	return measure.Median(sound)
}

// Problems are the failures of all rounds.
func (r *Results) Problems() []string {
	var all []string
	for _, row := range r.Rows {
		for _, s := range row.Samples {
			if s.Problem != "" {
				all = append(all, row.Case.String()+": "+s.Problem)
			}
		}
	}
	for _, l := range r.Losses {
		for _, p := range l.Problems {
			all = append(all, l.Name+", "+l.Server+": "+p)
		}
	}
	return all
}
