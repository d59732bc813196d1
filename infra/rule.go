package infra

import (
	"fmt"
	"slices"
	"strings"
)

// Severity says how bad a finding is.
type Severity int

// The severities, from the least.
const (
	Info    Severity = iota // worth knowing
	Warning                 // costs, or hides what happens
	Error                   // loses or leaks work, or lets a stranger in
)

var severities = []string{"info", "warning", "error"}

// String gives info, warning or error.
func (s Severity) String() string {
	if s < Info || s > Error {
		return fmt.Sprintf("Severity(%d)", int(s))
	}
	return severities[s]
}

// MarshalText writes the severity as String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severities, string(text))
	if i < 0 {
		return fmt.Errorf("severity %q: must be one of %s", text, strings.Join(severities, ", "))
	}
	*s = Severity(i)
	return nil
}

// A Rule is one thing that a stack must keep.
type Rule struct {
	ID       string   // row of the catalogue of failures and a word: C13-filter
	Severity Severity // of its findings
	Title    string   // what must hold, in one line
	Why      string   // what happens otherwise
	Fix      string   // what to do, in the words of the template
	Page     string   // the AWS page that it rests on
	check    func(*run)
}

// Row is the row of the catalogue of failures that the rule belongs to: C13 of C13-filter.
func (r Rule) Row() string {
	row, _, _ := strings.Cut(r.ID, "-")
	return row
}

// A Finding is one place of a stack that breaks a rule.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	Resource string   `json:"resource,omitempty"` // logical id
	Name     string   `json:"name,omitempty"`     // physical name
	Line     int      `json:"line,omitempty"`     // in the template; 0 when the reader has none
	Field    string   `json:"field,omitempty"`    // of the model: VisibilityTimeout
	Text     string   `json:"text"`               // what is there
	Why      string   `json:"why"`
	Fix      string   `json:"fix"`
	Page     string   `json:"page"`
}

// String gives the finding on one line: "error C7-visibility TaskQueue: text".
func (f Finding) String() string {
	if f.Resource == "" {
		return fmt.Sprintf("%s %s: %s", f.Severity, f.Rule, f.Text)
	}
	return fmt.Sprintf("%s %s %s: %s", f.Severity, f.Rule, f.Resource, f.Text)
}

// A Skip is a rule that could not be checked at one place, because the reader could not read what it needs.
type Skip struct {
	Rule string `json:"rule"`
	Path string `json:"path"` // as in Stack.Unread
	Why  string `json:"why"`
}

// A Report is what Check found.
type Report struct {
	Checked    int       `json:"checked"`    // rules that were checked wholly
	Incomplete int       `json:"incomplete"` // rules that were checked in part, or not at all: see Skipped
	Findings   []Finding `json:"findings"`   // the worst first, then in the order of the rules
	Skipped    []Skip    `json:"skipped"`    // nobody knows whether the stack keeps these
}

// Worst is the severity of the worst finding; ok is false when there is none.
func (r Report) Worst() (worst Severity, ok bool) {
	for _, f := range r.Findings {
		worst, ok = max(worst, f.Severity), true
	}
	return worst, ok
}
