package infra_test

import (
	"testing"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/worker"
)

// TestC10_WorkerAssumesWhatTheRuleSays: the rule has its own copy of the number, because infra does not import worker.
func TestC10_WorkerAssumesWhatTheRuleSays(t *testing.T) {
	for receives, want := range map[int]int{worker.DefaultMaxReceiveCount - 1: 1, worker.DefaultMaxReceiveCount: 0} {
		s := small()
		s.Queues[1].MaxReceiveCount = receives
		if r := infra.Check(s); len(r.Findings) != want || want == 1 && r.Findings[0].Rule != "C10-attempts" {
			t.Errorf("maxReceiveCount %d: %v", receives, r.Findings)
		}
	}
}
