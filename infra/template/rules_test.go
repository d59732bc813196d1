package template_test

import (
	"testing"

	"github.com/offloadhq/offload/infra"
)

func TestRules_clean(t *testing.T) {
	for name, parameters := range variants {
		t.Run(name, func(t *testing.T) {
			r := infra.Check(load(t, project, parameters))
			for _, f := range r.Findings {
				t.Errorf("%v", f)
			}
			for _, s := range r.Skipped {
				t.Errorf("not checked: %v", s)
			}
		})
	}
}
