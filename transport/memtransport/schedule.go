package memtransport

import "container/heap"

// schedule is a heap of messages, for container/heap: the one that is due first on top, of those the oldest.
type schedule []*message

func (s schedule) Len() int { return len(s) }

func (s schedule) Less(i, j int) bool {
	if c := s[i].due.Compare(s[j].due); c != 0 {
		return c < 0
	}
	return s[i].number < s[j].number
}

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].at, s[j].at = i, j
}

// Push appends x, a *message.
func (s *schedule) Push(x any) {
	m := x.(*message)
	m.at = len(*s)
	*s = append(*s, m)
}

// Pop removes the last one.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	m := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return m
}

// fix moves m to its place after its time has changed.
func (s *schedule) fix(m *message) { heap.Fix(s, m.at) }
