package template

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/offloadhq/offload/internal/cfn"
)

var (
	queueUsed = []string{
		"QueueName", "DelaySeconds", "FifoQueue", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds",
		"RedriveAllowPolicy", "RedrivePolicy", "Tags", "VisibilityTimeout",
	}
	queueFIFO    = []string{"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}
	queueIgnored = []string{"KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "SqsManagedSseEnabled"}
)

// queueRanges are the attributes with a range. Source: SQS API reference, CreateQueue.
var queueRanges = []struct {
	name        string
	least, most int
}{
	{"DelaySeconds", 0, 900},
	{"MaximumMessageSize", 1024, 1 << 20},
	{"MessageRetentionPeriod", 60, 1_209_600},
	{"ReceiveMessageWaitTimeSeconds", 0, 20},
	{"VisibilityTimeout", 0, 43_200},
}

const defaultVisibility = 30 // seconds

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// A queueRead is a queue while its references to other queues are checked.
type queueRead struct {
	Queue
	path       string
	visibility int    // seconds
	target     string // ARN of the dead-letter queue
	targetLine int
	permission string   // RedriveAllowPolicy; "" allows all
	sources    []string // byQueue
}

// readQueue reads one queue, or reports why it cannot.
func (b *builder) readQueue(res *cfn.Resource) *queueRead {
	p := b.Properties(res)
	p.Check(cfn.TypeQueue, queueUsed, queueFIFO, queueIgnored)
	q := &queueRead{path: p.Path, visibility: defaultVisibility}
	q.LogicalID, q.Line, q.Attributes = res.ID, res.Line, make(map[string]string)
	b.readQueueName(p, res, q)
	for _, a := range queueRanges {
		if n := p.Integer(a.name, a.least, a.most); n != nil {
			q.Attributes[a.name] = strconv.Itoa(*n)
			if a.name == "VisibilityTimeout" {
				q.visibility = *n
			}
		}
	}
	q.readRedrive(p)
	q.readRedriveAllow(p)
	q.Tags = b.readTags(p)
	return q
}

func (b *builder) readQueueName(p cfn.Reader, res *cfn.Resource, q *queueRead) {
	name := b.PhysicalName(res)
	if name.Kind == cfn.Unknown {
		b.Uncomputable(name, p.Key("QueueName"))
		return
	}
	q.Name = name.Text
	q.ARN = b.ARN(res, p.Path).Text
	q.URL = b.Options.QueueURL(q.Name)
	fifo := p.Boolean("FifoQueue", false)
	switch {
	case fifo || strings.HasSuffix(q.Name, ".fifo"):
		b.Fail(p.Line("FifoQueue"), p.Key("FifoQueue"), "the emulator has no FIFO queues yet; leave the queue out with a Condition, or make it a standard queue")
		return
	case !queueName.MatchString(q.Name):
		b.Fail(p.Line("QueueName"), p.Key("QueueName"), "%.100q is no queue name; AWS takes 1 to 80 letters, digits, hyphens and underscores", q.Name)
	}
	for _, name := range queueFIFO {
		if p.V.Has(name) {
			b.Fail(p.Line(name), p.Key(name), "only a FIFO queue has it")
		}
	}
}

func (q *queueRead) readRedrive(p cfn.Reader) {
	policy, ok := p.Policy("RedrivePolicy")
	if !ok {
		return
	}
	policy.Check("RedrivePolicy", []string{"deadLetterTargetArn", "maxReceiveCount"})
	q.targetLine = policy.Line("deadLetterTargetArn")
	q.target = policy.Text("deadLetterTargetArn")
	if !policy.V.Has("deadLetterTargetArn") {
		p.Fail(policy.V.Line, policy.Path, "deadLetterTargetArn is missing")
	}
	count := policy.Integer("maxReceiveCount", 1, 1000)
	if count == nil {
		count = new(int)
		*count = 10 // SQS's own default
	}
	q.Attributes["RedrivePolicy"] = encode(struct {
		Target string `json:"deadLetterTargetArn"`
		Count  int    `json:"maxReceiveCount"`
	}{q.target, *count})
}

func (q *queueRead) readRedriveAllow(p cfn.Reader) {
	policy, ok := p.Policy("RedriveAllowPolicy")
	if !ok {
		return
	}
	policy.Check("RedriveAllowPolicy", []string{"redrivePermission", "sourceQueueArns"})
	q.permission, q.sources = policy.Text("redrivePermission"), policy.Texts("sourceQueueArns")
	line, key := policy.Line("redrivePermission"), policy.Key("redrivePermission")
	permissions := []string{"allowAll", "denyAll", "byQueue"}
	switch {
	case policy.V.Get("redrivePermission").Kind == cfn.Absent:
		p.Fail(policy.V.Line, policy.Path, "redrivePermission is missing")
	case q.permission != "" && !slices.Contains(permissions, q.permission):
		p.Fail(line, key, "must be allowAll, denyAll or byQueue, not %q", q.permission)
	case q.permission == "byQueue" && len(q.sources) == 0 && !policy.V.Has("sourceQueueArns"):
		p.Fail(line, key, "byQueue needs sourceQueueArns")
	case q.permission != "byQueue" && len(q.sources) > 0:
		p.Fail(line, key, "sourceQueueArns goes with byQueue only")
	case len(q.sources) > 10:
		p.Fail(policy.Line("sourceQueueArns"), policy.Key("sourceQueueArns"), "has %d queues; AWS takes at most 10", len(q.sources))
	}
	q.Attributes["RedriveAllowPolicy"] = encode(struct {
		Permission string   `json:"redrivePermission"`
		Sources    []string `json:"sourceQueueArns,omitempty"`
	}{q.permission, q.sources})
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return string(b)
}

// readTags reads the tags that can be computed. A tag changes nothing here, so nothing is said about the others.
func (b *builder) readTags(p cfn.Reader) map[string]string {
	var tags map[string]string
	for _, item := range b.Eval(p.V.Get("Tags"), p.Key("Tags")).Items {
		if k, v := item.Get("Key"), item.Get("Value"); k.Scalar() && v.Scalar() {
			if tags == nil {
				tags = make(map[string]string)
			}
			tags[k.Text] = v.Text
		}
	}
	return tags
}
