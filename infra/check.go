package infra

import (
	"cmp"
	"fmt"
	"slices"
)

// Check holds a stack against rules, or against all [Rules] when none are given. It changes nothing.
func Check(s *Stack, rules ...Rule) Report {
	if len(rules) == 0 {
		rules = Rules()
	}
	report := Report{Findings: []Finding{}, Skipped: []Skip{}}
	for _, rule := range rules {
		r := &run{Stack: s, rule: rule, report: &report}
		skipped := len(report.Skipped)
		if rule.check(r); len(report.Skipped) == skipped {
			report.Checked++
		} else {
			report.Incomplete++
		}
	}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return report
}

// A run is one rule at work on one stack.
type run struct {
	*Stack
	rule   Rule
	report *Report
}

// found reports that a resource breaks the rule. The resource may be nil: then the stack as a whole does.
func (r *run) found(at interface{ base() Resource }, field, format string, args ...any) {
	f := Finding{
		Rule: r.rule.ID, Severity: r.rule.Severity, Title: r.rule.Title, Field: field, Text: fmt.Sprintf(format, args...),
		Why: r.rule.Why, Fix: r.rule.Fix, Page: r.rule.Page,
	}
	if at != nil {
		b := at.base()
		f.Resource, f.Name, f.Line = b.ID, b.Name, b.Line
	}
	r.report.Findings = append(r.report.Findings, f)
}

// known says whether all of the paths were read. Those that were not are reported as not checked, once a rule.
func (r *run) known(paths ...string) bool {
	all := true
	for _, path := range paths {
		why, unread := r.WhyUnread(path)
		if !unread {
			continue
		}
		all = false
		r.skip(path, why)
	}
	return all
}

// knownFields is known for fields of one resource.
func (r *run) knownFields(path string, fields ...string) bool {
	paths := make([]string, len(fields))
	for i, f := range fields {
		paths[i] = path + "." + f
	}
	return r.known(paths...)
}

// skip reports that the rule was not checked at one place.
func (r *run) skip(path, why string) {
	if skip := (Skip{Rule: r.rule.ID, Path: path, Why: why}); !slices.Contains(r.report.Skipped, skip) {
		r.report.Skipped = append(r.report.Skipped, skip)
	}
}
