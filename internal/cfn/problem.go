package cfn

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// ErrUncomputable marks a [*Problem] about a value that only AWS can know and that something that runs here needs.
// Test for it with errors.Is; Problem.Needs names the value, and Options.Values can give it.
var ErrUncomputable = errors.New("value cannot be computed on this machine")

// A Problem is one mistake in a template, at one place.
type Problem struct {
	File  string
	Line  int    // 0 when the problem is about the file as a whole
	Key   string // path of the key in the template, such as Resources.Work.Properties.VisibilityTimeout; may be ""
	Text  string // what is wrong, and what to do
	Needs string // the name of the value that cannot be computed, as Options.Values takes it; "" for other problems
}

// Error gives the problem as "template.yaml:12: Key: text".
func (p *Problem) Error() string { return position(p.File, p.Line, p.Key) + p.Text }

// Is reports whether target is ErrUncomputable and the problem is of that kind.
func (p *Problem) Is(target error) bool { return target == ErrUncomputable && p.Needs != "" }

// A Warning tells of something in the template that is not as on AWS. It never stops the emulator.
type Warning struct {
	File string
	Line int
	Key  string // path of the key in the template, such as Resources.Work.Properties.Events.Api
	Text string
}

// String gives the warning as "template.yaml:12: Key: text".
func (w Warning) String() string { return position(w.File, w.Line, w.Key) + w.Text }

func position(file string, line int, key string) string {
	s := file + ":"
	if line > 0 {
		s += fmt.Sprintf("%d:", line)
	}
	s += " "
	if key != "" {
		s += key + ": "
	}
	return s
}

// A Report collects what is found in one template. A text that was reported already for the same place is not reported again,
// because one value may be read more than once.
type Report struct {
	file     string
	Problems []*Problem
	warnings []Warning
	seen     map[string]bool
}

// A template with more problems than this is of no help as a list.
const maxProblems = 100

// NewReport gives an empty report about a file.
func NewReport(file string) *Report { return &Report{file: file, seen: make(map[string]bool)} }

func (r *Report) add(p Problem) {
	p.File = r.file
	if text := p.Error(); !r.seen[text] && len(r.Problems) < maxProblems {
		r.seen[text] = true
		r.Problems = append(r.Problems, &p)
	}
}

// Fail adds a problem.
func (r *Report) Fail(line int, key, format string, args ...any) {
	r.add(Problem{Line: line, Key: key, Text: fmt.Sprintf(format, args...)})
}

// Warn adds a warning.
func (r *Report) Warn(line int, key, format string, args ...any) {
	w := Warning{File: r.file, Line: line, Key: key, Text: fmt.Sprintf(format, args...)}
	if text := w.String(); !r.seen[text] {
		r.seen[text] = true
		r.warnings = append(r.warnings, w)
	}
}

// Err joins the problems, sorted by line; it is nil when there are none.
func (r *Report) Err() error {
	slices.SortStableFunc(r.Problems, func(a, b *Problem) int { return cmp.Compare(a.Line, b.Line) })
	errs := make([]error, len(r.Problems))
	for i, p := range r.Problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// SortedWarnings gives the warnings, sorted by line.
func (r *Report) SortedWarnings() []Warning {
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return cmp.Compare(a.Line, b.Line) })
	return r.warnings
}
