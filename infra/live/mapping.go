package live

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/offloadhq/offload/infra"
)

const typeMapping = "AWS::Lambda::EventSourceMapping"

// readMappings reads every mapping from a queue, of the stack or not.
func (r *reader) readMappings(ctx context.Context, queueARN string) {
	for next := (*string)(nil); ; {
		page, err := r.Lambda.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{EventSourceArn: &queueARN, Marker: next})
		if err != nil {
			if kindOf(err) != absent {
				r.note("Mappings", "lambda:ListEventSourceMappings", err)
			}
			return
		}
		for i := range page.EventSourceMappings {
			m := r.mapping(&page.EventSourceMappings[i])
			r.add(func(s *infra.Stack) { s.Mappings = append(s.Mappings, m) })
		}
		if next = page.NextMarker; aws.ToString(next) == "" {
			return
		}
	}
}

func (r *reader) mapping(c *types.EventSourceMappingConfiguration) infra.Mapping {
	m := infra.Mapping{
		Resource:           infra.Resource{Type: typeMapping, Name: aws.ToString(c.UUID)},
		QueueARN:           aws.ToString(c.EventSourceArn),
		FunctionARN:        aws.ToString(c.FunctionArn),
		BatchSize:          int(aws.ToInt32(c.BatchSize)),
		Window:             time.Duration(aws.ToInt32(c.MaximumBatchingWindowInSeconds)) * time.Second,
		ProvisionedPollers: c.ProvisionedPollerConfig != nil,
		Enabled:            !slices.Contains([]string{"Disabled", "Disabling", "Deleting"}, aws.ToString(c.State)),
	}
	m.ReportBatchItemFailures = slices.Contains(c.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures)
	if c.ScalingConfig != nil {
		m.MaximumConcurrency = int(aws.ToInt32(c.ScalingConfig.MaximumConcurrency))
	}
	if c.FilterCriteria != nil {
		for _, f := range c.FilterCriteria.Filters {
			m.Filters = append(m.Filters, aws.ToString(f.Pattern))
		}
	} else if c.FilterCriteriaError != nil { // encrypted with a key that this identity may not use
		m.Filters = []string{"not readable: " + aws.ToString(c.FilterCriteriaError.Message)}
	}
	m.ID = r.mappingID(&m)
	return m
}

// mappingID is the logical id: CloudFormation knows the UUID, and without CloudFormation it is the one of the template with that queue and
// function. Somebody else's mapping has its UUID for an id.
func (r *reader) mappingID(m *infra.Mapping) string {
	for _, res := range r.deployment.Resources {
		if res.Type == typeMapping && res.PhysicalID == m.Name {
			return res.ID
		}
	}
	if r.deployment.Status == "" && r.deployed != nil {
		for _, d := range r.deployed.Mappings {
			if d.QueueARN == m.QueueARN && strings.HasPrefix(m.FunctionARN+":", d.FunctionARN+":") {
				return d.ID
			}
		}
	}
	return m.Name
}
