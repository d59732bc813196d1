package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/offloadhq/offload/transport"
)

// State says how a client's way to its transport is.
type State uint8

// The states, from good to bad.
const (
	// Healthy: the newest answers are good, or nothing was sent yet.
	Healthy State = iota
	// Failing: requests fail one after the other (network, server errors, throttling). One request at a time probes:
	// after the first ten seconds at most one a second, and at least one in 4 s while tasks wait.
	Failing
	// Blocked: the transport refuses everything until somebody mends the set-up: credentials, permissions, a queue or
	// a function that does not exist. One request in 30 s probes. A first refusal is Failing: a second look within 200 ms
	// tells, for which credentials may have been renewed.
	Blocked
)

// String returns "healthy", "failing" or "blocked".
func (s State) String() string {
	switch s {
	case Healthy:
		return "healthy"
	case Failing:
		return "failing"
	case Blocked:
		return "blocked"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Health is the state of one route.
type Health struct {
	State State
	Class string    // the queue class of the route
	Since time.Time // when the state began; zero if it never changed
	Err   error     // of the newest request that failed; nil if Healthy
	Todo  string    // what to do next; "" if Healthy
}

// Health returns the state of the worst route: the one to show on a readiness page and to raise an alarm for. Each
// change is also logged (Blocked as an error, with every failed probe again; Failing as a warning) and told to
// [Hooks].Health. It never blocks for long.
func (c *Client) Health() Health {
	worst := c.routes[""].currentHealth()
	for _, class := range c.classes {
		if h := c.routes[class].currentHealth(); h.State > worst.State {
			worst = h
		}
	}
	return worst
}

func (r *route) currentHealth() Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.health
}

// judgeHealth updates the health after a request, which may have tripped the breaker, and leaves what is to be told to
// unlock.
func (r *route) judgeHealth(f finding, err error, tripped bool, now time.Time) {
	state := Healthy
	switch {
	case r.breaker.blocked():
		state = Blocked
	case r.breaker.open:
		state = Failing
	}
	was := r.health
	if state != was.State {
		r.health = Health{State: state, Class: r.class, Since: now}
	}
	if tripped {
		r.health.Err, r.health.Todo = err, todo(state, err)
	}
	if state != was.State || state == Blocked && tripped {
		r.news = append(r.news, news{was: was, is: r.health, now: now, waiting: r.line.Len() + len(r.rest.entries)})
	}
}

// todo says what to do, in the transport's words where it has some.
func todo(s State, err error) string {
	if e, ok := errors.AsType[*transport.Error](err); ok && e.Hint != "" {
		return e.Hint
	}
	if s == Blocked {
		return "check the credentials, the permissions and the target; tasks are tried again every 30s"
	}
	return "check the network and the service's status; tasks are tried again by themselves"
}

// news is a health to be told.
type news struct {
	was, is Health
	now     time.Time
	waiting int // tasks that wait for the route
}

// tellHealth tells what there is to tell, in order. It runs outside the lock, in one goroutine at a time: r.telling says
// that one is at it, which also takes over what comes up meanwhile.
func (r *route) tellHealth() {
	repeat(func() (more bool) {
		r.mu.Lock()
		if len(r.news) == 0 {
			r.news, r.telling = nil, false
			r.mu.Unlock()
			return false
		}
		n := r.news[0]
		r.news = r.news[1:]
		r.mu.Unlock()
		defer r.logHealth(n)
		r.watcher.health(n.is)
		return true
	})
}

func (r *route) logHealth(n news) {
	switch n.is.State {
	case Healthy:
		r.log.Info("sending again", "class", r.class, "after", n.now.Sub(n.was.Since), "waiting", n.waiting)
	case Failing:
		r.log.Warn("sending fails; tasks wait", "class", r.class, "waiting", n.waiting, "error", n.is.Err, "todo", n.is.Todo)
	case Blocked:
		r.log.Error("the transport refuses every task until the set-up is mended; tasks wait", "class", r.class,
			"since", n.is.Since, "waiting", n.waiting, "error", n.is.Err, "todo", n.is.Todo)
	}
}
