package sqs

import "time"

// The two timelines that a message can stand on. Each has its own slot in the
// message, so that a message can be taken out of the middle in O(log n).
const (
	byVisibility = iota
	byAge
	timelines
)

// offTimeline marks a slot of a message that is not on that timeline.
const offTimeline = -1

// timeline is a binary heap of messages, the earliest instant first. Equal
// instants keep the order in which messages entered the queue, so that a run
// can be repeated.
type timeline struct {
	kind    int
	entries []moment
}

type moment struct {
	at  time.Time
	msg *message
}

func (m moment) before(o moment) bool {
	if m.at.Equal(o.at) {
		return m.msg.key < o.msg.key
	}
	return m.at.Before(o.at)
}

func (t *timeline) len() int { return len(t.entries) }

// first returns the earliest message and its instant, or nil.
func (t *timeline) first() (*message, time.Time) {
	if len(t.entries) == 0 {
		return nil, time.Time{}
	}
	return t.entries[0].msg, t.entries[0].at
}

func (t *timeline) add(m *message, at time.Time) {
	t.entries = append(t.entries, moment{at, m})
	m.slots[t.kind] = len(t.entries) - 1
	t.up(len(t.entries) - 1)
}

// remove takes m out; a message that is not here is left alone.
func (t *timeline) remove(m *message) {
	i := m.slots[t.kind]
	if i == offTimeline {
		return
	}
	m.slots[t.kind] = offTimeline
	last := len(t.entries) - 1
	moved := t.entries[last]
	t.entries[last] = moment{}
	t.entries = t.entries[:last]
	if i == last {
		return
	}
	t.place(i, moved)
	if !t.down(i) {
		t.up(i)
	}
}

func (t *timeline) place(i int, m moment) {
	t.entries[i] = m
	m.msg.slots[t.kind] = i
}

func (t *timeline) up(i int) {
	m := t.entries[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !m.before(t.entries[parent]) {
			break
		}
		t.place(i, t.entries[parent])
		i = parent
	}
	t.place(i, m)
}

func (t *timeline) down(start int) bool {
	i, m := start, t.entries[start]
	for {
		child := 2*i + 1
		if child >= len(t.entries) {
			break
		}
		if right := child + 1; right < len(t.entries) && t.entries[right].before(t.entries[child]) {
			child = right
		}
		if !t.entries[child].before(m) {
			break
		}
		t.place(i, t.entries[child])
		i = child
	}
	t.place(i, m)
	return i > start
}
