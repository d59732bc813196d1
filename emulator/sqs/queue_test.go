package sqs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return epoch.Add(d) }

func testRegistry(seed uint64) *registry {
	return newRegistry("us-east-1", "000000000000", rand.New(rand.NewPCG(seed, seed)))
}

func mustCreate(t testing.TB, r *registry, name string, attributes map[string]string) *queue {
	t.Helper()
	q, err := r.create(epoch, name, attributes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func mustSend(t testing.TB, r *registry, q *queue, now time.Time, o Outgoing) string {
	t.Helper()
	p, err := o.pack()
	if err != nil {
		t.Fatal(err)
	}
	id, err := r.send(now, q, p)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// receiveOne expects exactly one message.
func receiveOne(t testing.TB, r *registry, q *queue, now time.Time) (Message, receipt) {
	t.Helper()
	got := r.receive(now, q, 10, nil)
	if len(got) != 1 {
		t.Fatalf("received %d messages at %v, want 1", len(got), now.Sub(epoch))
	}
	handle, err := q.receipt(got[0].ReceiptHandle)
	if err != nil {
		t.Fatal(err)
	}
	return got[0], handle
}

func receiveNone(t testing.TB, r *registry, q *queue, now time.Time) {
	t.Helper()
	if got := r.receive(now, q, 10, nil); len(got) != 0 {
		t.Fatalf("received %d messages at %v, want none", len(got), now.Sub(epoch))
	}
}

func code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// TestC8_VisibilityIsCountedFromEachReceive walks through the table of what a
// visibility timeout does: hidden up to the instant, change at once, 12 h in
// all from the receive, forgotten at the next receive.
func TestC8_VisibilityIsCountedFromEachReceive(t *testing.T) {
	const half = 6 * time.Hour
	type change struct {
		at, to time.Duration
		want   string // error code
	}
	cases := []struct {
		name    string
		changes []change
		hidden  time.Duration // visible again at this time, not a nanosecond before
	}{
		{"the queue's own timeout", nil, 30 * time.Second},
		{"shorter", []change{{10 * time.Second, 5 * time.Second, ""}}, 15 * time.Second},
		{"longer", []change{{29 * time.Second, time.Hour, ""}}, time.Hour + 29*time.Second},
		{"zero is at once", []change{{10 * time.Second, 0, ""}}, 10 * time.Second},
		{"the whole 12 h at the receive", []change{{0, 12 * time.Hour, ""}}, 12 * time.Hour},
		{"12 h in all, not from the change", []change{{time.Second, 12 * time.Hour, codeInvalidParameterValue}}, 30 * time.Second},
		{"up to the cap by two extensions", []change{{10 * time.Second, half, ""}, {half, half, ""}}, 12 * time.Hour},
		{"one nanosecond over the cap", []change{{0, half, ""}, {half - 1, half + 2, codeInvalidParameterValue}}, half},
		{"too late", []change{{30 * time.Second, time.Minute, codeMessageNotInflight}}, 30 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := testRegistry(1)
			q := mustCreate(t, r, "q", nil)
			mustSend(t, r, q, epoch, Outgoing{Body: "x"})
			_, handle := receiveOne(t, r, q, epoch)
			for _, change := range c.changes {
				if err := q.changeVisibility(after(change.at), handle, change.to); code(err) != change.want {
					t.Fatalf("change to %v after %v: %v, want code %q", change.to, change.at, err, change.want)
				}
			}
			if c.hidden > 30*time.Second {
				receiveNone(t, r, q, after(c.hidden-1))
			}
			again, second := receiveOne(t, r, q, after(c.hidden))
			if again.Receives != 2 {
				t.Errorf("receive count is %d, want 2", again.Receives)
			}
			// The change is forgotten: the queue's own timeout holds again, and
			// a new 12 h begin.
			receiveNone(t, r, q, after(c.hidden+30*time.Second-1))
			if err := q.changeVisibility(after(c.hidden+1), second, maxVisibility-1); err != nil {
				t.Errorf("the second receive does not have 12 h of its own: %v", err)
			}
		})
	}
}

func TestC8_VisibilityOfOneReceive(t *testing.T) {
	r := testRegistry(1)
	q := mustCreate(t, r, "q", map[string]string{"VisibilityTimeout": "60"})
	mustSend(t, r, q, epoch, Outgoing{Body: "x"})
	short, none := 5*time.Second, time.Duration(0)
	if got := r.receive(epoch, q, 1, &short); len(got) != 1 {
		t.Fatal("nothing received")
	}
	receiveNone(t, r, q, after(short-1))
	// Zero: received, counted, and back at once; but not twice in one receive.
	for want := 2; want < 5; want++ {
		got := r.receive(after(short), q, 10, &none)
		if len(got) != 1 || got[0].Receives != want {
			t.Fatalf("received %d messages %+v, want one with receive count %d", len(got), got, want)
		}
	}
	if n := q.counts(after(short)); n != (counts{visible: 1}) {
		t.Errorf("counts are %+v, want one visible", n)
	}
}

func TestQueueDelay(t *testing.T) {
	delay := func(d time.Duration) *time.Duration { return &d }
	for _, c := range []struct {
		name    string
		queue   string
		message *time.Duration
		want    time.Duration
	}{
		{"none", "0", nil, 0},
		{"of the queue", "10", nil, 10 * time.Second},
		{"of the message", "0", delay(900 * time.Second), 900 * time.Second},
		{"the message wins", "10", delay(3 * time.Second), 3 * time.Second},
		{"zero of the message is none", "10", delay(0), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := testRegistry(1)
			q := mustCreate(t, r, "q", map[string]string{"DelaySeconds": c.queue})
			mustSend(t, r, q, epoch, Outgoing{Body: "x", Delay: c.message})
			if c.want > 0 {
				if n := q.counts(after(c.want - 1)); n != (counts{delayed: 1}) {
					t.Errorf("counts are %+v, want one delayed", n)
				}
				receiveNone(t, r, q, after(c.want-1))
			}
			got, _ := receiveOne(t, r, q, after(c.want))
			if got.Receives != 1 || !got.SentAt.Equal(epoch) || !got.FirstReceivedAt.Equal(after(c.want)) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestC17_StaleReceiptDeletesNothing: a delete with the handle of an earlier
// receive succeeds and does nothing; the latest handle works even after its
// timeout.
func TestC17_StaleReceiptDeletesNothing(t *testing.T) {
	r := testRegistry(1)
	q := mustCreate(t, r, "q", nil)
	mustSend(t, r, q, epoch, Outgoing{Body: "x"})
	_, first := receiveOne(t, r, q, epoch)
	_, second := receiveOne(t, r, q, after(30*time.Second))
	q.remove(after(31*time.Second), first)
	if n := q.counts(after(31 * time.Second)); n.inFlight != 1 {
		t.Fatalf("a stale handle deleted the message: %+v", n)
	}
	if err := q.changeVisibility(after(31*time.Second), first, 0); code(err) != codeMessageNotInflight {
		t.Errorf("a stale handle changed the visibility: %v", err)
	}
	q.remove(after(time.Hour), second)
	if n := q.counts(after(time.Hour)); n != (counts{}) {
		t.Errorf("the latest handle did not delete: %+v", n)
	}
	q.remove(after(time.Hour), second)
	if err := q.changeVisibility(after(time.Hour), second, 0); code(err) != codeInvalidParameterValue {
		t.Errorf("changed the visibility of a deleted message: %v", err)
	}
}

func TestC10_RedriveAfterMaxReceives(t *testing.T) {
	r := testRegistry(1)
	dead := mustCreate(t, r, "dead", nil)
	q := mustCreate(t, r, "q", map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": redrivePolicy{dead.arn, 2}.String()})
	id := mustSend(t, r, q, epoch, Outgoing{Body: "poison"})
	receiveOne(t, r, q, after(0))
	receiveOne(t, r, q, after(time.Second))
	receiveNone(t, r, dead, after(2*time.Second))
	healthy := mustSend(t, r, q, after(2*time.Second), Outgoing{Body: "healthy"})
	// The same receive moves the one and returns the other.
	if got, _ := receiveOne(t, r, q, after(2*time.Second)); got.ID != healthy {
		t.Errorf("received %q, want the healthy message", got.Body)
	}
	got, _ := receiveOne(t, r, dead, after(3*time.Second))
	if got.ID != id || got.DeadLetterSourceARN != q.arn || !got.SentAt.Equal(epoch) || got.Receives != 3 {
		t.Errorf("dead letter is %+v, want id %s, source %s, enqueue time kept, receive count 3", got, id, q.arn)
	}
}

// A dead-letter queue may have one of its own: it counts its receives anew.
func TestC10_RedriveCountsInEachQueue(t *testing.T) {
	r := testRegistry(1)
	grave := mustCreate(t, r, "grave", nil)
	dead := mustCreate(t, r, "dead", map[string]string{"VisibilityTimeout": "0", "RedrivePolicy": redrivePolicy{grave.arn, 2}.String()})
	q := mustCreate(t, r, "q", map[string]string{"VisibilityTimeout": "0", "RedrivePolicy": redrivePolicy{dead.arn, 3}.String()})
	mustSend(t, r, q, epoch, Outgoing{Body: "x"})
	for i, c := range []struct {
		q    *queue
		want int
	}{{q, 3}, {dead, 2}, {grave, 1}} {
		for range c.want {
			receiveOne(t, r, c.q, epoch)
		}
		if i < 2 {
			receiveNone(t, r, c.q, epoch)
		}
	}
}

// A dead-letter queue that was deleted loses nothing: the message goes on being
// delivered.
func TestC10_RedriveWithoutTargetKeepsTheMessage(t *testing.T) {
	r := testRegistry(1)
	dead := mustCreate(t, r, "dead", nil)
	q := mustCreate(t, r, "q", map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": redrivePolicy{dead.arn, 1}.String()})
	mustSend(t, r, q, epoch, Outgoing{Body: "x"})
	r.drop(dead)
	for i := range 3 {
		receiveOne(t, r, q, after(time.Duration(i)*time.Second))
	}
}

func TestQueueRetention(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *registry, *queue){
		"visible":   func(*testing.T, *registry, *queue) {},
		"in flight": func(t *testing.T, r *registry, q *queue) { receiveOne(t, r, q, after(50*time.Second)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := testRegistry(1)
			q := mustCreate(t, r, "q", map[string]string{"MessageRetentionPeriod": "60"})
			mustSend(t, r, q, epoch, Outgoing{Body: "x"})
			prepare(t, r, q)
			if n := q.counts(after(time.Minute - 1)); n.visible+n.inFlight != 1 {
				t.Errorf("the message went early: %+v", n)
			}
			if n := q.counts(after(time.Minute)); n != (counts{}) {
				t.Errorf("the message outlived its retention: %+v", n)
			}
		})
	}
}

func TestC9_InFlightLimit(t *testing.T) {
	if maxInFlight != 120_000 {
		t.Errorf("the limit is %d, AWS has 120,000", maxInFlight)
	}
	r := testRegistry(1)
	q := mustCreate(t, r, "q", nil)
	q.limit = 1200
	for range 1300 {
		mustSend(t, r, q, epoch, Outgoing{Body: "x"})
	}
	got := r.receive(epoch, q, 10_000, nil)
	if len(got) != 1200 || q.ready(epoch) {
		t.Fatalf("%d messages in flight, ready %v; want 1200 and not ready", len(got), q.ready(epoch))
	}
	handle, _ := q.receipt(got[7].ReceiptHandle)
	q.remove(epoch, handle)
	receiveOne(t, r, q, epoch)
}

func TestQueuePurge(t *testing.T) {
	r := testRegistry(1)
	q := mustCreate(t, r, "q", nil)
	delay := time.Minute
	mustSend(t, r, q, epoch, Outgoing{Body: "in flight"})
	_, handle := receiveOne(t, r, q, epoch)
	mustSend(t, r, q, epoch, Outgoing{Body: "visible"})
	mustSend(t, r, q, epoch, Outgoing{Body: "delayed", Delay: &delay})
	if err := q.purge(epoch); err != nil {
		t.Fatal(err)
	}
	q.remove(epoch, handle)
	if n := q.counts(after(time.Hour)); n != (counts{}) {
		t.Errorf("left after the purge: %+v", n)
	}
	if err := q.purge(after(time.Minute - 1)); code(err) != codePurgeQueueInProgress {
		t.Errorf("second purge within a minute: %v", err)
	}
	if err := q.purge(after(time.Minute)); err != nil {
		t.Errorf("purge after a minute: %v", err)
	}
}

func TestUnreceiveLeavesNoTrace(t *testing.T) {
	r := testRegistry(1)
	q := mustCreate(t, r, "q", nil)
	var want []string
	for range 3 {
		want = append(want, mustSend(t, r, q, epoch, Outgoing{Body: "x"}))
	}
	a := answer{messages: r.receive(epoch, q, 2, nil)}
	q.unreceive(epoch, a.receipts())
	q.remove(epoch, a.receipts()[0]) // nobody holds this handle any more
	var got []string
	for _, m := range r.receive(after(time.Second), q, 10, nil) {
		got = append(got, m.ID)
		if m.Receives != 1 || !m.FirstReceivedAt.Equal(after(time.Second)) {
			t.Errorf("message %+v remembers the receive that was undone", m)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("received %v, want %v in this order", got, want)
	}
}

// The same calls with the same random numbers give the same ids and handles.
func TestRegistryIsDeterministic(t *testing.T) {
	run := func() (trace []string) {
		r := testRegistry(7)
		q := mustCreate(t, r, "q", map[string]string{"VisibilityTimeout": "1"})
		for i := range 50 {
			delay := time.Duration(i%4) * time.Second
			mustSend(t, r, q, after(time.Duration(i)), Outgoing{Body: "x", Delay: &delay})
		}
		for i := range 20 {
			for _, m := range r.receive(after(time.Duration(i)*time.Second), q, 7, nil) {
				trace = append(trace, m.ID+m.ReceiptHandle)
			}
		}
		return trace
	}
	if first, second := run(), run(); !slices.Equal(first, second) {
		t.Error("two runs differ")
	}
}

func TestReceiptHandle(t *testing.T) {
	want := receipt{serial: 3, key: 1 << 40, nonce: 0xDEADBEEF}
	text := want.String()
	if got, ok := parseReceipt(text); !ok || got != want {
		t.Errorf("read back %+v, %v", got, ok)
	}
	for i := range len(text) {
		broken := []byte(text)
		broken[i] ^= 1
		if _, ok := parseReceipt(string(broken)); ok {
			t.Errorf("handle with byte %d changed is taken", i)
		}
	}
}

// BenchmarkQueueBacklog sends, receives and deletes one message on a queue that
// holds many: half of them visible, half in flight.
func BenchmarkQueueBacklog(b *testing.B) {
	for _, backlog := range []int{0, 200_000} {
		b.Run(fmt.Sprintf("messages=%d", backlog), func(b *testing.B) {
			r := testRegistry(1)
			q := mustCreate(b, r, "q", nil)
			for i := range backlog {
				mustSend(b, r, q, after(time.Duration(i)), Outgoing{Body: "x"})
			}
			hour := time.Hour
			r.receive(after(time.Millisecond), q, backlog/2, &hour)
			p, err := Outgoing{Body: "x"}.pack()
			if err != nil {
				b.Fatal(err)
			}
			now := after(time.Second)
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Nanosecond)
				if _, err := r.send(now, q, p); err != nil {
					b.Fatal(err)
				}
				got := r.receive(now, q, 1, nil)
				handle, err := q.receipt(got[0].ReceiptHandle)
				if err != nil {
					b.Fatal(err)
				}
				q.remove(now, handle)
			}
		})
	}
}
