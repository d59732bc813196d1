package journal

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
)

const sectorBytes = 512

// simFile is an inode.
type simFile struct {
	now     []byte // what programs see
	durable []byte // what a loss of power leaves for sure
	writes  []simWrite
	room    int64 // preallocated
}

// simWrite is a write that is not synced; bytes nil is a change of the size to at.
type simWrite struct {
	at    int64
	bytes []byte
}

// simHandle is an open file.
type simHandle struct {
	disk     *simDisk
	file     *simFile
	name     string
	writable bool
	closed   bool
}

func (h *simHandle) Close() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.closed {
		return fs.ErrClosed
	}
	h.closed = true
	return nil
}

func (h *simHandle) size() (int64, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	return int64(len(h.file.now)), nil
}

func (h *simHandle) ReadAt(b []byte, at int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.closed {
		return 0, fs.ErrClosed
	}
	if at >= int64(len(h.file.now)) {
		return 0, io.EOF
	}
	n := copy(b, h.file.now[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *simHandle) WriteAt(b []byte, at int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.closed {
		return 0, fs.ErrClosed
	}
	if !h.writable {
		return 0, fs.ErrPermission
	}
	err := h.disk.begin(operation{kind: "write", name: h.name, file: h.file, at: at, bytes: int64(len(b))})
	if err != nil {
		p, ok := errors.AsType[partial](err)
		if !ok {
			return 0, err
		}
		b = b[:int(p.keep*float64(len(b)))]
		err = p.error
	}
	h.file.write(simWrite{at, slices.Clone(b)})
	return len(b), err
}

func (f *simFile) write(w simWrite) {
	f.now = overwrite(f.now, w)
	f.writes = append(f.writes, w)
}

func overwrite(b []byte, w simWrite) []byte {
	end := w.at + int64(len(w.bytes))
	if w.bytes == nil {
		if end <= int64(len(b)) {
			return b[:end:end]
		}
	}
	if grow := end - int64(len(b)); grow > 0 {
		b = append(b, make([]byte, grow)...)
	}
	copy(b[w.at:], w.bytes)
	return b
}

func (h *simHandle) preallocate(size int64) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.disk.begin(operation{kind: "preallocate", name: h.name, file: h.file, bytes: size}); err != nil {
		return err
	}
	h.file.room = size
	h.file.write(simWrite{at: size})
	return nil
}

// sync makes durable what was written. A sync that fails drops it: later ones do not bring it back (Linux marks pages that
// could not be written as clean), although programs see it still.
func (h *simHandle) sync() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	err := h.disk.begin(operation{kind: "sync", name: h.name, file: h.file})
	if errors.Is(err, errOff) {
		return err
	}
	if err == nil {
		for _, w := range h.file.writes {
			h.file.durable = overwrite(h.file.durable, w)
		}
	}
	h.file.writes = nil
	return err
}

// afterPowerOff is the content of a file when of the writes that were not synced only a share of the sectors got to the
// disk, and one in fifty of those as garbage.
func (f *simFile) afterPowerOff(rng *rand.Rand, share float64) []byte {
	content := slices.Clone(f.durable)
	for _, w := range f.writes {
		if w.bytes == nil {
			if rng.Float64() < share {
				content = overwrite(content, w)
			}
			continue
		}
		for at := w.at; at < w.at+int64(len(w.bytes)); {
			end := min(w.at+int64(len(w.bytes)), (at/sectorBytes+1)*sectorBytes)
			part := w.bytes[at-w.at : end-w.at]
			switch luck := rng.Float64(); {
			case luck < share*0.98:
				content = overwrite(content, simWrite{at, part})
			case luck < share:
				garbage := make([]byte, len(part))
				for i := range garbage {
					garbage[i] = byte(rng.Uint32())
				}
				content = overwrite(content, simWrite{at, garbage})
			}
			at = end
		}
	}
	return content
}
