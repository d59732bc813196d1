package client

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
	// Err is nil if the transport has acknowledged the task, else an [*Error].
	Err error
}
