package archtest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeQuotesThePage: each figure of its section "What it costs" stands in docs/benchmarks.md too.
func TestReadmeQuotesThePage(t *testing.T) {
	readme, page := text(t, "../../README.md"), text(t, "../../docs/benchmarks.md")
	_, section, found := strings.Cut(readme, "\n## What it costs\n")
	section, _, _ = strings.Cut(section, "\n## ")
	figure := regexp.MustCompile(`\d[\d.,]*k?`) // without its unit, which columns of the page have in their heads
	stands := make(map[string]bool)
	for _, f := range figure.FindAllString(page, -1) {
		stands[strings.TrimRight(f, ".,")] = true
	}
	quoted := figure.FindAllString(section, -1)
	for _, f := range quoted {
		if !stands[strings.TrimRight(f, ".,")] {
			t.Errorf("README says %q, and docs/benchmarks.md does not", f)
		}
	}
	if !found || len(quoted) < 20 {
		t.Errorf("found the section: %t, figures in it: %d", found, len(quoted))
	}
}

func text(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
