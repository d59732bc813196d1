package live

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"go.yaml.in/yaml/v3"
)

// deployedTemplate gives the template that was deployed, its transforms done. An endpoint that leaves out sections to which the
// resources refer, as an engine of LocalStack does, gives half a template: then it is the one that was sent.
func deployedTemplate(ctx context.Context, c CloudFormation, stack string) ([]byte, error) {
	processed, err := templateAt(ctx, c, stack, types.TemplateStageProcessed)
	if err != nil {
		return nil, err
	}
	original, err := templateAt(ctx, c, stack, types.TemplateStageOriginal)
	if err != nil {
		return nil, err
	}
	has := sections(processed)
	for _, section := range sections(original) {
		if (section == "Conditions" || section == "Mappings") && !slices.Contains(has, section) {
			return original, nil
		}
	}
	return processed, nil
}

func templateAt(ctx context.Context, c CloudFormation, stack string, stage types.TemplateStage) ([]byte, error) {
	out, err := c.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack, TemplateStage: stage})
	switch {
	case err != nil:
		return nil, errors.New(reason("cloudformation:GetTemplate", err))
	case aws.ToString(out.TemplateBody) == "":
		return nil, errors.New("CloudFormation gives an empty template")
	}
	return []byte(*out.TemplateBody), nil
}

// sections are the top-level keys of a template, in JSON or YAML.
func sections(template []byte) []string {
	var keys map[string]yaml.Node
	_ = yaml.Unmarshal(template, &keys) // the reader of templates says what is wrong
	var names []string
	for name := range keys {
		names = append(names, name)
	}
	return names
}
