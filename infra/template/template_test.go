package template_test

import (
	"reflect"
	"testing"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/template"
)

const project = "../../template.yaml"

// variants are the parameters of the golden files in testdata: VARIANTS of .ci/transform.py says the same.
var variants = map[string]map[string]string{
	"default": nil,
	"all": {
		"AlarmEmail":        "ops@example.com",
		"Architecture":      "x86_64",
		"FunctionTimeout":   "900",
		"GradualDeployment": "true",
		"KmsKeyArn":         "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555",
	},
	"topic": {"AlarmTopicArn": "arn:aws:sns:us-east-1:000000000000:ops"},
}

// TestTransformed holds the expansion of SAM resources against the SAM transform's own.
func TestTransformed(t *testing.T) {
	for name, parameters := range variants {
		t.Run(name, func(t *testing.T) {
			source := load(t, project, parameters)
			transformed := load(t, "testdata/"+name+".transformed.json", parameters)
			for _, d := range infra.Diff(transformed, source) {
				t.Errorf("source is not what SAM makes of it: %s", d)
			}
			if source, transformed := withoutLines(source), withoutLines(transformed); !reflect.DeepEqual(source, transformed) {
				t.Errorf("the models are not equal:\n%+v\n%+v", source, transformed)
			}
			if len(source.Unread) > 0 {
				t.Errorf("not read: %v", source.Unread)
			}
		})
	}
}

func load(t *testing.T, file string, parameters map[string]string) *infra.Stack {
	t.Helper()
	s, err := template.Load(file, &template.Options{Parameters: parameters})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withoutLines gives a stack whose resources have no line, because each file has its own.
func withoutLines(s *infra.Stack) *infra.Stack {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		list := v.Field(i)
		if list.Kind() != reflect.Slice {
			continue
		}
		for j := range list.Len() {
			if line := list.Index(j).FieldByName("Line"); line.IsValid() {
				line.SetInt(0)
			}
		}
	}
	return s
}
