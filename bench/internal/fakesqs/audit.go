package fakesqs

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"sync"
)

// numberField begins the part of a body that tells one task from another.
const numberField = `"number":`

// audit knows the numbers of the tasks in the queues that ask for it by their names.
type audit struct {
	mu     sync.Mutex
	queues map[string]map[int]struct{} // guarded by mu
}

func (a *audit) note(queue, body []byte) {
	if !bytes.HasPrefix(queue, []byte(AuditPrefix)) {
		return
	}
	n, ok := numberOf(body)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queues == nil {
		a.queues = map[string]map[int]struct{}{}
	}
	if a.queues[string(queue)] == nil {
		a.queues[string(queue)] = map[int]struct{}{}
	}
	a.queues[string(queue)][n] = struct{}{}
}

func numberOf(body []byte) (int, bool) {
	_, rest, ok := bytes.Cut(body, []byte(numberField))
	if !ok {
		return 0, false
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(string(rest[:end]))
	return n, err == nil
}

// stalled reports a queue that takes no more.
func (a *audit) stalled(queue []byte) bool {
	if !bytes.HasPrefix(queue, []byte(StallPrefix)) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queues[string(queue)]) >= StallRoom
}

func (a *audit) numbers(queue string) []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.AppendSeq([]int{}, maps.Keys(a.queues[queue]))
}
