package sqs

import (
	"encoding/base64"
	"maps"
	"strconv"
	"time"
)

// maxList is the number of queues in one answer of ListQueues and
// ListDeadLetterSourceQueues.
const maxList = 1000

func (s *Service) createQueue(c *call) error {
	in, err := decode[struct {
		QueueName  string
		Attributes map[string]string
		Tags       map[string]string
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	if in.QueueName == "" {
		return missing("QueueName")
	}
	var fail error
	if err := s.do(c.ctx, func(o *owner, now time.Time) {
		_, fail = o.registry.create(now, in.QueueName, in.Attributes, in.Tags)
	}); err != nil {
		return err
	}
	if fail != nil {
		return fail
	}
	return c.answer(map[string]string{"QueueUrl": s.queueURL(c.host, in.QueueName)})
}

func (s *Service) getQueueURL(c *call) error {
	in, err := decode[struct{ QueueName, QueueOwnerAWSAccountId string }](c.body.Bytes())
	if err != nil {
		return err
	}
	if in.QueueName == "" {
		return missing("QueueName")
	}
	if in.QueueOwnerAWSAccountId != "" {
		in.QueueName = in.QueueOwnerAWSAccountId + "/" + in.QueueName
	}
	return s.on(c.ctx, in.QueueName, func(_ *owner, q *queue, _ time.Time) error {
		return c.answer(map[string]string{"QueueUrl": s.queueURL(c.host, q.name)})
	})
}

func (s *Service) deleteQueue(c *call) error {
	in, err := decode[struct{ QueueUrl string }](c.body.Bytes())
	if err != nil {
		return err
	}
	return s.on(c.ctx, in.QueueUrl, func(o *owner, q *queue, _ time.Time) error {
		o.registry.drop(q)
		o.abandon(q, newError(codeQueueDoesNotExist, "The specified queue does not exist: %q was deleted.", q.name))
		return nil
	})
}

func (s *Service) purgeQueue(c *call) error {
	in, err := decode[struct{ QueueUrl string }](c.body.Bytes())
	if err != nil {
		return err
	}
	return s.on(c.ctx, in.QueueUrl, func(_ *owner, q *queue, now time.Time) error { return q.purge(now) })
}

// queueAttributes are the names that GetQueueAttributes knows. Some mean
// nothing on a standard queue.
var queueAttributes = set(
	"All", "Policy", "VisibilityTimeout", "MaximumMessageSize", "MessageRetentionPeriod",
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
	"CreatedTimestamp", "LastModifiedTimestamp", "QueueArn", "DelaySeconds", "ReceiveMessageWaitTimeSeconds",
	"RedrivePolicy", "FifoQueue", "ContentBasedDeduplication", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
	"DeduplicationScope", "FifoThroughputLimit", "RedriveAllowPolicy", "SqsManagedSseEnabled",
)

func set(names ...string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

// describe gives all attributes of a queue under AWS's names.
func (q *queue) describe(now time.Time) map[string]string {
	all := q.settings.describe()
	n := q.counts(now)
	all["QueueArn"] = q.arn
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(n.visible)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(n.inFlight)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(n.delayed)
	return all
}

func (s *Service) getQueueAttributes(c *call) error {
	in, err := decode[struct {
		QueueUrl       string
		AttributeNames []string
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	wanted := set(in.AttributeNames...)
	for _, name := range in.AttributeNames {
		if !queueAttributes[name] {
			return newError(codeInvalidAttributeName, "Unknown Attribute %s.", name)
		}
	}
	var all map[string]string
	if err := s.on(c.ctx, in.QueueUrl, func(_ *owner, q *queue, now time.Time) error {
		all = q.describe(now)
		return nil
	}); err != nil {
		return err
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return !wanted["All"] && !wanted[name] })
	if len(all) == 0 {
		return nil
	}
	return c.answer(map[string]any{"Attributes": all})
}

func (s *Service) setQueueAttributes(c *call) error {
	in, err := decode[struct {
		QueueUrl   string
		Attributes map[string]string
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	if len(in.Attributes) == 0 {
		return missing("Attributes")
	}
	return s.on(c.ctx, in.QueueUrl, func(o *owner, q *queue, now time.Time) error {
		return o.registry.configure(now, q, in.Attributes)
	})
}

// page is the paging part of a request, and of its answer.
type page struct {
	MaxResults *int
	NextToken  string
}

// after returns the name that the last page ended with.
func (p page) after() (string, error) {
	if p.MaxResults != nil && (*p.MaxResults < 1 || *p.MaxResults > maxList) {
		return "", newError(codeInvalidParameterValue, "Value %d for parameter MaxResults is invalid. Reason: Value must be from 1 to %d.", *p.MaxResults, maxList)
	}
	name, err := base64.RawURLEncoding.DecodeString(p.NextToken)
	if err != nil {
		return "", newError(codeInvalidParameterValue, "Value %s for parameter NextToken is invalid. Reason: It is not a token of this service.", p.NextToken)
	}
	return string(name), nil
}

// cut returns the names of this page, and the token of the next or "". AWS
// gives a token only if the request has MaxResults.
func (p page) cut(names []string) ([]string, string) {
	limit := maxList
	if p.MaxResults != nil {
		limit = *p.MaxResults
	}
	if len(names) <= limit {
		return names, ""
	}
	if p.MaxResults == nil {
		return names[:limit], ""
	}
	return names[:limit], base64.RawURLEncoding.EncodeToString([]byte(names[limit-1]))
}

// answerURLs answers with one page of names as URLs.
func (s *Service) answerURLs(c *call, field string, p page, names []string) error {
	names, next := p.cut(names)
	out := map[string]any{}
	if len(names) > 0 || field == "queueUrls" {
		urls := make([]string, len(names))
		for i, name := range names {
			urls[i] = s.queueURL(c.host, name)
		}
		out[field] = urls
	}
	if next != "" {
		out["NextToken"] = next
	}
	return c.answer(out)
}

func (s *Service) listQueues(c *call) error {
	in, err := decode[struct {
		page
		QueueNamePrefix string
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	after, err := in.after()
	if err != nil {
		return err
	}
	var names []string
	if err := s.do(c.ctx, func(o *owner, _ time.Time) { names = o.registry.list(in.QueueNamePrefix, after) }); err != nil {
		return err
	}
	return s.answerURLs(c, "QueueUrls", in.page, names)
}

func (s *Service) listDeadLetterSourceQueues(c *call) error {
	in, err := decode[struct {
		page
		QueueUrl string
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	after, err := in.after()
	if err != nil {
		return err
	}
	var names []string
	if err := s.on(c.ctx, in.QueueUrl, func(o *owner, q *queue, _ time.Time) error {
		names = o.registry.sourcesOf(q, after)
		return nil
	}); err != nil {
		return err
	}
	return s.answerURLs(c, "queueUrls", in.page, names)
}

func (s *Service) tagQueue(c *call) error {
	in, err := decode[struct {
		QueueUrl string
		Tags     map[string]string
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	if len(in.Tags) == 0 {
		return missing("Tags")
	}
	return s.on(c.ctx, in.QueueUrl, func(_ *owner, q *queue, _ time.Time) error {
		maps.Copy(q.tags, in.Tags)
		return nil
	})
}

func (s *Service) untagQueue(c *call) error {
	in, err := decode[struct {
		QueueUrl string
		TagKeys  []string
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	if len(in.TagKeys) == 0 {
		return missing("TagKeys")
	}
	return s.on(c.ctx, in.QueueUrl, func(_ *owner, q *queue, _ time.Time) error {
		for _, key := range in.TagKeys {
			delete(q.tags, key)
		}
		return nil
	})
}

func (s *Service) listQueueTags(c *call) error {
	in, err := decode[struct{ QueueUrl string }](c.body.Bytes())
	if err != nil {
		return err
	}
	return s.on(c.ctx, in.QueueUrl, func(_ *owner, q *queue, _ time.Time) error {
		if len(q.tags) == 0 {
			return nil
		}
		return c.answer(map[string]any{"Tags": q.tags})
	})
}
