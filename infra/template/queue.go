package template

import (
	"slices"
	"strings"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/internal/cfn"
)

// readQueue reads a queue. Source of the defaults: SQS API reference, CreateQueue.
func (l *loader) readQueue(p props) {
	q := infra.Queue{
		Resource:           p.base(),
		VisibilityTimeout:  p.seconds("VisibilityTimeout", "VisibilityTimeout", 30),
		Retention:          p.seconds("MessageRetentionPeriod", "Retention", 345_600),
		Delay:              p.seconds("DelaySeconds", "Delay", 0),
		MaximumMessageSize: p.integer("MaximumMessageSize", "MaximumMessageSize", 1<<20),
		KMSKeyID:           p.text("KmsMasterKeyId", "KMSKeyID", ""),
		RedriveAllow:       infra.RedriveAllow{Permission: "allowAll"},
	}
	q.URL = l.Options.QueueURL(q.Name)
	q.FIFO = p.boolean("FifoQueue", "FIFO", false) || strings.HasSuffix(q.Name, ".fifo")
	q.ManagedSSE = p.boolean("SqsManagedSseEnabled", "ManagedSSE", q.KMSKeyID == "")
	if redrive := p.jsonSub("RedrivePolicy", "DeadLetterARN"); redrive.v.Kind == cfn.Map {
		q.DeadLetterARN = redrive.text("deadLetterTargetArn", "DeadLetterARN", "")
		q.MaxReceiveCount = redrive.integer("maxReceiveCount", "MaxReceiveCount", 10)
	}
	if allow := p.jsonSub("RedriveAllowPolicy", "RedriveAllow"); allow.v.Kind == cfn.Map {
		q.RedriveAllow.Permission = allow.text("redrivePermission", "RedriveAllow", "allowAll")
		q.RedriveAllow.Sources = allow.texts("sourceQueueArns", "RedriveAllow")
	}
	l.stack.Queues = append(l.stack.Queues, q)
}

// jsonSub is sub for a property that may also be a text in JSON.
func (p props) jsonSub(name, field string) props {
	if v := p.Eval(p.v.Get(name), cfn.Join(p.path, name)); v.Kind == cfn.Absent || v.Kind == cfn.Unknown {
		return p.sub(name, field)
	}
	r, ok := p.Reader(p.v, p.path).Policy(name)
	if !ok { // reported
		return props{loader: p.loader, res: p.res, v: cfn.Nothing, path: p.path, at: p.at}
	}
	if u := firstUnknown(r.V); u != nil {
		p.stack.NotRead(p.at+"."+field, u.Why)
	}
	return props{loader: p.loader, res: p.res, v: r.V, path: cfn.Join(p.path, name), at: p.at}
}

// readQueuePolicy reads an AWS::SQS::QueuePolicy (Queues) or an AWS::SQS::QueueInlinePolicy (Queue).
func (l *loader) readQueuePolicy(p props) {
	urls := p.queueURLs("Queues")
	if p.res.Type == "AWS::SQS::QueueInlinePolicy" {
		urls = p.queueURLs("Queue")
	}
	for i := range l.stack.Queues {
		q := &l.stack.Queues[i]
		if slices.Contains(urls, q.URL) {
			at := p
			at.at = "Queues." + q.ID
			q.Policy = append(q.Policy, at.document("PolicyDocument", "Policy")...)
		}
	}
}

// queueURLs reads the queues that a policy is for. When one cannot be known, nor can the policy of any queue.
func (p props) queueURLs(name string) []string {
	v := p.Eval(p.v.Get(name), cfn.Join(p.path, name))
	if u := firstUnknown(v); u != nil {
		for _, q := range p.stack.Queues {
			p.stack.NotRead("Queues."+q.ID+".Policy", u.Why)
		}
	}
	return texts(v)
}
