// Package dirstore is a jobs.Store on a directory: a file per key, replaced whole.
//
// It is for one machine: development, tests, a server with a disk. Several processes may use the same directory at
// once. An object is written to a temporary file under ".partial", flushed to the disk, and renamed to its place, so a
// reader finds the old object or the whole new one, also after a crash of the process or of the machine. What a crash
// left under ".partial" is removed by an [Open] a day later.
//
// A key is a path below the directory. A bucket can hold the key "a" beside the key "a/b"; here the second of them is a
// permanent error. A symbolic link inside the directory is followed, one that leads out of it is an error. On a file
// system that ignores case, keys that differ by case only are one object.
package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/offloadhq/offload/internal/wholefile"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

// Options of [Open]. Nil means the defaults.
type Options struct {
	// NoSync leaves the flushing to the operating system. Puts are faster, and a power failure may lose objects whose
	// Put returned nil, or leave them empty. A crash of the process alone loses nothing.
	NoSync bool
}

// Store is a directory of objects. Make one with [Open]. It is safe for concurrent use.
type Store struct {
	dir   string
	files *wholefile.Dir
}

var _ jobs.Store = (*Store)(nil)

// Open opens the store in dir and makes the directory if it does not exist. It keeps a handle on it: renaming the
// directory does not disturb the store. Call Close when done.
func Open(dir string, opts *Options) (*Store, error) {
	if opts == nil {
		opts = &Options{}
	}
	files, err := wholefile.Open(dir, wholefile.Options{NoSync: opts.NoSync})
	if err != nil {
		return nil, fmt.Errorf("store %q: %w", dir, err)
	}
	return &Store{dir: dir, files: files}, nil
}

// Close releases the handle on the directory. A Put after it fails.
func (s *Store) Close() error { return s.files.Close() }

// Put stores what r yields; see jobs.Store. It looks at ctx before each read of r, in pieces of 64 KiB. Files get the
// mode 0644 and directories 0755, less the umask.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {
	if err := jobs.CheckKey(key); err != nil {
		return fmt.Errorf("store %q: %w", s.dir, err)
	}
	err := s.files.Write(ctx, key, r)
	if err == nil {
		return nil
	}
	if clash(err) {
		err = task.Permanent(fmt.Errorf("another key stands in the way, a directory where this one needs a file or the reverse: %w", err))
	}
	return fmt.Errorf("store %q: put %q: %w", s.dir, key, err)
}

// clash reports errors of the file system that come from the key and not from the disk.
func clash(err error) bool {
	for _, target := range []error{syscall.EISDIR, syscall.ENOTDIR, syscall.EEXIST, syscall.ENOTEMPTY} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
