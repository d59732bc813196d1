package template_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/offloadhq/offload/emulator/template"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestLoad_GoldenTemplates holds the whole model of each template in testdata against a file beside it.
func TestLoad_GoldenTemplates(t *testing.T) {
	files, err := filepath.Glob("testdata/*.template.*")
	if err != nil || len(files) < 4 {
		t.Fatalf("templates: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			got, err := template.Load(file, nil)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, filepath.Join("testdata/golden", filepath.Base(file)+".json"), got)
		})
	}
}

func compareGolden(t *testing.T, golden string, got *template.Template) {
	t.Helper()
	var warnings []string
	for _, w := range got.Warnings {
		warnings = append(warnings, w.String())
	}
	view := struct {
		*template.Template
		Warnings []string
	}{got, warnings}
	raw, err := json.MarshalIndent(view, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(raw), got.Dir, "DIR") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs; if the change is meant, run the test with -update. Got:\n%s", golden, text)
	}
}
