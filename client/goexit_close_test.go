package client_test

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// TestA15_CloseThatAHookEndsCutsTheDrainingShort has the caller of Close end in the middle of it, while another one waits and
// the transport heeds no context.
func TestA15_CloseThatAHookEndsCutsTheDrainingShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spoilt{spoiler: &spoiler{
			hook: "Ended", misbehave: runtime.Goexit, calls: map[string]int{}, ended: map[string]error{}, results: map[string]bool{},
		}}
		s.open(t, client.Buffered)
		s.rec.Respond(func(context.Context, int, []task.Envelope) ([]transport.Result, error) {
			time.Sleep(time.Hour)
			return nil, errNet
		})
		tasks := numbers(10)
		for range 10 {
			tasks = append(tasks, bulk.With(0))
		}
		if _, err := s.FireBatch(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start, other := time.Now(), make(chan time.Duration)
		go func() {
			_ = s.Close(context.WithoutCancel(t.Context()))
			other <- time.Since(start)
		}()
		synctest.Wait()
		s.try(func() {
			_ = s.Close(canceled(t))
			t.Error("Close has returned")
		})
		if took := <-other; took > 2*time.Second {
			t.Errorf("another Close took %v", took)
		}
		synctest.Wait()
		if stats := s.Stats(); stats.Waiting.Tasks > 0 || stats.InFlight.Tasks > 0 || len(s.ended) != 20 || len(s.twice) > 0 {
			t.Errorf("%d ended, and %v twice: %+v", len(s.ended), s.twice, stats)
		}
		time.Sleep(2 * time.Hour)
	})
}

// TestA15_HookThatExitsIsLogged looks for the hook in the log, and for what is logged besides.
func TestA15_HookThatExitsIsLogged(t *testing.T) {
	var log bytes.Buffer
	opts := &client.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Hooks: client.Hooks{Health: func(client.Health) { runtime.Goexit() }}}
	bubble(t, opts, func(t *testing.T, c *client.Client, rec *clienttest.Recorder) {
		rec.Respond(flaky(lost, 2*time.Second))
		if _, err := c.Fire(t.Context(), number.With(1)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		for _, line := range []string{"Options.Hooks.Health ended its goroutine with runtime.Goexit", "sending fails", "sending again"} {
			if !strings.Contains(log.String(), line) {
				t.Errorf("the log lacks %q:\n%s", line, log.String())
			}
		}
	})
}

// TestA15_CloseThatAHookEndsTellsWhatIsKept holds that the log says how much stays in the journal.
func TestA15_CloseThatAHookEndsTellsWhatIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.TempDir(), &journal.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		var log bytes.Buffer
		rec := clienttest.NewRecorder(transport.Limits{Items: 2, BatchBytes: 1 << 20, MessageBytes: 1 << 19})
		rec.Respond(hangs)
		c := newClient(t, rec, &client.Options{
			Mode: client.Journaled, Journal: j, MaxSenders: 1, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Hooks: client.Hooks{Ended: func(client.Receipt, time.Duration) { runtime.Goexit() }},
		})
		if _, err := c.FireBatch(t.Context(), numbers(6)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var s spoilt
		s.try(func() {
			_ = c.Close(canceled(t))
			t.Error("Close has returned")
		})
		synctest.Wait()
		if !strings.Contains(log.String(), "tasks stay in the journal") {
			t.Errorf("the log does not tell: %s", &log)
		}
	})
}
