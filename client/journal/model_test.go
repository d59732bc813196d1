package journal

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is what a journal must be to its caller, without a disk: records by name, and where they are.
type model struct {
	t       *rapid.T
	disk    *simDisk
	journal *Journal
	sync    Sync
	hands   map[string]Ref  // the caller has them
	backlog map[string]bool // Next has to give them out
	aside   map[string]bool // in the quarantine
	all     map[string]Record
}

// TestJournalIsTheModel draws calls, ends of processes and closes.
func TestJournalIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			t: t, disk: newSimDisk(), sync: Sync(rapid.IntRange(0, 1).Draw(t, "sync")),
			hands: map[string]Ref{}, backlog: map[string]bool{}, aside: map[string]bool{}, all: map[string]Record{},
		}
		m.open()
		defer func() { _ = m.journal.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"":           func(*rapid.T) { m.check() },
			"append":     func(*rapid.T) { m.append() },
			"spill":      func(*rapid.T) { m.spill() },
			"next":       func(*rapid.T) { m.next() },
			"done":       func(*rapid.T) { m.done() },
			"quarantine": func(*rapid.T) { m.quarantine() },
			"kill":       func(*rapid.T) { m.end(true) },
			"close":      func(*rapid.T) { m.end(false) },
			"inspect":    func(*rapid.T) { m.inspect() },
		})
	})
}

func (m *model) open() {
	j, err := openOn(m.disk, Options{Sync: m.sync, Interval: time.Hour, AdoptEvery: time.Hour})
	if err != nil {
		m.t.Fatal(err)
	}
	m.journal = j
}

func (m *model) draw() Record {
	name := fmt.Sprint(len(m.all))
	r := Record{
		Body:  append([]byte(name+":"), bytes.Repeat([]byte{'x'}, rapid.IntRange(0, 3000).Draw(m.t, "filler"))...),
		Class: rapid.SampledFrom([]string{"", "bulk"}).Draw(m.t, "class"),
		Meta:  rapid.SliceOfN(rapid.Byte(), 0, 10).Draw(m.t, "meta"),
		Time:  time.Unix(0, rapid.Int64Range(-1<<62, 1<<62).Draw(m.t, "time")),
	}
	m.all[name] = r
	return r
}

func (m *model) append() {
	r := m.draw()
	ref, err := m.journal.Append(testContext, r)
	if err != nil {
		m.t.Fatal(err)
	}
	m.hands[id(r)] = ref
}

func (m *model) spill() {
	r := m.draw()
	if err := m.journal.Spill(testContext, r); err != nil {
		m.t.Fatal(err)
	}
	m.backlog[id(r)] = true
}

func (m *model) next() {
	n, size := rapid.IntRange(1, 5).Draw(m.t, "n"), rapid.IntRange(1, 8000).Draw(m.t, "bytes")
	got, err := m.journal.Next(n, size)
	if err != nil {
		m.t.Fatal(err)
	}
	if len(got) > n || (len(got) == 0) != (len(m.backlog) == 0) {
		m.t.Fatalf("%d records, the backlog is %d", len(got), len(m.backlog))
	}
	total := 0
	for _, r := range got {
		name := id(r.Record)
		if !m.backlog[name] || !same(m.all[name], r.Record) {
			m.t.Fatalf("%q is not in the backlog as it is", name)
		}
		delete(m.backlog, name)
		m.hands[name] = r.Ref
		total += len(r.Body) + len(r.Meta) + len(r.Class)
	}
	if len(got) > 1 && total > size {
		m.t.Fatalf("%d bytes, asked for %d", total, size)
	}
}

// some draws a few of what the caller has.
func (m *model) some() []string {
	names := slices.Sorted(maps.Keys(m.hands))
	if len(names) == 0 {
		m.t.Skip("the caller has nothing")
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), rapid.ID[string]).Draw(m.t, "names")
}

func (m *model) done() {
	var refs []Ref
	for _, name := range m.some() {
		refs = append(refs, m.hands[name])
		delete(m.hands, name)
	}
	for range 2 { // the second changes nothing
		if err := m.journal.Done(refs...); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *model) quarantine() {
	name := m.some()[0]
	if err := m.journal.Quarantine(m.hands[name], "why"); err != nil {
		m.t.Fatal(err)
	}
	m.aside[name] = true
	delete(m.hands, name)
}

func (m *model) end(kill bool) {
	if m.journal.Stats().Orphans > maxOrphans-2 {
		m.t.Skip("more orphans would have to wait")
	}
	if old := m.journal; kill {
		m.disk = m.disk.kill()
		_ = old.Close()
	} else if err := old.Close(); err != nil {
		m.t.Fatal(err)
	}
	if !kill && len(m.hands)+len(m.backlog) == 0 {
		if names := left(m.disk); len(names) > 0 {
			m.t.Fatalf("left: %v", names)
		}
	}
	for name := range m.hands {
		m.backlog[name] = true
	}
	clear(m.hands)
	m.open()
}

func (m *model) check() {
	s := m.journal.Stats()
	if s.Backlog != len(m.backlog) || s.Records != len(m.backlog)+len(m.hands) || s.Damaged != 0 || s.Oldest.IsZero() != (s.Records == 0) {
		m.t.Fatalf("%+v, want %d in hands and a backlog of %d", s, len(m.hands), len(m.backlog))
	}
}

// inspect sees the same from outside.
func (m *model) inspect() {
	if put := putAside(m.disk); !maps.Equal(put, m.aside) {
		m.t.Fatalf("put aside: %v, want %v", put, m.aside)
	}
	holders, err := inspect(m.disk)
	if err != nil {
		m.t.Fatal(err)
	}
	records, lines := 0, 0
	for _, h := range holders {
		records, lines = records+h.Records, lines+h.Quarantined
		if h.Damaged != 0 || h.Err != nil {
			m.t.Fatalf("%+v", h)
		}
	}
	if s := m.journal.Stats(); records != s.Records || lines != len(m.aside) {
		m.t.Fatalf("Inspect sees %d records and %d lines, want %d and %d", records, lines, s.Records, len(m.aside))
	}
}
