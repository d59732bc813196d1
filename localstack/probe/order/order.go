// Package order is what the tests tell the probe to do, in the data of a task.
package order

import "github.com/offloadhq/offload/task"

// Order is the arguments of [Probe].
type Order struct {
	Fail  int  `json:"fail,omitempty"`  // so many attempts fail; a negative number: all
	Crash bool `json:"crash,omitempty"` // every attempt ends the process
	Loop  bool `json:"loop,omitempty"`  // every attempt runs into the function's timeout
	Sleep int  `json:"sleep,omitempty"` // milliseconds
	// Exact is a number that JSON can write in more than one way.
	Exact Number `json:"exact,omitempty"`
}

// Number is written as it is.
type Number string

// MarshalJSON writes n as it is.
func (n Number) MarshalJSON() ([]byte, error) {
	if n == "" {
		n = "0"
	}
	return []byte(n), nil
}

// UnmarshalJSON keeps the text.
func (n *Number) UnmarshalJSON(b []byte) error {
	*n = Number(b)
	return nil
}

// Probe is the task that the probe obeys.
var Probe = task.Define[Order]("probe.run")
