package journal

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// simDisk is a disk in memory that knows what would survive a loss of power: what was synced, and of the rest whatever
// chance lets survive, sector by sector and in no order.
type simDisk struct {
	mu      sync.Mutex
	files   map[string]*simFile // by path
	dirs    map[string]bool
	pending map[string][]dirState // by path: what its directory has not synced, oldest first; the first is what is durable
	locks   map[string]bool
	dead    bool // the machine is off: everything fails

	// op is called with each change, before it: an error makes it fail. For a write the error may be a partial.
	op func(o operation) error
	n  int // operations so far
}

// operation is what the disk is asked to change.
type operation struct {
	index int
	kind  string // mkdir, create, remove, syncDir, write, preallocate, sync
	name  string
	file  *simFile // of write, preallocate and sync
	at    int64
	bytes int64
}

// partial makes a write fail after a part of it.
type partial struct {
	error
	keep float64
}

func (p partial) Unwrap() error { return p.error }

var errOff = errors.New("the machine is off")

// dirState is what a name may stand for.
type dirState struct {
	file *simFile // nil and no dir: nothing
	dir  bool
}

func newSimDisk() *simDisk {
	return &simDisk{files: map[string]*simFile{}, dirs: map[string]bool{".": true}, pending: map[string][]dirState{}, locks: map[string]bool{}}
}

// begin asks whether an operation may happen. d.mu is held.
func (d *simDisk) begin(o operation) error {
	if d.dead {
		return errOff
	}
	o.index = d.n
	d.n++
	if d.op == nil {
		return nil
	}
	err := d.op(o)
	if d.dead {
		return errOff
	}
	return err
}

func (d *simDisk) state(name string) dirState { return dirState{d.files[name], d.dirs[name]} }

// note remembers what a name stood for, before it changes. d.mu is held.
func (d *simDisk) note(name string) {
	if len(d.pending[name]) == 0 {
		d.pending[name] = []dirState{d.state(name)}
	}
}

// noted remembers what a name stands for after the change.
func (d *simDisk) noted(name string) { d.pending[name] = append(d.pending[name], d.state(name)) }

func (d *simDisk) mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dirs[name] || d.files[name] != nil {
		return fs.ErrExist
	}
	if err := d.begin(operation{kind: "mkdir", name: name}); err != nil {
		return err
	}
	d.note(name)
	d.dirs[name] = true
	d.noted(name)
	return nil
}

func (d *simDisk) list(name string) (names []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, errOff
	}
	if !d.dirs[name] {
		return nil, fs.ErrNotExist
	}
	for p := range d.files {
		if path.Dir(p) == name {
			names = append(names, path.Base(p))
		}
	}
	for p := range d.dirs {
		if p != "." && path.Dir(p) == name {
			names = append(names, path.Base(p))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *simDisk) open(name string, flag int) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, errOff
	}
	f := d.files[name]
	switch {
	case f != nil && flag&os.O_EXCL != 0:
		return nil, fs.ErrExist
	case f == nil && flag&os.O_CREATE == 0, !d.dirs[path.Dir(name)]:
		return nil, fs.ErrNotExist
	case f == nil:
		if err := d.begin(operation{kind: "create", name: name}); err != nil {
			return nil, err
		}
		d.note(name)
		f = &simFile{}
		d.files[name] = f
		d.noted(name)
	case flag&os.O_TRUNC != 0:
		f.now = nil
		f.writes = append(f.writes, simWrite{at: 0})
	}
	return &simHandle{disk: d, file: f, name: name, writable: flag&(os.O_RDWR|os.O_WRONLY) != 0}, nil
}

func (d *simDisk) remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil && !d.dirs[name] {
		return fs.ErrNotExist
	}
	if d.dirs[name] {
		for p := range d.files {
			if path.Dir(p) == name {
				return syscall.ENOTEMPTY
			}
		}
	}
	if err := d.begin(operation{kind: "remove", name: name}); err != nil {
		return err
	}
	d.note(name)
	delete(d.files, name)
	delete(d.dirs, name)
	d.noted(name)
	return nil
}

func (d *simDisk) syncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(operation{kind: "syncDir", name: name}); err != nil {
		return err
	}
	maps.DeleteFunc(d.pending, func(p string, _ []dirState) bool { return path.Dir(p) == name })
	return nil
}

func (d *simDisk) lock(name string, text []byte) (locked, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, errOff
	}
	if d.locks[name] || !d.dirs[name] {
		return nil, errLocked
	}
	lock := path.Join(name, lockFile)
	if d.files[lock] == nil {
		if err := d.begin(operation{kind: "create", name: lock}); err != nil {
			return nil, err
		}
		d.note(lock)
		d.files[lock] = &simFile{now: text}
		d.noted(lock)
	}
	d.locks[name] = true
	return &simLock{d, name}, nil
}

func (d *simDisk) peek(name string) (held bool, text []byte, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.files[path.Join(name, lockFile)]; f != nil {
		text = f.now
	}
	return d.locks[name], text, nil
}

func (d *simDisk) close() error { return nil }

type simLock struct {
	disk *simDisk
	name string
}

func (l *simLock) release(remove bool) error {
	var err error
	if remove {
		if err = l.disk.remove(path.Join(l.name, lockFile)); err == nil {
			err = l.disk.remove(l.name)
		}
	}
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	delete(l.disk.locks, l.name)
	return err
}

// kill is the disk as the next process finds it when this one was killed: everything that was written is there.
func (d *simDisk) kill() *simDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	next := newSimDisk()
	maps.Copy(next.dirs, d.dirs)
	next.pending = maps.Clone(d.pending)
	maps.Copy(next.files, d.files)
	return next
}

// powerOff is the disk after a loss of power.
func (d *simDisk) powerOff(rng *rand.Rand) *simDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	next := newSimDisk()
	names := map[string]dirState{}
	for name := range d.files {
		names[name] = d.state(name)
	}
	for name := range d.dirs {
		names[name] = d.state(name)
	}
	for _, name := range slices.Sorted(maps.Keys(d.pending)) {
		states := d.pending[name]
		names[name] = states[rng.IntN(len(states))]
	}
	share := []float64{0, 0.1, 0.5, 0.9, 1}[rng.IntN(5)]
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name].dir {
			next.dirs[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if f := names[name].file; f != nil && next.dirs[path.Dir(name)] {
			content := f.afterPowerOff(rng, share)
			next.files[name] = &simFile{now: content, durable: slices.Clone(content), room: f.room}
		}
	}
	return next
}

// segmentsOf lists the segments on the disk.
func (d *simDisk) segmentsOf() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.files {
		if strings.HasSuffix(name, segmentSuffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
