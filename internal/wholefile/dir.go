// Package wholefile keeps a directory of files that are there whole or not at all.
//
// A file is written under ".partial", flushed to the disk, and renamed to its place, so a reader finds the old file or the
// whole new one, also after a crash of the process or of the machine. Several processes may use the same directory at
// once. Names are paths below the directory, and nothing leads out of it (os.Root).
package wholefile

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"
)

// partial holds unfinished files. Callers give no names that begin with it.
const partial = ".partial"

// staleAfter is how old an unfinished file must be before Open takes its writer for dead. A living writer touches its
// file all the time.
const staleAfter = 24 * time.Hour

// Options of [Open].
type Options struct {
	// NoSync leaves the flushing to the operating system: a power failure may lose files that were written, or leave them empty.
	NoSync bool
	// Private gives files and directories to their owner alone: 0600 and 0700 instead of 0644 and 0755, less the umask.
	Private bool
}

// Dir is an open directory. It is safe for concurrent use.
type Dir struct {
	root     *os.Root
	noSync   bool
	dirMode  fs.FileMode
	fileMode fs.FileMode
}

// Open opens dir, makes it if it does not exist, and removes what writers that died long ago left unfinished. It keeps a
// handle: renaming the directory does not disturb it.
func Open(dir string, o Options) (*Dir, error) {
	d := &Dir{noSync: o.NoSync, dirMode: 0o755, fileMode: 0o644}
	if o.Private {
		d.dirMode, d.fileMode = 0o700, 0o600
	}
	if dir == "" {
		return nil, errors.New(`the directory is empty: name one, "." for the current`)
	}
	if err := os.MkdirAll(dir, d.dirMode); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	d.root = root
	if err := d.prepare(time.Now()); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return d, nil
}

// prepare makes the place for unfinished files and removes those whose writer died long ago.
func (d *Dir) prepare(now time.Time) error {
	if err := d.root.MkdirAll(partial, d.dirMode); err != nil {
		return err
	}
	entries, err := fs.ReadDir(d.root.FS(), partial)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // another process has just removed or renamed it
		}
		if now.Sub(info.ModTime()) > staleAfter {
			if err := d.root.Remove(path.Join(partial, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Close releases the handle. Calls after it fail.
func (d *Dir) Close() error { return d.root.Close() }

// Open opens a file for reading.
func (d *Dir) Open(name string) (*os.File, error) { return d.root.Open(name) }

// Write stores all that r yields, and replaces what was there. After an error, or a panic of r, what was there is still
// there, or, if only the flushing of the new name failed, the whole new file is. It looks at ctx before each read of r, in pieces
// of 64 KiB.
func (d *Dir) Write(ctx context.Context, name string, r io.Reader) error {
	temp := path.Join(partial, rand.Text())
	if err := d.write(ctx, temp, r); err != nil {
		return err
	}
	return d.move(temp, name)
}

// write leaves a complete file at name, or none.
func (d *Dir) write(ctx context.Context, name string, r io.Reader) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	complete := false
	defer func() { // also when r panics
		if !complete {
			_ = f.Close()
			_ = d.root.Remove(name)
		}
	}()
	if err := copyContext(ctx, f, r); err != nil {
		return err
	}
	if !d.noSync {
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

func (d *Dir) create(name string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := d.root.OpenFile(name, flags, d.fileMode)
	if errors.Is(err, fs.ErrNotExist) { // somebody has cleaned up
		if err := d.root.MkdirAll(partial, d.dirMode); err != nil {
			return nil, err
		}
		return d.root.OpenFile(name, flags, d.fileMode)
	}
	return f, err
}

// moves is how often a rename is tried: a sweep may remove the directory that was just made for it, and a directory that
// goes while it is made may be told as one that exists.
const moves = 100

// move renames the complete file to its name, or removes it.
func (d *Dir) move(temp, name string) error {
	err := d.root.Rename(temp, name)
	for n := 0; n < moves && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist)); n++ { // mostly the directory is there already
		if err = d.root.MkdirAll(path.Dir(name), d.dirMode); err == nil {
			err = d.root.Rename(temp, name)
		}
	}
	if err != nil {
		_ = d.root.Remove(temp)
		return err
	}
	if d.noSync {
		return nil
	}
	return d.syncDirs(path.Dir(name))
}

// syncDirs flushes the directory that has the new name, and those above it, which may be new themselves.
func (d *Dir) syncDirs(dir string) error {
	for {
		f, err := d.root.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
		dir = path.Dir(dir)
	}
}

// Sweep removes the files that were written before the given time, and the directories that are empty then. It returns how
// many files. Files that are written meanwhile are safe.
func (d *Dir) Sweep(ctx context.Context, before time.Time) (removed int, err error) {
	err = fs.WalkDir(d.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist): // somebody else sweeps
			return nil
		case err != nil:
			return err
		case name == partial:
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		info, err := e.Info()
		if err != nil || !info.ModTime().Before(before) {
			return nil //nolint:nilerr // it is gone already
		}
		switch err := d.root.Remove(name); {
		case err == nil:
			removed++
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		if dir := path.Dir(name); dir != "." {
			_ = d.root.Remove(dir) // fails while anything is in it
		}
		return nil
	})
	return removed, err
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
