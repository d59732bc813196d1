package lambda

import "time"

// call is a request of the process to its Runtime API, and reply the answer. Calls are handled one at a time, by run.
type call struct {
	kind  callKind
	id    string // of the invocation that it is about
	body  []byte
	err   string // of a response whose stream ended in an error: its type
	gone  <-chan struct{}
	reply chan reply // buffered: run never waits for a handler
}

type callKind int

const (
	callNext callKind = iota
	callResponse
	callTooLarge // a response, whose body is not kept
	callError
	callInitError
	callRegister // an extension
)

// reply is the answer to a call: an event to work on, or the error to send.
type reply struct {
	invocation *invocation
	deadline   time.Time
	problem    *problem
}

// problem is an error of the Runtime API ("Lambda runtime API").
type problem struct {
	status    int
	errorType string
	message   string
}

var (
	problemID    = &problem{400, "InvalidRequestID", "Invalid request ID"}
	problemState = &problem{403, "InvalidStateTransition", "Transition from this state is not allowed"}
	problemSize  = &problem{413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes)."}
	problemGone  = &problem{500, "Runtime.Closed", "The sandbox has ended"}
)

// handle answers a call. A call for the next event is answered when there is one.
func (s *sandbox) handle(c call) {
	var p *problem
	switch c.kind {
	case callNext:
		s.next(c)
		return
	case callRegister:
		s.term = true
	case callInitError:
		p = s.initError(c)
	default:
		p = s.respond(c)
	}
	c.reply <- reply{problem: p}
}

// next is the end of init, or of the invocation that was answered.
func (s *sandbox) next(c call) {
	switch {
	case s.killed != nil:
		return // the process is about to end; the handler leaves with the sandbox
	case s.current != nil && s.current.result == nil:
		c.reply <- reply{problem: problemState} // it must answer first
		return
	case s.parked != nil && !isClosed(s.parked.gone):
		c.reply <- reply{problem: problemState} // it waits already
		return
	}
	s.parked = &c
	if !s.ready {
		s.ready = true
		s.initial = time.Since(s.started)
		s.fn.gate.succeeded()
	}
	if s.todo != nil {
		s.give()
		return
	}
	s.park()
	if inv := s.current; inv != nil {
		s.hold.Stop()
		s.measure()
		tail := s.logs.end()
		if s.killed == nil {
			s.current = nil
			s.fn.idle(s)
		}
		s.finish(inv, tail)
	}
}

// respond takes the answer to the invocation that runs.
func (s *sandbox) respond(c call) *problem {
	inv := s.current
	if inv == nil || c.id != inv.id {
		return problemID
	}
	if inv.result != nil || s.killed != nil {
		return problemState
	}
	inv.ended = time.Now()
	s.hold.Reset(s.fn.svc.o.timing.HoldAnswer)
	switch {
	case c.kind == callTooLarge:
		inv.result = tooLargeResult()
		return problemSize
	case c.kind == callError || c.err != "":
		inv.result = reportedResult(Failed, c.body)
	default:
		inv.result = &result{outcome: Succeeded, payload: c.body}
	}
	return nil
}

// initError takes the function's own report of why it cannot run, and ends the process.
func (s *sandbox) initError(c call) *problem {
	if s.ready {
		return problemState
	}
	if s.killed == nil {
		s.end(reportedResult(InitFailed, c.body))
	}
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
