// Package payload is what every task carries, whatever the queue.
package payload

import (
	"sync/atomic"
	"time"

	"github.com/offloadhq/offload/task"
)

// Payload is about 300 bytes of JSON.
type Payload struct {
	Number  uint64    `json:"number"`
	Fired   time.Time `json:"fired"`
	User    string    `json:"user"`
	Event   string    `json:"event"`
	Details string    `json:"details"`
}

// Kind implements river.JobArgs.
func (Payload) Kind() string { return "placed" }

// Placed is the task of Offload.
var Placed = task.Define[Payload]("bench.placed")

var number atomic.Uint64

// New makes one that differs from all others of this process.
func New() Payload {
	return Payload{Number: number.Add(1), Fired: time.Now(), User: "somebody@example.com", Event: "order.placed", Details: details}
}

const details = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore " +
	"magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ull."
