package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// forgetful keeps nothing but the places of batches and bodies in memory.
type forgetful struct {
	answer clienttest.Responder

	mu      sync.Mutex
	batches map[*task.Envelope]bool // guarded by mu
	sent    int                     // guarded by mu: batches
	places  map[*byte]bool          // guarded by mu
	tasks   int                     // guarded by mu
}

func (f *forgetful) Limits() transport.Limits  { return small }
func (f *forgetful) Forgets() transport.Sender { return f }

func (f *forgetful) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	f.mu.Lock()
	f.batches[unsafe.SliceData(batch)] = true
	f.sent++
	for _, e := range batch {
		f.places[unsafe.SliceData(e.Body())] = true
		f.tasks++
	}
	f.mu.Unlock()
	return f.answer(ctx, 0, batch)
}

func newForgetful(answer clienttest.Responder) *forgetful {
	return &forgetful{answer: answer, batches: map[*task.Envelope]bool{}, places: map[*byte]bool{}}
}

// keeper keeps what it was given: it promises nothing.
type keeper struct {
	mu      sync.Mutex
	kept    []task.Envelope   // guarded by mu: copies
	batches [][]task.Envelope // guarded by mu: as they came
}

func (k *keeper) keep(batch []task.Envelope) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, batch...)
	k.batches = append(k.batches, batch)
}

func (k *keeper) Limits() transport.Limits { return small }

func (k *keeper) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	k.keep(batch)
	return clienttest.Accept(ctx, 0, batch)
}

// embedder has a Forgetful Sender inside, and keeps envelopes.
type embedder struct {
	*forgetful
	k *keeper
}

func (e *embedder) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	e.k.keep(batch)
	return e.forgetful.Send(ctx, batch)
}

// slicer is a Sender that == does not take.
type slicer struct {
	*embedder
	_ []int
}

func (u slicer) Forgets() transport.Sender { return u }

// rounds fires tasks with data of their own, and lets them end, so that the memory of each round is free for the next.
const rounds, aRound = 20, 25

func fireRounds(t *testing.T, c *client.Client) {
	t.Helper()
	for i := range rounds {
		for n := range aRound {
			if _, err := c.Fire(t.Context(), text.With(dataOf(i*aRound+n))); err != nil && !errors.Is(err, client.ErrBufferFull) {
				t.Fatal(err)
			}
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// dataOf is of different lengths, so that memory of another task shows.
func dataOf(i int) string { return fmt.Sprint(i, " ", strings.Repeat("x", i%100)) }

// checkKept wants the envelopes to hold what their bodies say, and each data once.
func checkKept(t *testing.T, kept []task.Envelope, want int) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range kept {
		again, err := task.Parse(e.Body())
		if err != nil || again.ID() != e.ID() || string(again.Data()) != string(e.Data()) {
			t.Fatalf("the envelope %q holds the body %s: %v", e.ID(), e.Body(), err)
		}
		seen[string(e.Data())] = true
	}
	if len(kept) != want || len(seen) != want {
		t.Errorf("%d envelopes with %d different data are kept, want %d", len(kept), len(seen), want)
	}
}

func TestEnvelopesThatAreHeldStay(t *testing.T) {
	for name, hold := range map[string]func(k *keeper) (transport.Sender, client.Hooks){
		"by the Sender": func(k *keeper) (transport.Sender, client.Hooks) { return k, client.Hooks{} },
		"by a Sender that embeds a Forgetful one": func(k *keeper) (transport.Sender, client.Hooks) {
			return &embedder{newForgetful(clienttest.Accept), k}, client.Hooks{}
		},
		"by the hook Send": func(k *keeper) (transport.Sender, client.Hooks) {
			return newForgetful(clienttest.Accept), client.Hooks{Send: func(ctx context.Context, s client.Sending) context.Context {
				k.keep(s.Envelopes)
				return ctx
			}}
		},
		"by the hook Sent": func(k *keeper) (transport.Sender, client.Hooks) {
			return newForgetful(clienttest.Accept), client.Hooks{Sent: func(_ context.Context, s client.Sending, _ []transport.Result, _ error) {
				k.keep(s.Envelopes)
			}}
		},
		"by a Sender that == does not take": func(k *keeper) (transport.Sender, client.Hooks) {
			return slicer{embedder: &embedder{newForgetful(clienttest.Accept), k}}, client.Hooks{}
		},
	} {
		inModes(t, name, func(t *testing.T, mode client.Mode) {
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{}
				s, hooks := hold(k)
				c := newClient(t, s, &client.Options{Mode: mode, Hooks: hooks})
				fireRounds(t, c)
				if err := c.Close(t.Context()); err != nil {
					t.Error(err)
				}
				checkKept(t, k.kept, rounds*aRound)
				checkKept(t, slices.Concat(k.batches...), rounds*aRound)
			})
		})
	}
}

func TestForgottenMemoryIsUsedAgain(t *testing.T) {
	inModes(t, "", func(t *testing.T, mode client.Mode) {
		synctest.Test(t, func(t *testing.T) {
			f := newForgetful(clienttest.Accept)
			c := newClient(t, f, &client.Options{Mode: mode})
			fireRounds(t, c)
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if f.tasks != rounds*aRound || len(f.places) > f.tasks/2 {
				t.Errorf("%d tasks lay in %d places", f.tasks, len(f.places))
			}
			if len(f.batches) > f.sent/2 {
				t.Errorf("%d batches lay in %d places", f.sent, len(f.batches))
			}
		})
	})
}

// inModes runs a test in the modes that let go of what was delivered.
func inModes(t *testing.T, name string, run func(t *testing.T, mode client.Mode)) {
	for _, mode := range []client.Mode{client.Buffered, client.Confirmed} {
		t.Run(name+" "+mode.String(), func(t *testing.T) { run(t, mode) })
	}
}

// TestBatchesOfASenderThatIsTakenDownStay has a Forgetful Sender that does not return at times: what it has set off may then
// still read the batch.
func TestBatchesOfASenderThatIsTakenDownStay(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("taken down") }, "Goexit": runtime.Goexit} {
		inModes(t, name, func(t *testing.T, mode client.Mode) {
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{}
				f := newForgetful(func(ctx context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
					if rand.IntN(3) == 0 {
						k.keep(batch)
						end()
					}
					return clienttest.Accept(ctx, 0, batch)
				})
				c := newClient(t, f, &client.Options{Mode: mode, ConfirmTimeout: time.Hour, SendTimeout: time.Hour, Logger: slog.New(slog.DiscardHandler)})
				fireRounds(t, c)
				if err := c.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if len(k.batches) == 0 {
					t.Error("it was never taken down")
				}
				for i, e := range slices.Concat(k.batches...) {
					again, err := task.Parse(e.Body())
					if err != nil || e.ID() != k.kept[i].ID() || again.ID() != e.ID() {
						t.Fatalf("the envelope %q became %q, with the body %s", k.kept[i].ID(), e.ID(), e.Body())
					}
				}
			})
		})
	}
}

// TestWhatIsNotDeliveredStays has a Forgetful Sender that refuses some tasks, gives no answer for others at first, and hangs
// in the end, and a buffer that is soon full: the envelopes in receipts belong to whoever gets them.
func TestWhatIsNotDeliveredStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refused results
		var dropped []task.Envelope
		hang := false
		f := newForgetful(func(ctx context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
			if hang {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			time.Sleep(time.Millisecond) // a round is fired in no time at all, so its last tasks find the buffer full
			all := make([]transport.Result, len(batch))
			for i, e := range batch {
				switch last := e.ID()[len(e.ID())-1]; {
				case last%4 == 0:
					all[i] = rejected(transport.Invalid)
				case last%4 != 1 || time.Since(e.Time()) > time.Second:
					all[i] = transport.Result{Outcome: transport.Accepted}
				}
			}
			return all, transport.FirstError(all, len(batch))
		})
		c := newClient(t, f, &client.Options{
			Mode: client.Buffered, MaxPending: aRound - 5, OnResult: refused.add,
			OnDrop: func(r client.Receipt) { dropped = append(dropped, *r.Envelope) },
		})
		fireRounds(t, c)
		hang = true
		for i := range aRound - 5 {
			if _, err := c.Fire(t.Context(), text.With(dataOf(rounds*aRound+i))); err != nil {
				t.Fatal(err)
			}
		}
		err, _ := errors.AsType[*client.CloseError](c.Close(canceled(t)))
		if err == nil || len(err.Undelivered) != aRound-5 || len(refused.all()) == 0 || len(dropped) == 0 {
			t.Fatalf("refused %d, dropped %d, left %v", len(refused.all()), len(dropped), err)
		}
		kept := dropped
		for _, r := range refused.all() {
			kept = append(kept, *r.Envelope)
		}
		checkKept(t, kept, len(kept))
	})
}

// TestWhatWasRefusedStays has a Forgetful Sender that refuses every third task: its envelope belongs to the caller, whose next
// task has memory of its own.
func TestWhatWasRefusedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := newClient(t, newForgetful(func(ctx context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
			if n++; n%3 > 0 {
				return clienttest.Accept(ctx, 0, batch)
			}
			return []transport.Result{rejected(transport.Invalid)}, nil
		}), nil)
		var kept []task.Envelope
		for i := range rounds * aRound {
			if r, err := c.Fire(t.Context(), text.With(dataOf(i))); err != nil {
				kept = append(kept, *r.Envelope)
			}
		}
		checkKept(t, kept, rounds*aRound/3)
	})
}

// TestWhatCallersLeftStays has callers whose patience ends when the answer comes: what they are told, and what the route still
// does with a task that was left, is of that task and of no later one.
func TestWhatCallersLeftStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const roundTrip = 10 * time.Millisecond
		f := newForgetful(func(ctx context.Context, _ int, batch []task.Envelope) ([]transport.Result, error) {
			time.Sleep(roundTrip)
			all := make([]transport.Result, len(batch))
			for i, e := range batch {
				all[i] = transport.Result{Outcome: transport.Accepted, MessageID: e.ID()}
			}
			return all, nil
		})
		var later results
		c := newClient(t, f, &client.Options{OnResult: later.add})
		var mu sync.Mutex
		left := map[string]bool{}
		confirmed := 0
		for range rounds {
			var all sync.WaitGroup
			for i := range aRound {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%3)*roundTrip)
					defer cancel()
					r, err := c.Fire(ctx, text.With(dataOf(i)))
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil && r.MessageID == r.ID:
						confirmed++
					case errors.Is(err, client.ErrUnconfirmed) && r.Envelope.ID() == r.ID:
						left[r.ID] = true
					case !errors.Is(err, client.ErrNotSent) || r.Envelope.ID() != r.ID:
						t.Errorf("%q: %v, message id %q", r.ID, err, r.MessageID)
					}
				})
			}
			all.Wait()
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for _, r := range later.all() {
			if !left[r.ID] || r.Err != nil || r.MessageID != r.ID {
				t.Errorf("%q: told %v later, message id %q", r.ID, r.Err, r.MessageID)
			}
			delete(left, r.ID)
		}
		if confirmed == 0 || len(later.all()) == 0 || len(left) > 0 {
			t.Errorf("%d were confirmed, %d told later, %d never", confirmed, len(later.all()), len(left))
		}
	})
}
