package sqs

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// modelMessage is what a message must be, by the rules, computed the slow way.
type modelMessage struct {
	queue         string
	enqueued      time.Time
	visibleAt     time.Time
	received      time.Time
	receives      int
	receivesHere  int
	held          bool // received, and no timeout or change has ended that yet
	handle        string
	firstReceived time.Time
}

// model runs the queue "q" with the dead-letter queue "dead" beside a plain
// map of messages and compares after each step.
type model struct {
	now        time.Time
	registry   *registry
	q, dead    *queue
	maxReceive int
	messages   map[string]*modelMessage
	old        []string // handles that were given out, of any age
}

func newModel(t *rapid.T) *model {
	m := &model{now: epoch, registry: testRegistry(1), messages: map[string]*modelMessage{}}
	m.maxReceive = rapid.IntRange(1, 4).Draw(t, "maxReceive")
	create := func(name string, attributes map[string]string) *queue {
		q, err := m.registry.create(m.now, name, attributes, nil)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	m.dead = create("dead", map[string]string{"MessageRetentionPeriod": "600"})
	m.q = create("q", map[string]string{
		"MessageRetentionPeriod": fmt.Sprint(rapid.IntRange(60, 700).Draw(t, "retention")),
		"VisibilityTimeout":      fmt.Sprint(rapid.IntRange(0, 40).Draw(t, "visibility")),
		"DelaySeconds":           fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "delay")),
		"RedrivePolicy":          redrivePolicy{m.dead.arn, m.maxReceive}.String(),
	})
	m.q.limit = rapid.IntRange(1, 12).Draw(t, "limit")
	return m
}

func (m *model) queue(name string) *queue {
	if name == "q" {
		return m.q
	}
	return m.dead
}

// settle drops what is too old and ends timeouts.
func (m *model) settle() {
	for id, msg := range m.messages {
		if !m.now.Before(msg.enqueued.Add(m.queue(msg.queue).settings.retention)) {
			delete(m.messages, id)
		} else if !m.now.Before(msg.visibleAt) {
			msg.held = false
		}
	}
}

func (m *model) counts(name string) (n counts) {
	for _, msg := range m.messages {
		switch {
		case msg.queue != name:
		case !m.now.Before(msg.visibleAt):
			n.visible++
		case msg.held:
			n.inFlight++
		default:
			n.delayed++
		}
	}
	return n
}

func (m *model) pass(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 60_000).Draw(t, "ms")) * time.Millisecond)
	m.settle()
}

func (m *model) send(t *rapid.T) {
	o := Outgoing{Body: "x"}
	delay := m.q.settings.delay
	if rapid.Bool().Draw(t, "own delay") {
		delay = time.Duration(rapid.IntRange(0, 30).Draw(t, "delay")) * time.Second
		o.Delay = &delay
	}
	id := mustSendRapid(t, m.registry, m.q, m.now, o)
	if m.messages[id] != nil {
		t.Fatalf("id %s was given twice", id)
	}
	m.messages[id] = &modelMessage{queue: "q", enqueued: m.now, visibleAt: m.now.Add(delay)}
}

func mustSendRapid(t *rapid.T, r *registry, q *queue, now time.Time, o Outgoing) string {
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

func (m *model) receive(t *rapid.T) {
	name := rapid.SampledFrom([]string{"q", "q", "q", "dead"}).Draw(t, "queue")
	q := m.queue(name)
	limit := rapid.IntRange(1, 15).Draw(t, "limit")
	d := q.settings.visibility
	var visibility *time.Duration
	if rapid.Bool().Draw(t, "own visibility") {
		d = time.Duration(rapid.IntRange(0, 50).Draw(t, "visibility")) * time.Second
		visibility = &d
	}
	eligible := 0
	for _, msg := range m.messages {
		if msg.queue == name && !m.now.Before(msg.visibleAt) && (name == "dead" || msg.receivesHere < m.maxReceive) {
			eligible++
		}
	}
	room := q.limit - m.counts(name).inFlight
	got := m.registry.receive(m.now, q, limit, visibility)
	if want := max(0, min(limit, eligible, room)); len(got) != want {
		t.Fatalf("received %d messages, want %d (limit %d, eligible %d, room %d)", len(got), want, limit, eligible, room)
	}
	seen := map[string]bool{}
	for _, r := range got {
		m.checkReceived(t, name, r, seen)
		msg := m.messages[r.ID]
		msg.received, msg.visibleAt, msg.held, msg.handle = m.now, m.now.Add(d), d > 0, r.ReceiptHandle
		m.old = append(m.old, r.ReceiptHandle)
	}
	m.checkMoved(t, seen)
}

func (m *model) checkReceived(t *rapid.T, name string, r Message, seen map[string]bool) {
	msg := m.messages[r.ID]
	if msg == nil || msg.queue != name || m.now.Before(msg.visibleAt) || seen[r.ID] {
		t.Fatalf("received %s from %s, which is gone, elsewhere, hidden or received just now: %+v", r.ID, name, msg)
	}
	seen[r.ID] = true
	msg.receives++
	msg.receivesHere++
	if name == "q" && msg.receivesHere > m.maxReceive {
		t.Fatalf("received %d times, maxReceiveCount is %d", msg.receivesHere, m.maxReceive)
	}
	if msg.firstReceived.IsZero() {
		msg.firstReceived = m.now
	}
	if r.Receives != msg.receives || !r.SentAt.Equal(msg.enqueued) || !r.FirstReceivedAt.Equal(msg.firstReceived) {
		t.Fatalf("received %+v, want %+v", r, msg)
	}
	if slices.Contains(m.old, r.ReceiptHandle) {
		t.Fatalf("handle %s was given twice", r.ReceiptHandle)
	}
	if (name == "dead") != (r.DeadLetterSourceARN == m.q.arn) {
		t.Fatalf("source is %q in queue %s", r.DeadLetterSourceARN, name)
	}
}

// checkMoved verifies that what went to the dead-letter queue had to.
func (m *model) checkMoved(t *rapid.T, received map[string]bool) {
	for _, stored := range m.dead.byKey {
		msg := m.messages[stored.id]
		if msg == nil {
			t.Fatalf("message %s is in the dead-letter queue and should be gone", stored.id)
			return
		}
		if msg.queue == "dead" {
			continue
		}
		if msg.receivesHere < m.maxReceive || m.now.Before(msg.visibleAt) || received[stored.id] {
			t.Fatalf("dead-lettered too early: %+v", msg)
		}
		msg.queue, msg.receivesHere, msg.handle, msg.held = "dead", 0, "", false
	}
}

// anyHandle draws a handle, most often a good one.
func (m *model) anyHandle(t *rapid.T) string {
	if len(m.old) == 0 {
		t.Skip("no handle yet")
	}
	last := len(m.old) - 1
	return m.old[last-rapid.IntRange(0, min(last, 12)).Draw(t, "handle")]
}

// holder finds the message whose latest receive gave the handle.
func (m *model) holder(handle string) (string, *modelMessage) {
	for id, msg := range m.messages {
		if msg.handle == handle {
			return id, msg
		}
	}
	return "", nil
}

func (m *model) parse(t *rapid.T, handle string) (*queue, receipt) {
	for _, q := range []*queue{m.q, m.dead} {
		if r, err := q.receipt(handle); err == nil {
			return q, r
		}
	}
	t.Fatalf("handle %q is no queue's", handle)
	return nil, receipt{}
}

func (m *model) remove(t *rapid.T) {
	handle := m.anyHandle(t)
	q, r := m.parse(t, handle)
	q.remove(m.now, r)
	if id, msg := m.holder(handle); msg != nil {
		delete(m.messages, id)
	}
}

func (m *model) change(t *rapid.T) {
	handle := m.anyHandle(t)
	d := time.Duration(rapid.SampledFrom([]int{0, 1, 30, 43_000, 43_190, 43_200}).Draw(t, "seconds")) * time.Second
	q, r := m.parse(t, handle)
	err := q.changeVisibility(m.now, r, d)
	_, msg := m.holder(handle)
	allowed := msg != nil && msg.held && m.now.Add(d).Sub(msg.received) <= 12*time.Hour
	if (err == nil) != allowed {
		t.Fatalf("change to %v of %+v: %v, want allowed %v", d, msg, err, allowed)
	}
	if allowed {
		msg.visibleAt = m.now.Add(d)
		msg.held = d > 0
	}
}

func (m *model) undo(t *rapid.T) {
	handle := m.anyHandle(t)
	q, r := m.parse(t, handle)
	q.unreceive(m.now, []receipt{r})
	if _, msg := m.holder(handle); msg != nil {
		msg.visibleAt, msg.held, msg.handle = m.now, false, ""
		msg.receives--
		msg.receivesHere--
		if msg.receives == 0 {
			msg.firstReceived = time.Time{}
		}
	}
}

// check compares the whole state: no message is lost, none is there twice.
func (m *model) check(t *rapid.T) {
	m.settle()
	for _, name := range []string{"q", "dead"} {
		q := m.queue(name)
		if got, want := q.counts(m.now), m.counts(name); got != want {
			t.Fatalf("queue %s counts %+v, want %+v", name, got, want)
		}
		for _, stored := range q.byKey {
			if msg := m.messages[stored.id]; msg == nil || msg.queue != name {
				t.Fatalf("queue %s holds %s, which is gone or elsewhere: %+v", name, stored.id, msg)
			}
		}
		if q.ages.len() != len(q.byKey) || q.line.Len()+q.hidden.len() != len(q.byKey) {
			t.Fatalf("queue %s: %d messages, %d ages, %d in line, %d hidden", name, len(q.byKey), q.ages.len(), q.line.Len(), q.hidden.len())
		}
	}
	if len(m.q.byKey)+len(m.dead.byKey) != len(m.messages) {
		t.Fatalf("%d messages stored, want %d", len(m.q.byKey)+len(m.dead.byKey), len(m.messages))
	}
}

// TestModel runs random steps against the model: no message is lost, given
// twice at a time, given hidden or kept too long.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"":        m.check,
			"pass":    m.pass,
			"send":    m.send,
			"receive": m.receive,
			"delete":  m.remove,
			"change":  m.change,
			"undo":    m.undo,
		})
	})
}
