package template_test

import (
	"os"
	"testing"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/template"
)

// FuzzParse: no template makes the reader or a rule panic, and a stack is read or refused, never both.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/sam.template.yaml", "testdata/sam.transformed.json"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("Resources: {Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: '{'}}}"))
	f.Add([]byte("Resources: {F: {Type: AWS::Lambda::Function, Properties: {FunctionName: [], Architectures: {}}}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := template.Parse("t", data, nil)
		if (s == nil) == (err == nil) {
			t.Fatalf("stack %v, error %v", s, err)
		}
		if s != nil {
			infra.Check(s)
			if d := infra.Diff(s, s); len(d) > 0 {
				t.Errorf("a stack differs from itself: %v", d)
			}
		}
	})
}
