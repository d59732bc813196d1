package plan_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/offloadhq/offload/bench/internal/measure"
	"github.com/offloadhq/offload/bench/internal/plan"
	"github.com/offloadhq/offload/bench/internal/queue"
)

func TestEachCaseIsOnce(t *testing.T) {
	for _, scale := range []plan.Scale{plan.Full, plan.Quick} {
		all := plan.Cases(scale)
		seen := map[plan.Case]bool{}
		for _, c := range all {
			if seen[c] {
				t.Errorf("%v is there twice", c)
			}
			seen[c] = true
		}
		if len(all) < 20 {
			t.Errorf("%d cases", len(all))
		}
	}
}

// TestFullEndsInTime adds up what the plan takes at the least, with a second for each case to start and to end.
func TestFullEndsInTime(t *testing.T) {
	var total time.Duration
	for _, c := range plan.Cases(plan.Full) {
		switch c.Kind {
		case plan.Load, plan.Alone:
			total += plan.Full.WarmUp + plan.Full.Window + 200*time.Millisecond
		case plan.Throughput:
			total += plan.Full.WarmUp + 3*plan.Full.Window
		case plan.Idle:
			total += time.Duration(c.Tasks) * c.Pause
		}
	}
	total = time.Duration(plan.Full.Rounds)*total + time.Duration(3*plan.Full.Kills+plan.Full.Drains)*600*time.Millisecond
	if total > 10*time.Minute {
		t.Errorf("the full plan takes %v", total)
	}
}

func TestRows(t *testing.T) {
	r := &plan.Results{}
	for _, c := range plan.Cases(plan.Quick) {
		r.Rows = append(r.Rows, plan.Row{Case: c})
	}
	row := r.Find(queue.SDK, plan.Far, 64)
	if row == nil || row.Case.Server != plan.Far || row.Case.Goroutines != 64 {
		t.Fatal(row)
	}
	row.Samples = []measure.Sample{{Tasks: 2, P50: 3000}, {Failures: 1, Problem: "gone"}, {Tasks: 1, P50: 5000}}
	values := row.Values(measure.Sample.P50Micros)
	if len(values) != 3 || values[0] != 3 || !math.IsNaN(values[1]) || values[2] != 5 {
		t.Errorf("values %v", values)
	}
	if got := row.Median(measure.Sample.P50Micros); got != 4 {
		t.Errorf("median %v", got)
	}
	if got := r.Problems(); !slices.Equal(got, []string{"SDK, SendMessage, fake SQS, 10 ms, 64 goroutines: gone"}) {
		t.Errorf("problems %q", got)
	}
	if none := r.Find(queue.SDK, plan.Far, 3); none != nil || !math.IsNaN(none.Median(measure.Sample.Rate)) || len(none.Values(measure.Sample.Rate)) != 0 {
		t.Error("a row that is not there has figures")
	}
}
