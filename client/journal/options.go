package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Sync is when a record counts as stored.
type Sync uint8

const (
	// SyncAlways means on the disk. Append waits for one fdatasync, which all who wait share.
	SyncAlways Sync = iota
	// SyncInterval means written to the file, which survives the death of the process and not a loss of power. What
	// was written is synced every Options.Interval.
	SyncInterval
)

func (s Sync) String() string {
	switch s {
	case SyncAlways:
		return "SyncAlways"
	case SyncInterval:
		return "SyncInterval"
	}
	return fmt.Sprintf("Sync(%d)", uint8(s))
}

// The defaults of [Options], and the bounds of Options.SegmentBytes.
const (
	DefaultInterval     = 10 * time.Millisecond
	DefaultSegmentBytes = 16 << 20
	DefaultMaxBytes     = 1 << 30
	DefaultAdoptEvery   = 5 * time.Second

	MinSegmentBytes = 16 << 10
	MaxSegmentBytes = 1 << 30
)

// Options are the settings of a [Journal]. The zero value of each field means its default.
type Options struct {
	// Sync is when Append returns nil. Default: SyncAlways.
	Sync Sync
	// Interval is the time between two syncs with SyncInterval. Default: 10 ms.
	Interval time.Duration
	// SegmentBytes is the size of a file. It is taken from the disk as a whole, and given back when nothing in it is
	// pending. A record must fit into one. Default: 16 MiB; from 16 KiB to 1 GiB, a multiple of 4,096.
	SegmentBytes int
	// MaxBytes bounds the files of this Journal, those that it has adopted included; beyond it Append returns ErrFull. It
	// must have room for two segments. Default: 1 GiB.
	MaxBytes int64
	// AdoptEvery is the time between two looks for orphans. Default: 5 s.
	AdoptEvery time.Duration
	// Logger gets what nothing else tells: damage that was found, files that failed, orphans that were adopted. It sees
	// names, numbers and sizes, never records. Its handler must return: neither a panic nor runtime.Goexit is caught. Default:
	// slog.Default() at the time of Open.
	Logger *slog.Logger
}

// fill returns a copy with the defaults in place, or every problem with what was given.
func (o *Options) fill() (Options, error) {
	var filled Options
	if o != nil {
		filled = *o
	}
	var problems []error
	if filled.Sync > SyncInterval {
		problems = append(problems, fmt.Errorf("Options.Sync: is %v: use journal.SyncAlways or journal.SyncInterval", filled.Sync))
	}
	problems = append(problems,
		fill("Interval", &filled.Interval, DefaultInterval),
		fill("SegmentBytes", &filled.SegmentBytes, DefaultSegmentBytes),
		fill("MaxBytes", &filled.MaxBytes, DefaultMaxBytes),
		fill("AdoptEvery", &filled.AdoptEvery, DefaultAdoptEvery),
	)
	if n := filled.SegmentBytes; n > 0 && (n < MinSegmentBytes || n > MaxSegmentBytes || n%areaStart != 0) {
		problems = append(problems, fmt.Errorf("Options.SegmentBytes: is %d: must be from %d to %d and a multiple of %d", n, MinSegmentBytes, MaxSegmentBytes, areaStart))
	}
	if filled.MaxBytes > 0 && filled.MaxBytes < 2*int64(filled.SegmentBytes) {
		problems = append(problems, fmt.Errorf("Options.MaxBytes: is %d: must have room for two segments of %d (Options.SegmentBytes)", filled.MaxBytes, filled.SegmentBytes))
	}
	if filled.Logger == nil {
		filled.Logger = slog.Default()
	}
	return filled, errors.Join(problems...)
}

func fill[T int | int64 | time.Duration](name string, field *T, standard T) error {
	if *field < 0 {
		return fmt.Errorf("Options.%s: is %v: must not be negative; 0 means the default, %v", name, *field, standard)
	}
	if *field == 0 {
		*field = standard
	}
	return nil
}
