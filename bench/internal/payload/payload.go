// Package payload is what every task carries, whatever the queue.
package payload

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/offloadhq/offload/task"
)

// Payload is about 300 bytes of JSON.
type Payload struct {
	Number  uint64 `json:"number"`
	Fired   int64  `json:"fired"` // nanoseconds since 1970: time.Time would cost more to encode than the rest
	User    string `json:"user"`
	Event   string `json:"event"`
	Details string `json:"details"`
}

// FiredAt is when it was made.
func (p Payload) FiredAt() time.Time { return time.Unix(0, p.Fired) }

// Kind implements river.JobArgs.
func (Payload) Kind() string { return "placed" }

// Placed is the task of Offload.
var Placed = task.Define[Payload]("bench.placed")

// Own is a Payload that encodes itself.
type Own struct{ Payload }

// AppendJSON implements [task.JSONAppender]. The texts need no escapes.
func (o *Own) AppendJSON(b []byte) ([]byte, error) {
	b = strconv.AppendUint(append(b, `{"number":`...), o.Number, 10)
	b = strconv.AppendInt(append(b, `,"fired":`...), o.Fired, 10)
	for _, text := range [...][2]string{{"user", o.User}, {"event", o.Event}, {"details", o.Details}} {
		b = append(append(append(b, `,"`...), text[0]...), `":"`...)
		b = append(append(b, text[1]...), '"')
	}
	return append(b, '}'), nil
}

// PlacedOwn is the task of Offload with arguments that encode themselves.
var PlacedOwn = task.Define[*Own]("bench.placed")

var number atomic.Uint64

// New makes one that differs from all others of this process.
func New() Payload {
	return Payload{Number: number.Add(1), Fired: time.Now().UnixNano(), User: "somebody@example.com", Event: "order.placed", Details: details}
}

const details = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore " +
	"magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris."
