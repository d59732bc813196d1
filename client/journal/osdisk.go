package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

const lockFile = "lock"

// osDisk is a directory of the operating system. os.Root keeps names, and symbolic links that others may have put there,
// inside it.
type osDisk struct{ root *os.Root }

// openDisk opens a directory, and makes it if create is set.
func openDisk(dir string, create bool) (disk, error) {
	if create {
		if err := makeDir(dir); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return osDisk{root}, nil
}

// makeDir makes a directory and what is missing above it, durably.
func makeDir(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	defer parent.Close() //nolint:errcheck // it was read only
	return parent.Sync()
}

func (d osDisk) close() error { return d.root.Close() }

func (d osDisk) mkdir(name string) error { return d.root.Mkdir(name, 0o700) }

func (d osDisk) list(name string) (names []string, err error) {
	dir, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // it was read only
	return dir.Readdirnames(-1)
}

func (d osDisk) open(name string, flag int) (file, error) {
	f, err := d.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d osDisk) remove(name string) error { return d.root.Remove(name) }

func (d osDisk) syncDir(name string) error {
	dir, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// lock makes the lock file if it is missing.
func (d osDisk) lock(name string, note []byte) (locked, error) {
	f, err := d.root.OpenFile(path.Join(name, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errLocked // the subdirectory is being removed
	}
	if err != nil {
		return nil, err
	}
	if err := d.take(f, name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if len(note) > 0 {
		// For people only: without room for it the lock is as good.
		if err := f.Truncate(0); err == nil {
			_, _ = f.WriteAt(note, 0)
		}
	}
	return &osLock{d.root, name, f}, nil
}

// take takes the lock of an open lock file. It counts only if the file still has its name when the lock is held: whoever
// removes a subdirectory holds the lock until the name is gone, so that two never hold the same one.
func (d osDisk) take(f *os.File, name string) error {
	if err := flock(f); err != nil {
		return err
	}
	if !d.same(f, path.Join(name, lockFile)) {
		return errLocked
	}
	return nil
}

func (d osDisk) same(f *os.File, name string) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := d.root.Lstat(name)
	return err == nil && os.SameFile(held, named)
}

func (d osDisk) peek(name string) (held bool, note []byte, err error) {
	f, err := d.root.Open(path.Join(name, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	defer f.Close() //nolint:errcheck // it was read only
	note = make([]byte, 4096)
	n, _ := f.ReadAt(note, 0)
	err = flockShared(f)
	return errors.Is(err, errLocked), note[:n], ignore(err, errLocked)
}

func ignore(err, known error) error {
	if errors.Is(err, known) {
		return nil
	}
	return err
}

type osLock struct {
	root *os.Root
	name string
	file *os.File
}

func (l *osLock) release(remove bool) error {
	var err error
	if remove {
		err = l.root.Remove(path.Join(l.name, lockFile))
		if err == nil {
			err = l.root.Remove(l.name)
		}
	}
	return errors.Join(err, l.file.Close()) // closing gives the lock back
}

type osFile struct{ *os.File }

func (f osFile) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) sync() error { return datasync(f.File) }

func (f osFile) preallocate(size int64) error {
	err := allocate(f.File, size)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return writeZeros(f, size)
}

// writeZeros takes the room for a file where there is no fallocate.
func writeZeros(f io.WriterAt, size int64) error {
	chunk := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(chunk)) {
		if _, err := f.WriteAt(chunk[:min(int64(len(chunk)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}
