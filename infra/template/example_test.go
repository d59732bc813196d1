package template_test

import (
	"fmt"
	"log"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/infra/template"
)

// A template is checked before it is deployed: in a test of the project that owns it, say.
func Example() {
	stack, err := template.Load("../../template.yaml", &template.Options{
		Parameters: map[string]string{"FunctionTimeout": "300"},
	})
	if err != nil {
		log.Fatal(err)
	}
	report := infra.Check(stack)
	fmt.Println("findings:", len(report.Findings), "not checked:", len(report.Skipped))
	// Output:
	// findings: 0 not checked: 0
}

func ExampleParse() {
	stack, err := template.Parse("template.yaml", []byte(`
Resources:
  Tasks:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Letters.Arn, maxReceiveCount: 3}
  Letters:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
`), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range infra.Check(stack).Findings {
		if f.Severity == infra.Error {
			fmt.Printf("line %d: %v\n", f.Line, f)
		}
	}
	// Output:
	// line 10: error C11-retention Letters: 4 days, not 14 days
	// line 3: error C13-mapping Tasks: no event source mapping reads the queue
	// line 3: error D1-receives Tasks: 3 is less than 5
	// line 10: error J3-tls Letters: requests without TLS are not denied
	// line 3: error J3-tls Tasks: requests without TLS are not denied
}
