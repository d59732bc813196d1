package lambda

import (
	"fmt"
	"time"
)

// Kind says who invokes.
type Kind string

// The kinds of invocation. They differ in reports only.
const (
	Synchronous  Kind = "synchronous"
	Asynchronous Kind = "asynchronous"
	EventSource  Kind = "event source" // an event source mapping, which invokes synchronously
)

// Outcome says how an invocation ended.
type Outcome string

// The outcomes of an invocation.
const (
	Succeeded   Outcome = "succeeded"
	Failed      Outcome = "failed"        // the function reported an error
	TimedOut    Outcome = "timed out"     // and was killed
	Crashed     Outcome = "crashed"       // the process ended in the middle
	OutOfMemory Outcome = "out of memory" // the process was killed at its memory limit
	InitFailed  Outcome = "init failed"   // the process did not get as far as its first event
	Abandoned   Outcome = "abandoned"     // the service was closed in the middle
)

// InvocationReport is what Lambda writes as START, END and REPORT lines.
type InvocationReport struct {
	Function  string
	Version   string
	RequestID string
	Kind      Kind
	Outcome   Outcome
	ErrorType string // "" unless the function's answer is an error with one

	Start       time.Time     // when the process got the event, or was started if it never did
	Duration    time.Duration // until its answer, or its end
	Billed      time.Duration // Init and Duration in whole milliseconds, rounded up
	Init        time.Duration // of a process that was started for this invocation, else 0
	MemoryMB    int           // the limit
	MaxMemoryMB int           // the most that the process has used so far; 0 where it is not measured

	PID int // of the process; 0 if there was none
}

// LogLine is one line that a function has written to its standard output or standard error.
type LogLine struct {
	Time      time.Time // when it was read
	Function  string
	Version   string
	RequestID string // of the invocation that runs; "" during init and shutdown
	Stderr    bool
	Text      string // without the newline; a line of more than 256 KiB comes in pieces
}

func billed(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// text is the END and REPORT lines.
func (r *InvocationReport) text() string {
	s := fmt.Sprintf("END RequestId: %s\nREPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		r.RequestID, r.RequestID, milliseconds(r.Duration), r.Billed.Milliseconds(), r.MemoryMB, r.MaxMemoryMB)
	if r.Init > 0 {
		s += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(r.Init))
	}
	return s + "\n"
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
