package lambda

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	maxLine = 256 << 10
	maxTail = 4 << 10 // of X-Amz-Log-Result (AWS Lambda API Reference, "Invoke", LogResult)
)

// logs reads what a process writes, splits it into lines, and knows which invocation they belong to: at the end of an
// invocation drain reads what is still in the pipes, before the next one can begin.
type logs struct {
	emit  func(LogLine)
	pipes [2]*logPipe
	wg    sync.WaitGroup

	mu   sync.Mutex
	line LogLine // function and version, and the request that runs
	tail []byte  // of the request
	keep bool    // whether tail is wanted
}

// logPipe is the reading end of standard output or standard error.
type logPipe struct {
	l      *logs
	r      *os.File
	raw    syscall.RawConn
	stderr bool
	// Under l.mu:
	part  []byte // of a line
	ended bool
}

// newLogs returns logs and the writing ends of two pipes, which the caller closes.
func newLogs(function, version string, emit func(LogLine)) (l *logs, writers [2]*os.File, err error) {
	l = &logs{emit: emit, line: LogLine{Function: function, Version: version}}
	for i := range l.pipes {
		r, w, err := os.Pipe()
		if err == nil {
			l.pipes[i] = &logPipe{l: l, r: r, stderr: i == 1}
			writers[i] = w
			l.pipes[i].raw, err = r.SyscallConn()
		}
		if err != nil {
			l.close()
			for _, w := range writers {
				_ = w.Close()
			}
			return nil, writers, err
		}
	}
	for _, p := range l.pipes {
		l.wg.Go(p.run)
	}
	return l, writers, nil
}

// close ends the readers. What the process has written before is drained first.
func (l *logs) close() {
	l.drain()
	for _, p := range l.pipes {
		if p != nil {
			_ = p.r.Close()
		}
	}
	l.wg.Wait()
}

// begin says that lines from here on belong to the request.
func (l *logs) begin(requestID string, keepTail bool) {
	l.drain()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line.RequestID, l.keep, l.tail = requestID, keepTail, nil
}

// end returns the tail of the request, and says that further lines belong to none.
func (l *logs) end() []byte {
	l.drain()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line.RequestID, l.keep = "", false
	return l.tail
}

// drain reads all that the process has written, and takes the rest of an unfinished line for a line.
func (l *logs) drain() {
	for _, p := range l.pipes {
		if p == nil || p.raw == nil {
			continue
		}
		_ = p.raw.Control(func(fd uintptr) {
			for p.read(int(fd)) {
			}
		})
		l.mu.Lock()
		if len(p.part) > 0 {
			p.write(p.part)
			p.part = nil
		}
		l.mu.Unlock()
	}
}

func (p *logPipe) run() {
	for {
		ended := false
		err := p.raw.Read(func(fd uintptr) bool {
			for p.read(int(fd)) {
			}
			p.l.mu.Lock()
			defer p.l.mu.Unlock()
			ended = p.ended
			return ended
		})
		if err != nil || ended {
			return
		}
	}
}

// read reads once, and says whether there may be more at once. Reading and splitting are one step, so that drain and
// run cannot swap what they read.
func (p *logPipe) read(fd int) bool {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	if p.ended {
		return false
	}
	var buffer [8 << 10]byte
	n, err := syscall.Read(fd, buffer[:])
	switch {
	case errors.Is(err, syscall.EINTR):
		return true
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err != nil || n == 0:
		p.ended = true
		return false
	}
	p.part = append(p.part, buffer[:n]...)
	for {
		i := bytes.IndexByte(p.part, '\n')
		if i < 0 {
			break
		}
		p.write(p.part[:i])
		p.part = p.part[i+1:]
	}
	for len(p.part) >= maxLine {
		p.write(p.part[:maxLine])
		p.part = p.part[maxLine:]
	}
	return true
}

// write passes one line on. Callers hold l.mu.
func (p *logPipe) write(text []byte) {
	line := p.l.line
	line.Time, line.Stderr, line.Text = time.Now(), p.stderr, string(bytes.TrimSuffix(text, []byte("\r")))
	p.l.append(text)
	p.l.emit(line)
}

// append adds a line to the tail and keeps its last 4 KB.
func (l *logs) append(text []byte) {
	if !l.keep {
		return
	}
	l.tail = append(append(l.tail, text...), '\n')
	if extra := len(l.tail) - maxTail; extra > 0 {
		l.tail = append([]byte(nil), l.tail[extra:]...)
	}
}
