package measure

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// clockTick is the unit of /proc: USER_HZ, which is 100 on every architecture that Linux and Go share.
const clockTick = time.Second / 100

// TreeCPU is the user and system time of a process and its descendants, those included that have ended and were waited
// for. ok is false where it cannot be known: off Linux, or when the process has gone. It is right to 10 ms a process.
func TreeCPU(root int) (total time.Duration, ok bool) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return 0, false
	}
	processes := map[int]process{}
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended since
		}
		if p, err := parseStat(text); err == nil {
			processes[p.id] = p
		}
	}
	if _, ok := processes[root]; !ok {
		return 0, false
	}
	for _, p := range processes {
		if descends(processes, p, root) {
			total += p.cpu
		}
	}
	return total, true
}

type process struct {
	id, parent int
	cpu        time.Duration
}

func descends(all map[int]process, p process, root int) bool {
	for range len(all) { // a list that was read while it changed could hold a circle
		if p.id == root {
			return true
		}
		next, ok := all[p.parent]
		if !ok {
			return false
		}
		p = next
	}
	return false
}

// parseStat reads /proc/PID/stat (proc_pid_stat(5)): the id, the name in parentheses, and fields from the third on.
func parseStat(text []byte) (process, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 1 || end < open {
		return process{}, fmt.Errorf("stat %q: has no name in parentheses", text)
	}
	fields := bytes.Fields(text[end+1:])
	if len(fields) < 15 {
		return process{}, fmt.Errorf("stat %q: has %d fields after the name, want 15 at least", text, len(fields))
	}
	var numbers [6]int // pid, ppid, utime, stime, cutime, cstime
	for i, field := range [][]byte{bytes.TrimSpace(text[:open]), fields[1], fields[11], fields[12], fields[13], fields[14]} {
		n, err := strconv.Atoi(string(field))
		if err != nil {
			return process{}, fmt.Errorf("stat %q: %w", text, err)
		}
		numbers[i] = n
	}
	ticks := numbers[2] + numbers[3] + numbers[4] + numbers[5]
	return process{id: numbers[0], parent: numbers[1], cpu: time.Duration(ticks) * clockTick}, nil
}
