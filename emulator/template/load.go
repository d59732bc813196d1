package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Load reads the template in file and resolves it. It reads that file, and looks whether the directories that functions name are
// there; it changes nothing, and may be called concurrently.
//
// A nil opts means the defaults. When anything is wrong the template is nil and the error joins every problem found, each a
// [*Problem]; see there for the form of the text. A file that cannot be read gives an error that wraps the cause.
func Load(file string, opts *Options) (*Template, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", file, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("template %q: not a file; name the template itself, such as %s", file, filepath.Join(file, "template.yaml"))
	}
	if info.Size() > maxFileBytes {
		return nil, fmt.Errorf("template %q: %d bytes; AWS takes at most %d", file, info.Size(), maxFileBytes)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", file, err)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", file, err)
	}
	return load(file, dir, data, &o)
}

func load(file, dir string, data []byte, o *Options) (*Template, error) {
	r := newReport(file)
	root := parse(r, data)
	if root == nil || len(r.problems) > 0 {
		return nil, r.err()
	}
	res := resolve(r, root, o)
	b := newBuilder(res, file, dir)
	b.build(root)
	if err := r.err(); err != nil {
		return nil, err
	}
	b.template.Warnings = r.sortedWarnings()
	return b.template, nil
}

func parse(r *report, data []byte) *value {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	start := bytes.TrimLeft(data, " \t\r\n")
	// A template that starts with a brace may also be YAML in flow style, which is no JSON.
	if strings.EqualFold(filepath.Ext(r.file), ".json") || bytes.HasPrefix(start, []byte("{")) && json.Valid(data) {
		return parseJSON(r, data)
	}
	return parseYAML(r, data)
}
