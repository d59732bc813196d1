package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// under reports whether path is prefix or lies below it.
func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func underAny(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return under(path, p) })
}

func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// CheckLayers finds imports that do not go down the layers.
func CheckLayers(t Tree, layers [][]string, internalMay []string) []string {
	level := map[string]int{}
	for i, folders := range layers {
		for _, f := range folders {
			level[f] = i
		}
	}
	var breaches []string
	for _, p := range t.Packages {
		for _, imported := range p.Imports() {
			rel, ours := strings.CutPrefix(imported, Module+"/")
			if !ours {
				continue
			}
			from, to := top(p.Path), top(rel)
			fromLevel, fromKnown := level[from]
			toLevel, toKnown := level[to]
			var good bool
			switch {
			case from == "internal":
				good = slices.Contains(internalMay, to)
			case from == to, to == "internal":
				good = true
			default:
				good = fromKnown && toKnown && toLevel < fromLevel
			}
			if !good {
				breaches = append(breaches, fmt.Sprintf("%s imports %s: imports go down the layers only", p.Path, rel))
			}
		}
	}
	return breaches
}

// CheckImports finds imports outside the packages that they are meant for.
func CheckImports(t Tree, rules []ImportRule) []string {
	var breaches []string
	for _, p := range t.Packages {
		for _, rule := range rules {
			if underAny(p.Path, rule.Only) {
				continue
			}
			for _, imported := range p.Imports() {
				if underAny(imported, rule.Imports) {
					breaches = append(breaches, fmt.Sprintf("%s imports %s: %s", p.Path, imported, rule.Why))
				}
			}
		}
	}
	return breaches
}

// CheckCalls finds calls outside the packages that may make them.
func CheckCalls(t Tree, rules []CallRule) []string {
	var breaches []string
	for _, rule := range rules {
		for _, p := range t.Packages {
			if underAny(p.Path, rule.Only) || rule.Allow[p.Path] != "" {
				continue
			}
			for _, f := range p.Files {
				for _, call := range f.Calls {
					if slices.Contains(rule.Calls, call) {
						breaches = append(breaches, fmt.Sprintf("%s calls %s: %s", f.Name, call, rule.Why))
					}
				}
			}
		}
	}
	return breaches
}

// CheckDeps finds what a package may not link. deps gives for each package, by its full path, what it imports; the
// standard library may be left out of it.
func CheckDeps(deps map[string][]string, isStandard func(string) bool, rules []DepsRule) []string {
	var breaches []string
	for _, rule := range rules {
		root := Module + "/" + rule.Package
		from := map[string]string{root: ""} // who brought it in
		for queue := []string{root}; len(queue) > 0; queue = queue[1:] {
			for _, next := range deps[queue[0]] {
				if _, seen := from[next]; !seen && !isStandard(next) {
					from[next] = queue[0]
					queue = append(queue, next)
				} else if !seen && underAny(next, rule.Never) {
					from[next] = queue[0] // standard, and forbidden: testing
				}
			}
		}
		for _, p := range slices.Sorted(maps.Keys(from)) {
			stranger := rule.Only != nil && !isStandard(p) && !underAny(p, rule.Only)
			if underAny(p, rule.Never) || stranger {
				breaches = append(breaches, fmt.Sprintf("%s links %s, by way of %s", rule.Package, p, from[p]))
			}
		}
	}
	return breaches
}

// CheckSleeps finds tests that wait by the clock. Beside testing/synctest Sleep moves virtual time, and is welcome.
func CheckSleeps(t Tree, allow map[string]string) []string {
	var breaches []string
	for _, p := range t.Packages {
		for _, f := range p.Tests {
			if slices.Contains(f.Calls, "time.Sleep") && !slices.Contains(f.Imports, "testing/synctest") && allow[f.Name] == "" {
				breaches = append(breaches, fmt.Sprintf("%s sleeps: wait for a channel, poll with a deadline, or use testing/synctest", f.Name))
			}
		}
	}
	return breaches
}

// CheckFolders finds top folders that the design does not know.
func CheckFolders(t Tree, known []string) []string {
	var breaches []string
	for _, f := range t.Folders {
		if !slices.Contains(known, f) {
			breaches = append(breaches, fmt.Sprintf("folder %s/ is no line of the design", f))
		}
	}
	return breaches
}

// CheckDocs finds libraries without a package comment that begins as it should.
func CheckDocs(t Tree, lines map[string]string) []string {
	var breaches []string
	for _, p := range t.Packages {
		if p.Name == "main" || len(p.Files) == 0 {
			continue
		}
		doc := strings.Join(strings.Fields(p.Doc), " ")
		rest, found := strings.CutPrefix(doc, "Package "+p.Name+" ")
		switch line := lines[p.Path]; {
		case !found || !strings.Contains(rest, "."):
			breaches = append(breaches, fmt.Sprintf("%s: the package comment does not begin with a sentence about Package %s", p.Path, p.Name))
		case !strings.HasPrefix(strings.TrimPrefix(rest, "is "), line):
			breaches = append(breaches, fmt.Sprintf("%s: the package comment does not begin with %q", p.Path, line))
		}
	}
	return breaches
}

// CheckLengths finds files that hold more than one noun, by their length.
func CheckLengths(t Tree, most int) []string {
	var breaches []string
	for _, p := range t.Packages {
		for _, f := range p.Files {
			if f.Lines > most {
				breaches = append(breaches, fmt.Sprintf("%s has %d lines, the most is %d: part it", f.Name, f.Lines, most))
			}
		}
	}
	return breaches
}

// CheckNamed finds modules that the text does not name.
func CheckNamed(modules []string, text string) []string {
	var breaches []string
	for _, m := range modules {
		if !strings.Contains(text, "`"+m+"`") {
			breaches = append(breaches, fmt.Sprintf("dependency %s is not named: a dependency is a decision", m))
		}
	}
	return breaches
}
