package journal

import (
	"errors"
	"io"
)

// disk is what a journal does to its directory, as a seam for tests: names are relative to it, with slashes.
type disk interface {
	mkdir(name string) error
	list(name string) ([]string, error)
	// open is os.OpenFile with permissions 0600.
	open(name string, flag int) (file, error)
	// remove removes a file or an empty directory.
	remove(name string) error
	// syncDir makes durable what was created in, and removed from, a directory.
	syncDir(name string) error
	// lock takes the lock of a subdirectory, which ends with the process at the latest. It returns errLocked if somebody
	// has it, and also if the subdirectory is just being removed.
	lock(name string, note []byte) (locked, error)
	// locked reports whether somebody has the lock of a subdirectory, without leaving a trace; note is the holder's.
	peek(name string) (held bool, note []byte, err error)
	close() error
}

// locked is a lock that is held.
type locked interface {
	// release gives the lock back; if remove is set, the subdirectory, which must be empty but for the lock, is removed
	// first.
	release(remove bool) error
}

// file is an open file of a [disk].
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	size() (int64, error)
	// preallocate makes the file that size, with room on the disk for all of it where the file system can.
	preallocate(size int64) error
	// sync makes durable what was written, and what it takes to read it (fdatasync).
	sync() error
}

// errLocked: another Journal has the lock of the subdirectory.
var errLocked = errors.New("subdirectory is locked")
