package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Holder is what [Inspect] tells of a subdirectory.
type Holder struct {
	Name   string
	Locked bool // a Journal holds it; else it is an orphan, unless Gone
	Gone   bool // there is no such subdirectory any more, only what it has put into the quarantine
	// PID, Host and Started are those of the process that made it.
	PID     int
	Host    string
	Started time.Time

	Segments int
	Bytes    int64     // that the segments take on the disk
	Records  int       // not done; while it is Locked, a moment's guess
	Oldest   time.Time // the Time of the oldest of them; zero if there is none
	Damaged  int       // places between its records that are none; while it is Locked, some may be just being written

	// Quarantined counts the lines that were put aside for it, records that ended undeliverable and bytes that are no
	// record; Quarantine are their files.
	Quarantined int
	Quarantine  []string

	// Err says why the rest may be wrong: something could not be read, or has a format that this version does not know.
	Err error
}

// Inspect reads a directory of journals and changes nothing, also while processes work in it. It reads every segment
// whole. Holders are in the order of their names, which is that of their age.
func Inspect(dir string) ([]Holder, error) {
	d, err := openDisk(dir, false)
	if err != nil {
		return nil, fmt.Errorf("journal %q: %w", dir, err)
	}
	holders, err := inspect(d)
	if err != nil {
		err = fmt.Errorf("journal %q: %w", dir, err)
	}
	return holders, errors.Join(err, d.close())
}

func inspect(d disk) ([]Holder, error) {
	names, err := d.list(".")
	if err != nil {
		return nil, err
	}
	found := map[string]*Holder{}
	for _, name := range names {
		switch {
		case adoptable(name):
			if h := inspectHolder(d, name); !errors.Is(h.Err, fs.ErrNotExist) { // it was removed just now
				found[name] = h
			}
		case name != quarantineDir:
			found[name] = &Holder{Name: name, Err: errors.New("is no part of a journal that this version knows: is this the directory that was given to journal.Open?")}
		}
	}
	if err := inspectQuarantine(d, found); err != nil {
		return nil, err
	}
	all := make([]Holder, 0, len(found))
	for _, h := range found {
		all = append(all, *h)
	}
	slices.SortFunc(all, func(a, b Holder) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func inspectHolder(d disk, name string) *Holder {
	h := &Holder{Name: name}
	held, text, err := d.peek(name)
	h.Locked = held
	var n note
	if json.NewDecoder(bytes.NewReader(text)).Decode(&n) == nil { // it is for people: what cannot be read is left out
		h.PID, h.Host, h.Started = n.PID, n.Host, n.Started
	}
	segments, segmentsErr := openSegments(d, &holder{name: name}, os.O_RDONLY)
	for _, s := range segments {
		h.inspectSegment(s)
		_ = s.file.Close() // it was read only
	}
	h.Err = errors.Join(err, segmentsErr)
	return h
}

func (h *Holder) inspectSegment(s *segment) {
	h.Segments++
	h.Bytes += s.size
	reader := s.scanner(areaStart, s.limit)
	reader.damage = func(from, to int64, tail bool) {
		if !tail || s.hasBytes(from, to) {
			h.Damaged++
		}
	}
	for v, _, ok := reader.next(); ok; v, _, ok = reader.next() {
		if s.before.has(v.ordinal) {
			continue
		}
		h.Records++
		if t := v.time(); h.Oldest.IsZero() || t.Before(h.Oldest) {
			h.Oldest = t
		}
	}
}

// inspectQuarantine counts lines, and attributes them to the holders whose names the files have.
func inspectQuarantine(d disk, found map[string]*Holder) error {
	names, err := d.list(quarantineDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		who, ok := quarantineOwner(name)
		if !ok {
			continue
		}
		h := found[who]
		if h == nil {
			h = &Holder{Name: who, Gone: true}
			found[who] = h
		}
		file := path.Join(quarantineDir, name)
		h.Quarantine = append(h.Quarantine, file)
		lines, err := countLines(d, file)
		h.Quarantined += lines
		h.Err = errors.Join(h.Err, err)
	}
	return nil
}

// quarantineOwner takes the holder's name out of that of a file.
func quarantineOwner(file string) (holder string, ok bool) {
	if stem, ok := strings.CutSuffix(file, damageSuffix); ok {
		parts := strings.Split(stem, "-") // holder, sequence and salt of the segment
		if len(parts) < 3 {
			return "", false
		}
		return strings.Join(parts[:len(parts)-2], "-"), true
	}
	return strings.CutSuffix(file, quarantineSuffix)
}

func countLines(d disk, name string) (lines int, err error) {
	f, err := d.open(name, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	size, err := f.size()
	buf := make([]byte, readBytes)
	for at := int64(0); at < size; at += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), size-at)]
		readBlocks(f, b, at)
		lines += bytes.Count(b, []byte{'\n'})
	}
	return lines, errors.Join(err, f.Close())
}
