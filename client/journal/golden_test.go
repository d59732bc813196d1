package journal

import (
	"bytes"
	"flag"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files of this version")

// golden is a subdirectory as version 1 writes it: five records, of which one is done, one was spilled, and one was moved
// here from another segment.
func golden(t *testing.T) map[string][]byte {
	t.Helper()
	at := time.Unix(1_800_000_000, 123456789)
	d := newSimDisk()
	h := &holder{name: "h"}
	d.dirs["h"] = true
	s, err := createSegment(d, h, 7, header{salt: 0x0123456789abcdef, size: 8192, created: at}, false)
	if err != nil {
		t.Fatal(err)
	}
	var area []byte
	for _, r := range []Record{
		{Body: []byte(`{"id":"1"}`), Class: "bulk", Time: at, NotBefore: at.Add(time.Minute)},
		{Body: []byte(`{"id":"2"}`), Meta: []byte{1, 2, 3}, Time: at},
		{Body: bytes.Repeat([]byte("3"), 600), Time: at.Add(-time.Hour)},
		{Time: at},
	} {
		area = appendRecord(area, s.key, &r, s.next, s.end, s.next%2)
		s.next++
		s.end += r.size()
	}
	j := &Journal{}
	s.done.add(1)
	s.soil(1)
	if _, err := s.file.WriteAt(area, areaStart); err != nil {
		t.Fatal(err)
	}
	if err := j.writeMarks(s); err != nil {
		t.Fatal(err)
	}
	to, err := createSegment(d, h, 8, header{salt: 0xfedcba9876543210, size: 8192, created: at.Add(time.Second), instead: []origin{{s.key.salt, s.end}}}, false)
	if err != nil {
		t.Fatal(err)
	}
	moved := appendRecord(nil, s.key, &Record{Body: []byte(`{"id":"5"}`), Time: at}, 4, s.end, 0)
	if err := to.fill([]moving{{placed: placed{view{moved[:recordBytes+10], 4}, s.end, int64(len(moved))}}}); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for name, f := range d.files {
		files[path.Base(name)] = f.now
	}
	return files
}

// TestGoldenFiles pins the format: this version writes the files of version 1 byte for byte, and every later one must go on
// reading them.
func TestGoldenFiles(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	d := newSimDisk()
	d.dirs["v1-golden"] = true
	for name, content := range golden(t) {
		file := filepath.Join(dir, name)
		if *update {
			if err := os.WriteFile(file, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(have, content) {
			t.Errorf("%s is not what is written now: %v", file, err)
		}
		d.files["v1-golden/"+name] = &simFile{now: have, room: int64(len(have))}
	}
	j := mustOpen(t, d, Options{})
	got, err := j.Next(10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, r := range got {
		bodies = append(bodies, string(r.Body))
	}
	want := []string{`{"id":"1"}`, strings.Repeat("3", 600), "", `{"id":"5"}`}
	if strings.Join(bodies, "|") != strings.Join(want, "|") {
		t.Errorf("got %q", bodies)
	}
	if r := got[0]; r.Class != "bulk" || r.Time.UnixNano() != 1_800_000_000_123456789 || !r.NotBefore.Equal(r.Time.Add(time.Minute)) {
		t.Errorf("got %+v", r.Record)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
