package crash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// capacity is how many tasks a ledger has room for.
const capacity = 1 << 20

const (
	countAt  = 0
	boundAt  = 8
	atRiskAt = 16
	fullAt   = 24
	marksAt  = 64
	size     = marksAt + capacity
)

// Ledger is a file in shared memory in which a process notes what it was promised. What was noted is there when the
// process is killed, without any system call at the time.
type Ledger struct{ memory []byte }

// CreateLedger makes an empty one.
func CreateLedger(path string) (*Ledger, error) {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if err := os.Truncate(path, size); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return OpenLedger(path)
}

// OpenLedger opens one that another process has made.
func OpenLedger(path string) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	memory, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("ledger %q: map: %w", path, err)
	}
	return &Ledger{memory: memory}, nil
}

// Close gives the memory back.
func (l *Ledger) Close() error { return syscall.Munmap(l.memory) }

// Mark notes that Fire returned nil for the task of that number. It is safe for concurrent use, for different tasks.
func (l *Ledger) Mark(number uint64) error {
	if number >= capacity {
		return fmt.Errorf("ledger: task %d is beyond its %d", number, capacity)
	}
	l.memory[marksAt+number] = 1
	l.word(countAt).Add(1)
	return nil
}

// Count is the number of marks.
func (l *Ledger) Count() int { return int(l.word(countAt).Load()) }

// Promised tells whether the task of that number was marked. Call it when the other process has ended.
func (l *Ledger) Promised(number int) bool {
	return number >= 0 && number < capacity && l.memory[marksAt+number] == 1
}

// MarkFull notes that Fire refused a task because the buffer was full. It is safe for concurrent use.
func (l *Ledger) MarkFull() { l.word(fullAt).Add(1) }

// Full is the number of such refusals.
func (l *Ledger) Full() int { return int(l.word(fullAt).Load()) }

// SetBound notes the most that the process says it can lose.
func (l *Ledger) SetBound(tasks int) { l.word(boundAt).Store(uint64(tasks)) }

// Bound is what SetBound noted.
func (l *Ledger) Bound() int { return int(l.word(boundAt).Load()) }

// SetAtRisk notes how many tasks were not acknowledged when the end was asked for.
func (l *Ledger) SetAtRisk(tasks int) { l.word(atRiskAt).Store(uint64(tasks)) }

// AtRisk is what SetAtRisk noted.
func (l *Ledger) AtRisk() int { return int(l.word(atRiskAt).Load()) }

// Lost counts the marked tasks that are not among the numbers.
func (l *Ledger) Lost(stored []int) int {
	there := 0
	for _, n := range stored {
		if l.Promised(n) {
			there++
		}
	}
	return l.Count() - there
}

// word is one that two processes share: the mapping is aligned to a page.
func (l *Ledger) word(at int) *atomic.Uint64 {
	_ = l.memory[at : at+binary.Size(uint64(0))]
	return (*atomic.Uint64)(unsafe.Pointer(&l.memory[at]))
}
