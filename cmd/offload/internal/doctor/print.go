package doctor

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/offloadhq/offload/infra"
)

// Print writes the report as people read it. file is what Undeployed was compared with.
func (r *Report) Print(w io.Writer, file string) error {
	p := &printer{}
	p.line("stack %s in %s, account %s%s", r.Stack, cmp.Or(r.Region, "an unknown region"), cmp.Or(r.Account, "unknown"), comma(r.Status))
	n := r.Resources
	p.line("%s wholly checked, %d not wholly, on %s, %s, %s, %s", count(r.Rules, "rule"), r.Incomplete,
		count(n.Queues, "queue"), count(n.Functions, "function"), count(n.Mappings, "mapping"), count(n.Alarms, "alarm"))
	if r.Source == SourceTemplate {
		p.line("This endpoint has no CloudFormation: the names come from %s.", file)
	}
	for _, severity := range []infra.Severity{infra.Error, infra.Warning, infra.Info} {
		p.findings(r.Findings, severity)
	}
	against := "what was deployed"
	if r.Source == SourceTemplate {
		against = file
	}
	p.differences("drift: the live stack is not "+against, r.Drift)
	p.differences("not deployed: "+file+" is not what was deployed", r.Undeployed)
	if len(r.Gone) > 0 {
		p.line("")
		p.line("gone, though deployed: %s", strings.Join(r.Gone, ", "))
	}
	p.unchecked(r.NotChecked)
	p.line("")
	p.line("%s", r.summary())
	_, err := io.WriteString(w, p.String())
	return err
}

func (r *Report) summary() string {
	counts := []string{
		count(r.Count(infra.Error), "error"), count(r.Count(infra.Warning), "warning"), count(r.Count(infra.Info), "note"),
		count(len(r.Drift), "difference"),
	}
	if len(r.Gone) > 0 {
		counts = append(counts, count(len(r.Gone), "resource")+" gone")
	}
	if r.Undeployed != nil {
		counts = append(counts, fmt.Sprintf("%d not deployed", len(r.Undeployed)))
	}
	return strings.Join(append(counts, fmt.Sprintf("%d not checked", len(r.NotChecked))), ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func comma(s string) string {
	if s == "" {
		return ""
	}
	return ", " + s
}

type printer struct{ strings.Builder }

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// findings prints those of one severity, rule by rule: the reason, the fix and the page stand once below the places.
func (p *printer) findings(all []infra.Finding, severity infra.Severity) {
	var rules []string
	places := make(map[string][]infra.Finding)
	for _, f := range all {
		if f.Severity != severity {
			continue
		}
		if len(places[f.Rule]) == 0 {
			rules = append(rules, f.Rule)
		}
		places[f.Rule] = append(places[f.Rule], f)
	}
	for _, rule := range rules {
		found := places[rule]
		p.line("")
		p.line("%-8s %s: %s", severity, rule, found[0].Title)
		for _, f := range found {
			at := strings.Trim(f.Resource+"."+f.Field, ".")
			if f.Name != "" && f.Name != f.Resource {
				at += " (" + f.Name + ")"
			}
			p.line("  %s", strings.TrimPrefix(at+": "+f.Text, ": "))
		}
		p.line("  why   %s", found[0].Why)
		p.line("  fix   %s", found[0].Fix)
		p.line("  page  %s", found[0].Page)
	}
}

func (p *printer) differences(title string, list []infra.Difference) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("%s", title)
	for _, d := range list {
		p.line("  %s", d)
	}
}

// unchecked prints what was not checked, by reason.
func (p *printer) unchecked(list []NotChecked) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("not checked")
	var reasons []string
	byReason := make(map[string][]NotChecked)
	for _, n := range list {
		if len(byReason[n.Why]) == 0 {
			reasons = append(reasons, n.Why)
		}
		byReason[n.Why] = append(byReason[n.Why], n)
	}
	for _, why := range reasons {
		var paths, rules []string
		for _, n := range byReason[why] {
			paths, rules = append(paths, n.Path), append(rules, n.Rules...)
		}
		slices.Sort(rules)
		p.line("  %s: %s", strings.Join(paths, ", "), why)
		if rules = slices.Compact(rules); len(rules) > 0 {
			p.line("    so not wholly: %s", strings.Join(rules, ", "))
		}
	}
}
