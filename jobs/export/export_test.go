package export

import "time"

// Due runs the decision over the states given and returns those in which a line is due.
func Due(total int, start time.Time, at []time.Duration, done []int) []int {
	p := progress{total: total, logged: start}
	var due []int
	for i := range at {
		if p.due(done[i], start.Add(at[i])) {
			due = append(due, i)
		}
	}
	return due
}
