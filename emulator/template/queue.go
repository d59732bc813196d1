package template

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
func (r *resolver) readQueue(res *resource) *queueRead {
	p := reader{r, res.props, res.path() + ".Properties"}
	p.check(typeQueue, queueUsed, queueFIFO, queueIgnored)
	q := &queueRead{path: p.path, visibility: defaultVisibility}
	q.LogicalID, q.Line, q.Attributes = res.id, res.line, make(map[string]string)
	r.readQueueName(p, res, q)
	for _, a := range queueRanges {
		if n := p.integer(a.name, a.least, a.most); n != nil {
			q.Attributes[a.name] = strconv.Itoa(*n)
			if a.name == "VisibilityTimeout" {
				q.visibility = *n
			}
		}
	}
	q.readRedrive(p)
	q.readRedriveAllow(p)
	q.Tags = r.readTags(p)
	return q
}

func (r *resolver) readQueueName(p reader, res *resource, q *queueRead) {
	name := r.physicalName(res)
	if name.kind == unknown {
		r.uncomputable(name, p.key("QueueName"))
		return
	}
	q.Name = name.text
	q.ARN = r.fill(namings[typeQueue].attrs["Arn"], res, res.line, p.path).text
	q.URL = r.opts.QueueURL(q.Name)
	fifo := p.boolean("FifoQueue", false)
	switch {
	case fifo || strings.HasSuffix(q.Name, ".fifo"):
		r.fail(p.line("FifoQueue"), p.key("FifoQueue"), "the emulator has no FIFO queues yet; leave the queue out with a Condition, or make it a standard queue")
		return
	case !queueName.MatchString(q.Name):
		r.fail(p.line("QueueName"), p.key("QueueName"), "%.100q is no queue name; AWS takes 1 to 80 letters, digits, hyphens and underscores", q.Name)
	}
	for _, name := range queueFIFO {
		if p.v.has(name) {
			r.fail(p.line(name), p.key(name), "only a FIFO queue has it")
		}
	}
}

func (q *queueRead) readRedrive(p reader) {
	policy, ok := p.policy("RedrivePolicy")
	if !ok {
		return
	}
	policy.check("RedrivePolicy", []string{"deadLetterTargetArn", "maxReceiveCount"})
	q.targetLine = policy.line("deadLetterTargetArn")
	q.target = policy.text("deadLetterTargetArn")
	if !policy.v.has("deadLetterTargetArn") {
		p.fail(policy.v.line, policy.path, "deadLetterTargetArn is missing")
	}
	count := policy.integer("maxReceiveCount", 1, 1000)
	if count == nil {
		count = new(int)
		*count = 10 // SQS's own default
	}
	q.Attributes["RedrivePolicy"] = encode(struct {
		Target string `json:"deadLetterTargetArn"`
		Count  int    `json:"maxReceiveCount"`
	}{q.target, *count})
}

func (q *queueRead) readRedriveAllow(p reader) {
	policy, ok := p.policy("RedriveAllowPolicy")
	if !ok {
		return
	}
	policy.check("RedriveAllowPolicy", []string{"redrivePermission", "sourceQueueArns"})
	q.permission, q.sources = policy.text("redrivePermission"), policy.texts("sourceQueueArns")
	line, key := policy.line("redrivePermission"), policy.key("redrivePermission")
	permissions := []string{"allowAll", "denyAll", "byQueue"}
	switch {
	case policy.v.get("redrivePermission").kind == absent:
		p.fail(policy.v.line, policy.path, "redrivePermission is missing")
	case q.permission != "" && !slices.Contains(permissions, q.permission):
		p.fail(line, key, "must be allowAll, denyAll or byQueue, not %q", q.permission)
	case q.permission == "byQueue" && len(q.sources) == 0 && !policy.v.has("sourceQueueArns"):
		p.fail(line, key, "byQueue needs sourceQueueArns")
	case q.permission != "byQueue" && len(q.sources) > 0:
		p.fail(line, key, "sourceQueueArns goes with byQueue only")
	case len(q.sources) > 10:
		p.fail(policy.line("sourceQueueArns"), policy.key("sourceQueueArns"), "has %d queues; AWS takes at most 10", len(q.sources))
	}
	q.Attributes["RedriveAllowPolicy"] = encode(struct {
		Permission string   `json:"redrivePermission"`
		Sources    []string `json:"sourceQueueArns,omitempty"`
	}{q.permission, q.sources})
}

// policy reads a property that is a map, or a map in JSON.
func (p reader) policy(name string) (reader, bool) {
	v := p.get(name)
	if v.kind == text {
		inner := newReport(p.file)
		if v = parseJSON(inner, []byte(v.text)); v == nil || len(inner.problems) > 0 {
			p.fail(p.line(name), p.key(name), "must be a map, or a map in JSON")
			return reader{}, false
		}
		v = relined(v, p.line(name))
	}
	switch v.kind {
	case mapping:
		return reader{p.resolver, v, p.key(name)}, true
	case absent, unknown:
	default:
		p.fail(v.line, p.key(name), "must be a map, not %s", v.kind)
	}
	return reader{}, false
}

// relined gives a value that was read from a text, with the line of the text throughout.
func relined(v *value, line int) *value {
	c := *v.at(line)
	c.items, c.keys = slices.Clone(c.items), slices.Clone(c.keys)
	for i := range c.items {
		c.items[i] = relined(c.items[i], line)
	}
	for i := range c.keys {
		c.keys[i].line, c.keys[i].value = line, relined(c.keys[i].value, line)
	}
	if c.arg != nil {
		c.arg = relined(c.arg, line)
	}
	return &c
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return string(b)
}

// readTags reads the tags that can be computed. A tag changes nothing here, so nothing is said about the others.
func (r *resolver) readTags(p reader) map[string]string {
	var tags map[string]string
	for _, item := range r.eval(p.v.get("Tags"), p.key("Tags")).items {
		if k, v := item.get("Key"), item.get("Value"); k.scalar() && v.scalar() {
			if tags == nil {
				tags = make(map[string]string)
			}
			tags[k.text] = v.text
		}
	}
	return tags
}
