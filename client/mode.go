package client

import "fmt"

// Mode is what a nil error from Fire means.
type Mode uint8

const (
	// Confirmed means that the transport has acknowledged the task. Nothing is lost when this process dies. Fire waits for
	// one round trip, which all tasks in flight share.
	Confirmed Mode = iota
	// Buffered means that the task is encoded, checked, and in the bounded memory of this process. Fire never waits: it
	// takes about a microsecond. When the process dies by SIGKILL, what waits and what is in flight is lost: at most
	// [Stats].Bound, and [Stats] tells how much it is now. [Client.Close] at the end loses nothing that it does not
	// return. A task stays until it is delivered, refused as invalid, or too old by Options.SendTimeout if that is set.
	Buffered
)

// String returns "confirmed" or "buffered".
func (m Mode) String() string {
	switch m {
	case Confirmed:
		return "confirmed"
	case Buffered:
		return "buffered"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}
