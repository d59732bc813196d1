package live

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/infra"
)

// readQueue reads a queue, and then the mappings that read from it.
func (r *reader) readQueue(ctx context.Context, res Resource) {
	path, url := "Queues."+res.ID, res.PhysicalID
	name := url[strings.LastIndexByte(url, '/')+1:]
	q := infra.Queue{Resource: infra.Resource{
		ID: res.ID, Type: res.Type, Name: name, ARN: r.deployment.arn("sqs", name),
	}, URL: url}
	if name == url { // what the template says
		got, err := r.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		switch kindOf(err) {
		case absent:
			return
		case fine:
			q.URL = aws.ToString(got.QueueUrl)
		default:
			r.note(path, "sqs:GetQueueUrl", err)
			r.addQueue(q)
			r.note("Mappings", "sqs:GetQueueUrl", err) // those of a queue are asked for by its ARN
			return
		}
	}
	got, err := r.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	switch kindOf(err) {
	case absent:
		return
	case fine:
		if err := setAttributes(&q, got.Attributes); err != nil {
			r.noteText(path, "sqs:GetQueueAttributes: "+err.Error())
		}
		r.noteUntold(path, got.Attributes)
		if document := got.Attributes["Policy"]; document != "" {
			q.Policy = r.policy(path+".Policy", "sqs:GetQueueAttributes", document)
		}
	default:
		r.note(path, "sqs:GetQueueAttributes", err)
	}
	r.addQueue(q)
	r.readMappings(ctx, q.ARN)
}

// noteUntold notes what a local endpoint leaves out of its answer because it has no such thing. AWS always tells one of the two
// about encryption; that there is no policy is only believed of an endpoint that has CloudFormation to make one.
func (r *reader) noteUntold(path string, a map[string]string) {
	if a["SqsManagedSseEnabled"] == "" && a["KmsMasterKeyId"] == "" {
		r.noteText(path+".ManagedSSE", "this endpoint does not tell how a queue is encrypted")
		r.noteText(path+".KMSKeyID", "this endpoint does not tell how a queue is encrypted")
	}
	if a["Policy"] == "" && r.deployment.Status == "" {
		r.noteText(path+".Policy", "this endpoint has no queue policies")
	}
}

func (r *reader) addQueue(q infra.Queue) {
	r.add(func(s *infra.Stack) { s.Queues = append(s.Queues, q) })
}

// setAttributes fills a queue from the texts that SQS gives. Source: SQS API reference, GetQueueAttributes.
func setAttributes(q *infra.Queue, a map[string]string) error {
	var problem error
	number := func(name string) int {
		if a[name] == "" {
			return 0
		}
		n, err := strconv.Atoi(a[name])
		if err != nil {
			problem = fmt.Errorf("attribute %s is %q, not a number", name, a[name])
		}
		return n
	}
	if a["QueueArn"] != "" {
		q.ARN = a["QueueArn"]
	}
	q.FIFO = a["FifoQueue"] == "true"
	q.VisibilityTimeout = time.Duration(number("VisibilityTimeout")) * time.Second
	q.Retention = time.Duration(number("MessageRetentionPeriod")) * time.Second
	q.Delay = time.Duration(number("DelaySeconds")) * time.Second
	q.MaximumMessageSize = number("MaximumMessageSize")
	q.ManagedSSE, q.KMSKeyID = a["SqsManagedSseEnabled"] == "true", a["KmsMasterKeyId"]
	if text := a["RedrivePolicy"]; text != "" {
		var redrive struct {
			DeadLetterTargetARN string `json:"deadLetterTargetArn"`
			MaxReceiveCount     any    `json:"maxReceiveCount"` // a number, or a text with one
		}
		if err := json.Unmarshal([]byte(text), &redrive); err != nil {
			problem = fmt.Errorf("attribute RedrivePolicy: %w", err)
		}
		q.DeadLetterARN = redrive.DeadLetterTargetARN
		a["maxReceiveCount"] = fmt.Sprint(redrive.MaxReceiveCount)
		q.MaxReceiveCount = number("maxReceiveCount")
	}
	q.RedriveAllow.Permission = "allowAll"
	if text := a["RedriveAllowPolicy"]; text != "" {
		var allow struct {
			Permission string   `json:"redrivePermission"`
			Sources    []string `json:"sourceQueueArns"`
		}
		if err := json.Unmarshal([]byte(text), &allow); err != nil {
			problem = fmt.Errorf("attribute RedriveAllowPolicy: %w", err)
		}
		q.RedriveAllow = infra.RedriveAllow{Permission: allow.Permission, Sources: sorted(allow.Sources)}
	}
	return problem
}
