package clienttest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// closeTimeout is how long a test's client may take to drain at the end.
const closeTimeout = 5 * time.Second

// New returns a client that sends to a new Recorder with [QueueLimits]: tasks of class "" and of the classes of defs. It
// is closed at the end of the test, which fails if tasks were left undelivered then.
func New(t testing.TB, defs ...task.Definable) (*client.Client, *Recorder) {
	t.Helper()
	return NewWith(t, nil, defs...)
}

// NewWith is [New] with options: the mode that the program runs in, a small buffer to see it full, hooks. opts may be
// nil. Routes that it has are kept; Source is "clienttest" unless it says otherwise. In the modes
// client.Buffered and client.Journaled tasks travel after Fire has returned: the assertions of this package wait for those
// that were fired before. client.Journaled without a journal gets one in a temporary directory.
func NewWith(t testing.TB, opts *client.Options, defs ...task.Definable) (*client.Client, *Recorder) {
	t.Helper()
	rec := NewRecorder(QueueLimits)
	var o client.Options
	if opts != nil {
		o = *opts
	}
	if o.Source == "" {
		o.Source = "clienttest"
	}
	routes := map[string]transport.Sender{}
	for _, d := range defs {
		if class := d.Policy().Class; class != "" {
			routes[class] = rec
		}
	}
	maps.Copy(routes, o.Routes)
	o.Routes = routes
	if o.Mode == client.Journaled && o.Journal == nil {
		o.Journal = temporaryJournal(t)
	}
	c, err := client.New(rec, &o)
	if err != nil {
		t.Fatalf("clienttest: %v", err)
	}
	if o.Mode != client.Confirmed {
		rec.client = c
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), closeTimeout)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("clienttest: %v", err)
		}
	})
	return c, rec
}

// temporaryJournal is closed after the client, whose end is registered later.
func temporaryJournal(t testing.TB) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.TempDir(), &journal.Options{Sync: journal.SyncInterval, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("clienttest: %v", err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("clienttest: %v", err)
		}
	})
	return j
}

// settle waits until what was fired before has ended, where Fire does not.
func settle(t testing.TB, rec *Recorder) {
	t.Helper()
	if rec.client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), closeTimeout)
	defer cancel()
	if err := rec.client.Flush(ctx); err != nil {
		t.Fatalf("clienttest: %v: the Recorder does not accept what was fired, see Respond and FailNext", err)
	}
}

// Fired returns the arguments of every task of the definition that the Recorder accepted, in order. It fails the test
// if one does not decode. A task that was sent twice counts once.
func Fired[T any](t testing.TB, rec *Recorder, def task.Definition[T]) []T {
	t.Helper()
	envelopes := of(t, rec, def.Name())
	args := make([]T, len(envelopes))
	for i, e := range envelopes {
		args[i] = decode(t, def, e)
	}
	return args
}

// RequireFired returns the arguments and the envelope of the one task of the definition that the Recorder accepted. If
// there is none, or more than one, it stops the test and lists what was fired.
func RequireFired[T any](t testing.TB, rec *Recorder, def task.Definition[T]) (T, task.Envelope) {
	t.Helper()
	envelopes := of(t, rec, def.Name())
	if len(envelopes) != 1 {
		t.Fatalf("want one task %q, got %d; %s", def.Name(), len(envelopes), list(rec))
	}
	return decode(t, def, envelopes[0]), envelopes[0]
}

// RequireNotFired stops the test, and lists what was fired, if the Recorder accepted a task of the definition.
func RequireNotFired(t testing.TB, rec *Recorder, def task.Definable) {
	t.Helper()
	if n := len(of(t, rec, def.Name())); n > 0 {
		t.Fatalf("want no task %q, got %d; %s", def.Name(), n, list(rec))
	}
}

func decode[T any](t testing.TB, def task.Definition[T], e task.Envelope) T {
	t.Helper()
	args, err := def.Decode(e)
	if err != nil {
		t.Fatalf("fired task %s does not decode: %v; %s", e.ID(), err, e.Data())
	}
	return args
}

// of returns the accepted envelopes of one name, each task once.
func of(t testing.TB, rec *Recorder, name string) []task.Envelope {
	t.Helper()
	settle(t, rec)
	var found []task.Envelope
	seen := map[string]bool{}
	for _, e := range rec.Envelopes() {
		if e.Name() == name && !seen[e.ID()] {
			seen[e.ID()] = true
			found = append(found, e)
		}
	}
	return found
}

// maxData is how much of a task's arguments a failure message shows.
const maxData = 200

func list(rec *Recorder) string {
	envelopes := rec.Envelopes()
	if len(envelopes) == 0 {
		return "nothing was fired"
	}
	var b strings.Builder
	b.WriteString("fired:")
	for _, e := range envelopes {
		data := string(e.Data())
		if len(data) > maxData {
			data = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(data[:maxData], ""), len(data))
		}
		fmt.Fprintf(&b, "\n\t%s %s %s", e.Name(), e.ID(), data)
	}
	return b.String()
}
