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
	// Journaled means that the task is in the journal on this host's disk (Options.Journal): with journal.SyncAlways it
	// survives the death of this process and a loss of power, with journal.SyncInterval the death of this process. Fire waits
	// for the disk, never for the transport. What a process leaves behind is sent by the next one that opens the journal's
	// directory, or by a neighbour that has it open, under the same id. A task stays until it is delivered; what ends
	// otherwise (refused as invalid, or too old by Options.SendTimeout if that is set) the journal keeps aside for a person.
	// When memory is full, by Options.MaxPending and MaxPendingBytes, tasks wait on the disk alone, as many as the
	// journal takes.
	Journaled
)

// String returns "confirmed", "buffered" or "journaled".
func (m Mode) String() string {
	switch m {
	case Confirmed:
		return "confirmed"
	case Buffered:
		return "buffered"
	case Journaled:
		return "journaled"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}
