package engine

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/bench/internal/queue"
)

// fake begins every task after a while, and closes when it is told to.
type fake struct {
	after   time.Duration
	started func(fired, begun time.Time)
	refuse  error
	closed  *bool
}

func (f fake) Fire(context.Context) error {
	fired := time.Now()
	if f.refuse == nil && f.after > 0 {
		time.AfterFunc(f.after, func() { f.started(fired, time.Now()) })
	}
	return f.refuse
}

func (f fake) Close(context.Context) error { *f.closed = true; return nil }

// bubble runs f with an engine of the name "fake".
func bubble(t *testing.T, engine fake, f func(t *testing.T)) {
	t.Helper()
	closed := false
	engine.closed = &closed
	engines["fake"] = func(_ context.Context, _ queue.Server, started func(fired, begun time.Time)) (Engine, error) {
		engine.started = started
		return engine, nil
	}
	defer delete(engines, "fake")
	synctest.Test(t, f)
	if !closed {
		t.Error("the engine was not closed")
	}
}

func TestIdleMeasuresTheStart(t *testing.T) {
	bubble(t, fake{after: 5 * time.Millisecond}, func(t *testing.T) {
		s, err := Idle(t.Context(), "fake", queue.Server{}, 7, time.Second)
		if err != nil || s.Tasks != 7 || s.P50.Round(time.Millisecond) != 5*time.Millisecond {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestThroughputWaitsForTheLast(t *testing.T) {
	bubble(t, fake{after: time.Second}, func(t *testing.T) {
		// Firing takes no time here, so that the window never ends by itself.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		engines["fake"] = pausing(engines["fake"])
		s, err := Throughput(ctx, "fake", queue.Server{}, 50*time.Millisecond, 95*time.Millisecond)
		if err != nil || s.Tasks != 64*10 || s.Wall < time.Second {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// pausing makes each Fire take 10 ms.
func pausing(open opener) opener {
	return func(ctx context.Context, s queue.Server, started func(fired, begun time.Time)) (Engine, error) {
		e, err := open(ctx, s, started)
		return slow{e}, err
	}
}

type slow struct{ Engine }

func (s slow) Fire(ctx context.Context) error {
	err := s.Engine.Fire(ctx)
	time.Sleep(10 * time.Millisecond)
	return err
}

func TestATaskThatNeverStartsIsAnError(t *testing.T) {
	bubble(t, fake{}, func(t *testing.T) {
		if _, err := Idle(t.Context(), "fake", queue.Server{}, 1, time.Second); err == nil || !strings.Contains(err.Error(), "did not start within") {
			t.Error(err)
		}
	})
	bubble(t, fake{}, func(t *testing.T) {
		engines["fake"] = pausing(engines["fake"])
		if _, err := Throughput(t.Context(), "fake", queue.Server{}, 15*time.Millisecond, time.Second); err == nil || !strings.Contains(err.Error(), "0 of 128 tasks began") {
			t.Error(err)
		}
	})
}

func TestRefusalsAreErrors(t *testing.T) {
	refuse := errors.New("refused")
	bubble(t, fake{refuse: refuse}, func(t *testing.T) {
		if _, err := Idle(t.Context(), "fake", queue.Server{}, 1, time.Second); !errors.Is(err, refuse) {
			t.Error(err)
		}
	})
	if _, err := Idle(t.Context(), "none", queue.Server{}, 1, time.Second); err == nil || !strings.Contains(err.Error(), RiverTuned) {
		t.Error(err)
	}
}

// TestOffloadRunsOnItsEmulator builds the function and fires through everything.
func TestOffloadRunsOnItsEmulator(t *testing.T) {
	server := queue.Server{Address: filepath.Join("..", "..", "idle", "template.yaml")}
	s, err := Idle(t.Context(), Offload, server, 3, 10*time.Millisecond)
	if err != nil || s.Tasks != 3 || s.P50 <= 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
