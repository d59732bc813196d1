package client_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
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

// openJournal opens dir, for a test that closes it itself.
func openJournal(t testing.TB, dir string, opts journal.Options) *journal.Journal {
	t.Helper()
	opts.Logger = slog.New(slog.DiscardHandler)
	j, err := journal.Open(dir, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// host is a client in the mode Journaled with its journal, from one start of a process to its end.
type host struct {
	*client.Client
	journal *journal.Journal
	rec     *clienttest.Recorder
}

func startHost(t *testing.T, dir string, respond clienttest.Responder, opts client.Options, jopts journal.Options) host {
	t.Helper()
	h := host{journal: openJournal(t, dir, jopts), rec: clienttest.NewRecorder(small)}
	h.rec.Respond(respond)
	opts.Mode, opts.Journal = client.Journaled, h.journal
	h.Client = newClient(t, h.rec, &opts)
	return h
}

// stop ends the host: at once, or when everything is sent.
func (h host) stop(t *testing.T, ctx context.Context) {
	t.Helper()
	if closed, _ := errors.AsType[*client.CloseError](h.Close(ctx)); closed != nil {
		for _, r := range closed.Undelivered { // refused in the last moment, and put aside
			want(t, r.Err, task.ErrInvalid)
		}
	}
	if err := h.journal.Close(); err != nil {
		t.Errorf("Close of the journal: %v", err)
	}
}

// journals runs f in a bubble for both kinds of sync.
func journals(t *testing.T, f func(t *testing.T, jopts journal.Options)) {
	for _, sync := range []journal.Sync{journal.SyncAlways, journal.SyncInterval} {
		t.Run(sync.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f(t, journal.Options{Sync: sync, SegmentBytes: 64 << 10})
			})
		})
	}
}

func TestA2_JournaledTaskIsSentByTheNextProcess(t *testing.T) {
	journals(t, func(t *testing.T, jopts journal.Options) {
		dir := t.TempDir()
		first := startHost(t, dir, lost, client.Options{}, jopts)
		var fired []string
		for i := range 10 {
			r, err := first.Fire(t.Context(), number.With(i))
			if err != nil || r.ID == "" {
				t.Fatal(r, err)
			}
			fired = append(fired, r.ID)
		}
		batch, err := first.FireBatch(t.Context(), numbers(100), task.Delay(20*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			fired = append(fired, r.ID)
		}
		time.Sleep(5 * time.Second)
		first.stop(t, canceled(t))
		s := first.Stats()
		if balance(t, s); s.Kept != 110 || s.AtRisk().Tasks != 0 || s.Bound.Tasks != 0 {
			t.Errorf("%+v", s)
		}

		second := startHost(t, dir, clienttest.Accept, client.Options{}, jopts)
		if err := second.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := ids(second.rec.Envelopes())
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(fired))) {
			t.Errorf("%d sent, want the %d that were fired", len(got), len(fired))
		}
		delayed := 0
		for _, e := range second.rec.Envelopes() {
			if e.Class() != "" || e.Source() != "test" {
				t.Errorf("envelope of class %q from %q", e.Class(), e.Source())
			}
			if e.Delay() == 20*time.Second {
				delayed++
			}
		}
		if delayed != 100 {
			t.Errorf("%d with their delay, want 100", delayed)
		}
		second.stop(t, t.Context())
		if s := second.Stats(); s.Recovered != 110 || s.Accepted != 110 || s.Fired != 0 {
			t.Errorf("%+v", s)
		}

		third := startHost(t, dir, clienttest.Accept, client.Options{}, jopts)
		defer third.stop(t, t.Context())
		if err := third.Flush(t.Context()); err != nil || third.rec.Calls() != 0 {
			t.Errorf("what was delivered is sent again: %d calls, %v", third.rec.Calls(), err)
		}
	})
}

// TestA4_OutageSpillsToTheDisk fires far more than memory may hold, and keeps firing while it comes back.
func TestA4_OutageSpillsToTheDisk(t *testing.T) {
	journals(t, func(t *testing.T, jopts journal.Options) {
		h := startHost(t, t.TempDir(), lost, client.Options{MaxPending: 50}, jopts)
		fired := map[string]bool{}
		add := func() {
			r, err := h.Fire(t.Context(), number.With(len(fired)))
			if err != nil {
				t.Fatal(err)
			}
			fired[r.ID] = true
		}
		for range 2000 {
			add()
			if s := h.Stats(); s.Waiting.Tasks+s.InFlight.Tasks > 50 {
				t.Fatalf("%+v", s)
			}
		}
		if s := h.Stats(); s.Spilled < 1900 || s.Backlog < 1900 {
			t.Errorf("%+v", s)
		}
		h.rec.Respond(after(10*time.Millisecond, clienttest.Accept))
		for range 200 {
			time.Sleep(10 * time.Millisecond)
			add()
		}
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := ids(h.rec.Envelopes())
		for _, id := range got {
			if !fired[id] {
				t.Errorf("%s was not fired, or came twice", id)
			}
			delete(fired, id)
		}
		if len(fired) > 0 {
			t.Errorf("%d are lost", len(fired))
		}
		h.stop(t, t.Context())
		balance(t, h.Stats())
	})
}

// TestA3_CloseSendsWhatIsOnTheDisk closes a host whose memory holds a small part of what is to be sent.
func TestA3_CloseSendsWhatIsOnTheDisk(t *testing.T) {
	journals(t, func(t *testing.T, jopts journal.Options) {
		h := startHost(t, t.TempDir(), lost, client.Options{MaxPending: 20}, jopts)
		for i := range 500 {
			if _, err := h.Fire(t.Context(), number.With(i)); err != nil {
				t.Fatal(err)
			}
		}
		h.rec.Respond(after(10*time.Millisecond, clienttest.Accept))
		h.stop(t, t.Context())
		if got := len(h.rec.Envelopes()); got != 500 {
			t.Errorf("%d sent", got)
		}
		balance(t, h.Stats())
	})
}

func TestA10_FullJournalIsAFullBuffer(t *testing.T) {
	journals(t, func(t *testing.T, jopts journal.Options) {
		jopts.MaxBytes = 2 * int64(jopts.SegmentBytes)
		dir, dropped := t.TempDir(), 0
		h := startHost(t, dir, lost, client.Options{OnDrop: func(r client.Receipt) {
			if dropped++; r.Envelope == nil {
				t.Error("a dropped task has no envelope")
			}
		}}, jopts)
		big, fired := strings.Repeat("x", 1000), 0
		var err error
		for ; err == nil; fired++ {
			_, err = h.Fire(t.Context(), text.With(big))
		}
		want(t, err, client.ErrNotSent, client.ErrBufferFull, journal.ErrFull)
		if s := h.Stats(); dropped != 1 || s.Dropped != 1 || s.Waiting.Tasks+s.InFlight.Tasks != fired-1 {
			t.Errorf("%d dropped, %+v", dropped, s)
		}
		h.stop(t, canceled(t))
		next := startHost(t, dir, clienttest.Accept, client.Options{}, jopts)
		defer next.stop(t, t.Context())
		if err := next.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(next.rec.Envelopes()); got != fired-1 {
			t.Errorf("%d sent, want the %d that were taken", got, fired-1)
		}
	})
}

// TestA13_RefusedTaskIsPutAside has one task that the transport will never take, and one that is too large for a segment.
func TestA13_RefusedTaskIsPutAside(t *testing.T) {
	journals(t, func(t *testing.T, jopts journal.Options) {
		var got results
		dir := t.TempDir()
		h := startHost(t, dir, respond(rejected(transport.Invalid)), client.Options{OnResult: got.add}, jopts)
		r, err := h.Fire(t.Context(), number.With(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if told := got.all(); len(told) != 1 || told[0].ID != r.ID || told[0].Envelope == nil {
			t.Errorf("told %v", told)
		}
		_, err = h.Fire(t.Context(), text.With(strings.Repeat("x", jopts.SegmentBytes)))
		want(t, err, client.ErrNotSent, task.ErrInvalid, task.ErrTooLarge, journal.ErrTooLarge)
		if s := h.journal.Stats(); s.Quarantined != 1 {
			t.Errorf("%+v", s)
		}
		h.stop(t, t.Context())
		next := startHost(t, dir, clienttest.Accept, client.Options{}, jopts)
		defer next.stop(t, t.Context())
		if err := next.Flush(t.Context()); err != nil || next.rec.Calls() != 0 {
			t.Errorf("%d calls, %v", next.rec.Calls(), err)
		}
	})
}

// TestJournaledTaskWithoutARouteStays has a process that lacks the route of a task which the process before has left.
func TestJournaledTaskWithoutARouteStays(t *testing.T) {
	journals(t, func(t *testing.T, jopts journal.Options) {
		dir := t.TempDir()
		down := clienttest.NewRecorder(small)
		down.Respond(lost)
		first := startHost(t, dir, lost, client.Options{Routes: map[string]transport.Sender{"bulk": down}}, jopts)
		for _, x := range []task.Task{number.With(1), bulk.With(2)} {
			if _, err := first.Fire(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		first.stop(t, canceled(t))
		second := startHost(t, dir, clienttest.Accept, client.Options{}, jopts)
		if err := second.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := second.rec.Envelopes(); len(got) != 1 || got[0].Name() != number.Name() {
			t.Errorf("sent %v", got)
		}
		second.stop(t, t.Context())
		balance(t, second.Stats())
		slow := clienttest.NewRecorder(small)
		third := startHost(t, dir, clienttest.Accept, client.Options{Routes: map[string]transport.Sender{"bulk": slow}}, jopts)
		defer third.stop(t, t.Context())
		if err := third.Flush(t.Context()); err != nil || len(slow.Envelopes()) != 1 || slow.Envelopes()[0].Class() != "bulk" {
			t.Errorf("sent %v, %v", slow.Envelopes(), err)
		}
	})
}

func TestNewNeedsAJournalForJournaled(t *testing.T) {
	j := openJournal(t, t.TempDir(), journal.Options{})
	defer j.Close()
	for _, opts := range []client.Options{{Mode: client.Journaled}, {Mode: client.Buffered, Journal: j}, {Journal: j}} {
		_, err := client.New(clienttest.NewRecorder(small), &opts)
		if err == nil || !strings.Contains(err.Error(), "Options.Journal") {
			t.Errorf("%v: %v", opts.Mode, err)
		}
	}
}

// TestOracleJournaled fires through chaos and restarts the host again and again, some of them with time to drain. Every
// task that Fire took is stored in the end, or was told to OnResult as refused.
func TestOracleJournaled(t *testing.T) {
	journals(t, func(t *testing.T, jopts journal.Options) {
		dir := t.TempDir()
		x := &chaos{rng: rand.New(rand.NewPCG(rand.Uint64(), 0))}
		var got results
		taken := map[string]bool{}
		for life := range 6 {
			opts := client.Options{OnResult: got.add, AttemptTimeout: 200 * time.Millisecond, MaxSenders: 1 + life, MaxPending: 10 + 30*life}
			h := startHost(t, dir, x.respond, opts, jopts)
			wait := callers(t, h.Client, x)
			time.Sleep(300 * time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(life%3)*200*time.Millisecond)
			h.stop(t, ctx)
			cancel()
			for _, r := range wait() {
				if r.Err == nil {
					taken[r.ID] = true
				}
			}
			balance(t, h.Stats())
		}
		last := startHost(t, dir, clienttest.Accept, client.Options{}, jopts)
		if err := last.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		last.stop(t, t.Context())
		x.store(last.rec.Envelopes()...)
		told := map[string]error{}
		for _, r := range got.all() {
			told[r.ID] = r.Err
		}
		lostTasks := 0
		for id := range taken {
			if x.copies(id) == 0 && !errors.Is(told[id], task.ErrInvalid) {
				lostTasks++
			}
		}
		if lostTasks > 0 {
			t.Errorf("%d of %d tasks are lost", lostTasks, len(taken))
		}
		if t.Logf("%d taken, %d told", len(taken), len(told)); len(taken) < 1000 || len(told) < 10 {
			t.Error("void: an end is too rare to be judged")
		}
	})
}
