package journal

import (
	"errors"
	"time"
)

var (
	// ErrFull means that the disk has no room, or that Options.MaxBytes is reached. Nothing was stored. What is done makes
	// room again.
	ErrFull = errors.New("journal is full")
	// ErrClosed is told after Close.
	ErrClosed = errors.New("journal is closed")
	// ErrTooLarge means that the record does not fit an empty segment (Options.SegmentBytes), or Class or Meta is over 65,535 bytes.
	ErrTooLarge = errors.New("record is too large for the journal")
)

// Record is what a journal keeps. The bytes are not looked into.
type Record struct {
	Body []byte
	// Class and Meta are small facts beside the body, up to 65,535 bytes each. Class is the queue class of a task, Meta
	// whatever the writer wants to find again.
	Class string
	Meta  []byte
	// Time is when the record came to be; the zero Time means the time of Append. It is what ages are counted from.
	Time time.Time
	// NotBefore is when the record is due; the zero Time means at once. The journal keeps it and does not act on it.
	// Times are kept to the nanosecond, from the year 1678 to 2262, without their location.
	NotBefore time.Time
}

// Recovered is a record that [Journal.Next] gives out.
type Recovered struct {
	Ref
	Record
}

// Ref names a record of one [Journal], for [Journal.Done] and [Journal.Quarantine]. Refs are comparable; the zero Ref names
// nothing. It means nothing to another Journal or after a restart.
type Ref struct {
	segment *segment
	ordinal uint32
	place   uint32 // its offset in units
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r.segment == nil }
