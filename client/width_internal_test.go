package client

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

const tookUsually = 8 * time.Millisecond

// learnOften has many requests tell the same, as many in flight as may be.
func (w *width) learnOften(waited time.Duration) {
	for range 100 * quorum {
		w.learn(w.now, tookUsually, waited)
	}
}

func TestWidthShrinksWhileProcessorsAreShort(t *testing.T) {
	for most, least := range map[int]int{128: few, few + 1: few, few: few, 3: 3, 1: 1} {
		w := newWidth(most)
		if w.learnOften(tookUsually / 9); w.now != most {
			t.Errorf("of %d: %d, though hardly a request waits", most, w.now)
		}
		w.learnOften(0) // so few waits are usual
		for range quorum * most {
			w.learn(few+1, tookUsually, tookUsually/2) // while more are in flight
		}
		if w.now != least {
			t.Errorf("of %d: %d, want %d", most, w.now, least)
		}
		if w.learnOften(0); w.now != most {
			t.Errorf("of %d: %d when the processors are free again", most, w.now)
		}
	}
}

// TestWidthStaysWhereOthersKeepTheProcessors has a host whose own work makes every goroutine wait, however few requests
// there are.
func TestWidthStaysWhereOthersKeepTheProcessors(t *testing.T) {
	w := newWidth(128)
	for range 10 * quorum {
		w.learn(few, tookUsually, tookUsually/2)
	}
	for range 100 * quorum {
		w.learn(100, tookUsually, tookUsually*3/4)
	}
	if w.now != 128 {
		t.Errorf("%d", w.now)
	}
	if w.learnOften(0); w.usual > tookUsually/8 {
		t.Errorf("%v are usual when nobody else keeps the processors", w.usual)
	}
}

func TestWidthIgnoresWhatHappensNowAndThen(t *testing.T) {
	w := newWidth(128)
	for i := range 1000 {
		waited := tookUsually / 9 // an eighth is too much
		if i%3 == 0 {
			waited = tookUsually
		}
		if w.learn(100, tookUsually, waited); w.now != 128 {
			t.Fatalf("%d after %d requests", w.now, i)
		}
	}
	w.now, w.votes = few, 0
	for range quorum - 1 {
		w.learn(few, tookUsually, 0)
	}
	if w.now != few {
		t.Errorf("%d before so many requests were for it", w.now)
	}
	if w.learn(few, tookUsually, 0); w.now != few+1 {
		t.Errorf("%d, want %d", w.now, few+1)
	}
}

// mute is a Sender that does not answer.
type mute struct{}

func (mute) Limits() transport.Limits { return transport.Limits{Items: 1} }

func (mute) Send(ctx context.Context, _ []task.Envelope) ([]transport.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestNarrowRouteDoesNotWaitForWhatHangs: the width counts no longer when requests are late, and what a request tells
// when its place is taken over changes it.
func TestNarrowRouteDoesNotWaitForWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(mute{}, &Options{Mode: Buffered, AttemptTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		r := c.standard
		end := func(waited time.Duration) { // of a request, whose place is taken over
			q := &request{took: tookUsually}
			r.flights.add(q)
			r.takeOver(q, waited)
		}
		for range quorum {
			end(0)
		}
		if r.width.now != DefaultMaxSenders {
			t.Errorf("%d when nothing waits for a processor", r.width.now)
		}
		r.width.now = few + 1
		for range 2 * quorum {
			r.width.usual = 0
			end(tookUsually)
		}
		if r.width.now != few {
			t.Errorf("%d, want %d", r.width.now, few)
		}
		define := task.Define[int]("number")
		for i := range 3 * few {
			if _, err := c.Fire(t.Context(), define.With(i)); err != nil {
				t.Fatal(err)
			}
		}
		if synctest.Wait(); c.Stats().InFlight.Tasks != few {
			t.Errorf("%d in flight at once, want %d", c.Stats().InFlight.Tasks, few)
		}
		if time.Sleep(firstPatience + 1); c.Stats().InFlight.Tasks <= few {
			t.Errorf("%d in flight when they are late", c.Stats().InFlight.Tasks)
		}
		time.Sleep(30 * time.Second)
		if n := c.Stats().InFlight.Tasks; n != 3*few {
			t.Errorf("%d in flight of %d", n, 3*few)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = c.Close(ctx)
		synctest.Wait()
	})
}

// held is a Sender that leaves a goroutine behind which holds the processor for a while, once it gets it.
type held struct{ over chan struct{} }

const heldFor = time.Millisecond

func (held) Limits() transport.Limits { return transport.Limits{Items: 1} }

func (h held) Send(context.Context, []task.Envelope) ([]transport.Result, error) {
	go func() {
		start := time.Now()
		for time.Since(start) < heldFor {
		}
		close(h.over)
	}()
	return []transport.Result{{Outcome: transport.Accepted}}, nil
}

// TestWidthLearnsWhatRequestsWaitForAProcessor has one processor, and something that holds it when a request lets others run. The
// request has then waited at least as long, however loaded the machine is, unless the scheduler took the processor from it
// in the moment before it looked at the clock: so one of several must have.
func TestWidthLearnsWhatRequestsWaitForAProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var usual []time.Duration
	for range 50 {
		h := held{make(chan struct{})}
		c, err := New(h, &Options{Mode: Buffered, Source: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Fire(t.Context(), probe.With(struct{}{})); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-h.over
		usual = append(usual, c.standard.width.usual) // an eighth of the first wait
		if usual[len(usual)-1] >= heldFor/8 {
			return
		}
	}
	t.Errorf("of requests that waited for %v the averages are %v", heldFor, usual)
}
