package crash

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/offloadhq/offload/bench/internal/fakesqs"
	"github.com/offloadhq/offload/bench/internal/queue"
	"github.com/offloadhq/offload/client"
)

// childPlan, in the environment, makes this test binary the process that is killed.
const childPlan = "BENCH_CRASH_PLAN"

func TestMain(m *testing.M) {
	if text := os.Getenv(childPlan); text != "" {
		var p Plan
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			panic(err)
		}
		os.Exit(Main(context.Background(), p))
	}
	os.Exit(m.Run())
}

func start(_ context.Context, p Plan) (*os.Process, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childPlan+"="+string(text))
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	return command.Process, nil
}

func killer(t *testing.T, roundTrip time.Duration) *Killer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended, where := make(chan error, 1), make(chan queue.Server, 1)
	go func() {
		ended <- fakesqs.Serve(ctx, &fakesqs.Server{RoundTrip: roundTrip}, func(url string, certificate []byte) {
			where <- queue.Server{Address: url, Certificate: string(certificate)}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &Killer{Child: start, Server: <-where, RoundTrip: roundTrip, Dir: t.TempDir()}
}

func TestConfirmedLosesNothing(t *testing.T) {
	loss, err := killer(t, 10*time.Millisecond).Kill(t.Context(), client.Confirmed)
	if err != nil || loss.Lost != 0 || loss.Fired < killAfter || loss.Bound != 0 {
		t.Errorf("%+v, %v", loss, err)
	}
}

func TestDrainLosesNothing(t *testing.T) {
	loss, err := killer(t, 10*time.Millisecond).Drain(t.Context())
	if err != nil || loss.Lost != 0 || loss.Fired != drainTasks || loss.Took <= 0 {
		t.Errorf("%+v, %v", loss, err)
	}
}

// TestKillSeesALoss: what waits in the process for a connection dies with it, and what is on its way arrives.
func TestKillSeesALoss(t *testing.T) {
	burst := Plan{Mode: client.Buffered, Rate: 20_000, Tasks: capacity - 1}
	loss, err := killer(t, 100*time.Millisecond).run(t.Context(), burst, fired(5000), syscall.SIGKILL)
	if err != nil || loss.Lost == 0 || loss.Lost == loss.Fired || loss.Lost > loss.Bound {
		t.Errorf("%+v, %v", loss, err)
	}
}

// TestFullBufferIsLost: the bound is near, and not passed.
func TestFullBufferIsLost(t *testing.T) {
	loss, err := killer(t, 0).KillFull(t.Context())
	if err != nil || loss.Bound != 50 || loss.Lost <= loss.Bound/2 || loss.Lost > loss.Bound || loss.Fired < fakesqs.StallRoom {
		t.Errorf("%+v, %v", loss, err)
	}
}

func TestLedgerCountsWhatWasPromised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := CreateLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint64{1, 2, 3, 4} {
		if err := other.Mark(n); err != nil {
			t.Fatal(err)
		}
	}
	other.MarkFull()
	other.SetBound(77)
	other.SetAtRisk(5)
	// 9 was stored and not promised: it makes up for none that was.
	if got := l.Lost([]int{4, 9, 2}); got != 2 || l.Count() != 4 || l.Bound() != 77 || l.AtRisk() != 5 || l.Full() != 1 {
		t.Errorf("lost %d, count %d, bound %d, at risk %d, full %d", got, l.Count(), l.Bound(), l.AtRisk(), l.Full())
	}
	if err := other.Mark(capacity); err == nil || l.Promised(-1) || l.Promised(capacity) {
		t.Error("a task beyond the ledger was taken", err)
	}
	if _, err := OpenLedger(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a ledger that is not there was opened")
	}
	if err := errors.Join(l.Close(), other.Close()); err != nil {
		t.Error(err)
	}
}
