package claimcheck

import (
	"errors"
	"fmt"
	"math"

	"github.com/offloadhq/offload/transport"
)

// Defaults of [Options] and [ResolverOptions].
const (
	// DefaultMaxBytes is the largest payload: an image of 16 MiB in base64, with room beside it.
	DefaultMaxBytes = 32 << 20
	// DefaultUploads is how many payloads a Sender compresses and stores at once.
	DefaultUploads = 8
	// DefaultMaxMemory is what a Resolver holds at most, in payloads.
	DefaultMaxMemory = 4 * DefaultMaxBytes
)

// MinThreshold is the least that goes as it is: a message without its payload must fit.
const MinThreshold = 4 << 10

// maxLength is the largest number that the attribute for a length holds (CloudEvents, type Integer).
const maxLength = math.MaxInt32

// Options adjust a [Sender]. The zero value of each field is its default.
type Options struct {
	// Threshold is the largest message that goes as it is, in bytes: what is larger is compressed, and stored if it is still
	// larger then. Default: what the transport takes (Limits().MessageBytes), which it cannot exceed; at least [MinThreshold]. On
	// Amazon SQS a stored payload is cheaper than a message from about 500 KiB on, and slower always.
	Threshold int
	// MaxBytes is the largest task, in bytes of its encoded form: Fire refuses what is larger. Default [DefaultMaxBytes]; at most
	// 2 GiB - 1. It is held in memory, here and by the worker, whose MaxBytes must be no smaller.
	MaxBytes int
	// Uploads is how many payloads are compressed and stored at once, by all calls of Send together. Default [DefaultUploads].
	Uploads int
	// NoCompression stores payloads as they are. Compression takes some 10 ms of CPU a megabyte, on the host.
	NoCompression bool
}

// fill returns a copy with the defaults in place, or every problem with what was given.
func (o *Options) fill(limits transport.Limits) (Options, error) {
	var filled Options
	if o != nil {
		filled = *o
	}
	var problems []error
	if filled.Threshold == 0 {
		filled.Threshold = limits.MessageBytes
	}
	switch limit := limits.MessageBytes; {
	case filled.Threshold == 0:
		problems = append(problems, errors.New("Options.Threshold: the transport takes messages of any size: say what is large"))
	case filled.Threshold < MinThreshold:
		problems = append(problems, fmt.Errorf("Options.Threshold: is %d: must be %d at least, for what remains of a message", filled.Threshold, MinThreshold))
	case limit > 0 && filled.Threshold > limit:
		problems = append(problems, fmt.Errorf("Options.Threshold: is %d: the transport takes %d", filled.Threshold, limit))
	}
	problems = append(problems, fill("Options.MaxBytes", &filled.MaxBytes, DefaultMaxBytes), fill("Options.Uploads", &filled.Uploads, DefaultUploads))
	if filled.MaxBytes < filled.Threshold || filled.MaxBytes > maxLength {
		problems = append(problems, fmt.Errorf("Options.MaxBytes: is %d: must be %d, what goes as it is, to %d", filled.MaxBytes, filled.Threshold, maxLength))
	}
	return filled, errors.Join(problems...)
}

// ResolverOptions adjust a [Resolver]. The zero value of each field is its default.
type ResolverOptions struct {
	// MaxBytes is the largest payload, in bytes after decompression: what is larger is refused for good, unread. Default
	// [DefaultMaxBytes]; at most 2 GiB - 1.
	MaxBytes int
	// MaxMemory bounds the payloads in memory, from before they are read until their handlers have returned: a task whose
	// payload would exceed it waits. A compressed one counts twice. Default [DefaultMaxMemory], or twice MaxBytes if that
	// is more. What a handler makes of its arguments is not in it.
	MaxMemory int
}

func (o *ResolverOptions) fill() (ResolverOptions, error) {
	var filled ResolverOptions
	if o != nil {
		filled = *o
	}
	problem := fill("ResolverOptions.MaxBytes", &filled.MaxBytes, DefaultMaxBytes)
	least := 2 * filled.MaxBytes
	problems := []error{problem, fill("ResolverOptions.MaxMemory", &filled.MaxMemory, max(DefaultMaxMemory, least))}
	if filled.MaxBytes > maxLength {
		problems = append(problems, fmt.Errorf("ResolverOptions.MaxBytes: is %d: at most %d is possible", filled.MaxBytes, maxLength))
	}
	if filled.MaxMemory >= 0 && filled.MaxMemory < least {
		problems = append(problems, fmt.Errorf("ResolverOptions.MaxMemory: is %d: must be twice MaxBytes, %d, at least: a payload and its compressed form", filled.MaxMemory, least))
	}
	return filled, errors.Join(problems...)
}

func fill(name string, field *int, standard int) error {
	if *field < 0 {
		return fmt.Errorf("%s: is %d: must not be negative; 0 means the default, %d", name, *field, standard)
	}
	if *field == 0 {
		*field = standard
	}
	return nil
}
