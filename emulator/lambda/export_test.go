package lambda

import "cmp"

// Timing is what the service waits for by itself.
type Timing = timing

// WithTiming returns o with the waits of t, where o says none.
func (o Options) WithTiming(t Timing) Options {
	o.timing.HoldAnswer = cmp.Or(o.timing.HoldAnswer, t.HoldAnswer)
	o.timing.ShutdownGrace = cmp.Or(o.timing.ShutdownGrace, t.ShutdownGrace)
	o.timing.ThrottleWait = cmp.Or(o.timing.ThrottleWait, t.ThrottleWait)
	return o
}

// Throttles is how often in a row the waiting events of a function have met the limit.
func (s *Service) Throttles(function string) (n int) {
	s.mu.Lock()
	q := s.functions[function].queue
	s.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.waiting {
		n += e.throttles
	}
	return n
}
