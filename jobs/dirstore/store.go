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
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"
	"time"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

// partial holds unfinished files. No key leads there, because none starts with a dot.
const partial = ".partial"

// staleAfter is how old an unfinished file must be before Open takes its writer for dead. A living writer touches its
// file all the time.
const staleAfter = 24 * time.Hour

// Options of [Open]. Nil means the defaults.
type Options struct {
	// NoSync leaves the flushing to the operating system. Puts are faster, and a power failure may lose objects whose
	// Put returned nil, or leave them empty. A crash of the process alone loses nothing.
	NoSync bool
}

// Store is a directory of objects. Make one with [Open]. It is safe for concurrent use.
type Store struct {
	dir    string
	root   *os.Root
	noSync bool
}

var _ jobs.Store = (*Store)(nil)

// Open opens the store in dir and makes the directory if it does not exist. It keeps a handle on it: renaming the
// directory does not disturb the store. Call Close when done.
func Open(dir string, opts *Options) (*Store, error) {
	if opts == nil {
		opts = &Options{}
	}
	if dir == "" {
		return nil, errors.New(`store "": the directory is empty: name one, "." for the current`)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("store %q: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("store %q: %w", dir, err)
	}
	s := &Store{dir: dir, root: root, noSync: opts.NoSync}
	if err := s.prepare(time.Now()); err != nil {
		return nil, fmt.Errorf("store %q: %w", dir, errors.Join(err, root.Close()))
	}
	return s, nil
}

// prepare makes the place for unfinished files and removes those whose writer died long ago.
func (s *Store) prepare(now time.Time) error {
	if err := s.root.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	entries, err := fs.ReadDir(s.root.FS(), partial)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // another process has just removed or renamed it
		}
		if now.Sub(info.ModTime()) > staleAfter {
			if err := s.root.Remove(path.Join(partial, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Close releases the handle on the directory. A Put after it fails.
func (s *Store) Close() error { return s.root.Close() }

// Put stores what r yields; see jobs.Store. It looks at ctx before each read of r, in pieces of 64 KiB. Files get the
// mode 0644 and directories 0755, less the umask.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {
	if err := jobs.CheckKey(key); err != nil {
		return fmt.Errorf("store %q: %w", s.dir, err)
	}
	temp := path.Join(partial, rand.Text())
	err := s.write(ctx, temp, r)
	if err == nil {
		err = s.move(temp, key)
	}
	if err == nil {
		return nil
	}
	if clash(err) {
		err = task.Permanent(fmt.Errorf("another key stands in the way, a directory where this one needs a file or the reverse: %w", err))
	}
	return fmt.Errorf("store %q: put %q: %w", s.dir, key, err)
}

// write leaves a complete file at name, or none.
func (s *Store) write(ctx context.Context, name string, r io.Reader) error {
	f, err := s.create(name)
	if err != nil {
		return err
	}
	complete := false
	defer func() { // also when r panics
		if !complete {
			_ = f.Close()
			_ = s.root.Remove(name)
		}
	}()
	if err := copyContext(ctx, f, r); err != nil {
		return err
	}
	if !s.noSync {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	complete = true
	return nil
}

func (s *Store) create(name string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := s.root.OpenFile(name, flags, 0o644)
	if errors.Is(err, fs.ErrNotExist) { // somebody has cleaned up
		if err := s.root.MkdirAll(partial, 0o755); err != nil {
			return nil, err
		}
		return s.root.OpenFile(name, flags, 0o644)
	}
	return f, err
}

// move renames the complete file to its key, or removes it.
func (s *Store) move(temp, key string) error {
	err := s.root.Rename(temp, key)
	if errors.Is(err, fs.ErrNotExist) { // mostly the directory is there already
		if err = s.root.MkdirAll(path.Dir(key), 0o755); err == nil {
			err = s.root.Rename(temp, key)
		}
	}
	if err != nil {
		_ = s.root.Remove(temp)
		return err
	}
	if s.noSync {
		return nil
	}
	return s.syncDirs(path.Dir(key))
}

// syncDirs flushes the directory that has the new name, and those above it, which may be new themselves.
func (s *Store) syncDirs(dir string) error {
	for {
		d, err := s.root.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
		dir = path.Dir(dir)
	}
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

var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// copyContext copies r to w and looks at ctx between the pieces.
func copyContext(ctx context.Context, w io.Writer, r io.Reader) error {
	buf := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buf)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf[:])
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF { // not errors.Is: a wrapped EOF is a source that broke off
			return nil
		}
		if err != nil {
			return err
		}
	}
}
