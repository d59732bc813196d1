package client

import (
	"log/slog"

	"github.com/offloadhq/offload/task"
)

// Receipt is what is known of one fired task.
type Receipt struct {
	// ID is the task id, minted by Fire or given with task.ID. It is set also when Fire failed.
	ID string
	// Name is the task name.
	Name string
	// Class is the queue class that the task was routed by.
	Class string
	// MessageID is the transport's id of the message that it acknowledged, for logs; "" if it acknowledged none.
	// Deduplicate by ID, never by this.
	MessageID string
	// Attempts is how often the task was handed to the transport so far.
	Attempts int
	// Err is nil if Fire has done what its mode promises, or the transport has the task; else an [*Error].
	Err error
	// Envelope is the encoded task, for whoever wants to save what was not delivered: its Body holds everything but Class
	// and Delay, and task.Parse reads it back. Nil without an error, and when the task was refused as invalid or
	// before it was encoded.
	Envelope *task.Envelope
}

// LogValue makes a log record of the receipt: id, name, class, attempts, and the error if there is one. It holds nothing of
// the task's arguments.
func (r Receipt) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("id", r.ID), slog.String("name", r.Name), slog.String("class", r.Class), slog.Int("attempts", r.Attempts)}
	if r.MessageID != "" {
		attrs = append(attrs, slog.String("messageId", r.MessageID))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.Any("error", r.Err))
	}
	return slog.GroupValue(attrs...)
}
