package infra

import (
	"slices"
	"strconv"
	"time"
)

const (
	pageSQSMapping  = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"
	pageDeadLetters = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
	pageMoved       = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html"
	pageRedrive     = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue.html"
	pageQuotas      = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"
)

const (
	day            = 24 * time.Hour
	longest        = 14 * day // retention that SQS gives at most
	sourceMost     = 4 * day
	leastReceives  = 5
	workerReceives = 15 // worker.DefaultMaxReceiveCount: a test holds the two together
	largestMessage = 1 << 20
)

var queueRules = []Rule{
	{
		ID: "C7-visibility", Severity: Error,
		Title: "the visibility timeout of a queue is six times the timeout of its function, plus the batch window",
		Why: "A message becomes visible again while the function still works on it, or while Lambda retries a throttled batch: " +
			"the task runs twice at a time, and its receives are used up.",
		Fix:  "set VisibilityTimeout of the queue to 6 × Timeout of the function + MaximumBatchingWindowInSeconds",
		Page: pageSQSMapping, check: checkVisibility,
	},
	{
		ID: "C10-attempts", Severity: Warning,
		Title: "SQS lets a message be received as often as the worker assumes",
		Why:   "SQS moves the message away before the worker's last attempt: it arrives among the dead letters without reason, attempt and stack.",
		Fix:   "set maxReceiveCount to 15, or set worker.Options.MaxReceiveCount to the queue's value and lower MaxAttempts of the definitions",
		Page:  pageDeadLetters, check: checkAttempts,
	},
	{
		ID: "C11-retention", Severity: Error,
		Title: "a dead-letter queue keeps its messages for 14 days",
		Why:   "What failed for good is deleted before anybody has looked at it. The time that it spent in its first queue counts, too, unless the two are FIFO.",
		Fix:   "set MessageRetentionPeriod of the dead-letter queue to 1209600",
		Page:  pageDeadLetters, check: checkLetterRetention,
	},
	{
		ID: "C11-source", Severity: Error,
		Title: "a standard queue with a dead-letter queue keeps its messages for 4 days at most",
		Why: "A message that SQS moves from a standard queue keeps the time at which it was sent: the longer it may wait in the first queue, the sooner " +
			"it is deleted from the dead-letter queue; with equal retentions, at once. In a FIFO dead-letter queue the time begins anew.",
		Fix:  "set MessageRetentionPeriod of the queue to 345600 or less",
		Page: pageMoved, check: checkSourceRetention,
	},
	{
		ID: "C13-redrive", Severity: Error,
		Title: "a queue that a function reads has a dead-letter queue",
		Why:   "A task that always fails comes back until its retention ends, and is deleted without a trace.",
		Fix:   "give the queue a RedrivePolicy with deadLetterTargetArn and maxReceiveCount 15",
		Page:  pageDeadLetters, check: checkRedrive,
	},
	{
		ID: "C13-target", Severity: Warning,
		Title: "a dead-letter queue is part of the stack",
		Why:   "Nobody holds the retention, the alarm and the encryption of a queue elsewhere against these rules.",
		Fix:   "name a queue of the stack in deadLetterTargetArn",
		Page:  pageDeadLetters, check: checkTarget,
	},
	{
		ID: "C13-delay", Severity: Error,
		Title: "the delay of a queue is shorter than its retention",
		Why:   "A message is deleted before it can be received for the first time.",
		Fix:   "lower DelaySeconds, or raise MessageRetentionPeriod",
		Page:  pageQuotas, check: checkDelay,
	},
	{
		ID: "C13-kind", Severity: Error,
		Title: "a dead-letter queue is of the kind of its source: FIFO or standard",
		Why:   "SQS does not move a message from a queue of one kind to one of the other.",
		Fix:   "give both queues the same FifoQueue",
		Page:  pageDeadLetters, check: checkKind,
	},
	{
		ID: "C13-allow", Severity: Error,
		Title: "a dead-letter queue takes the messages of its sources",
		Why:   "Its RedriveAllowPolicy locks the queue out: messages that failed stay in the queue until their retention ends.",
		Fix:   "name the queue in sourceQueueArns, or set redrivePermission to allowAll",
		Page:  pageRedrive, check: checkAllow,
	},
	{
		ID: "C13-size", Severity: Error,
		Title: "a queue takes messages as large as SQS allows",
		Why:   "The client checks against the limit of SQS: a task above the queue's own is refused after Fire has accepted it, and so is a dead letter, which carries its reason on top.",
		Fix:   "leave MaximumMessageSize out",
		Page:  pageQuotas, check: checkSize,
	},
}

// checkQueues makes the check of a rule from the check of one queue; fields are what it reads of it.
func checkQueues(check func(*run, *Queue), fields ...string) func(*run) {
	return func(r *run) {
		if !r.known("Queues") {
			return
		}
		for i := range r.Queues {
			if q := &r.Queues[i]; r.knownFields("Queues."+q.ID, fields...) {
				check(r, q)
			}
		}
	}
}

func checkVisibility(r *run) {
	if !r.known("Mappings", "Queues", "Functions") {
		return
	}
	for i := range r.Mappings {
		m := &r.Mappings[i]
		if !r.knownFields("Mappings."+m.ID, "QueueARN", "FunctionARN") {
			continue
		}
		q := r.Queue(m.QueueARN)
		fn, _ := r.Function(m.FunctionARN)
		if q == nil || fn == nil || !r.known("Queues."+q.ID+".VisibilityTimeout", "Functions."+fn.ID+".Timeout", "Mappings."+m.ID+".Window") {
			continue
		}
		if least := 6*fn.Timeout + m.Window; q.VisibilityTimeout < least {
			r.found(q, "VisibilityTimeout", "%s is less than %s: 6 × %s of %s, and %s of batch window",
				q.VisibilityTimeout, least, fn.Timeout, fn.ID, m.Window)
		}
	}
}

var checkAttempts = checkQueues(func(r *run, q *Queue) {
	if q.MaxReceiveCount >= leastReceives && q.MaxReceiveCount < workerReceives {
		r.found(q, "MaxReceiveCount", "%d is less than the %d that the worker assumes", q.MaxReceiveCount, workerReceives)
	}
}, "MaxReceiveCount")

var checkLetterRetention = checkQueues(func(r *run, q *Queue) {
	if q.Retention >= longest {
		return
	}
	if letters, _ := r.deadLetters(q); letters {
		r.found(q, "Retention", "%s, not 14 days", days(q.Retention))
	}
}, "Retention")

var checkSourceRetention = checkQueues(func(r *run, q *Queue) {
	if q.DeadLetterARN != "" && !q.FIFO && q.Retention > sourceMost {
		r.found(q, "Retention", "%s is more than 4 days; its dead letters are deleted %s after they were sent", days(q.Retention), days(longest))
	}
}, "Retention", "DeadLetterARN", "FIFO")

var checkRedrive = checkQueues(func(r *run, q *Queue) {
	if q.DeadLetterARN != "" {
		if q.DeadLetterARN == q.ARN {
			r.found(q, "DeadLetterARN", "the queue is its own dead-letter queue")
		}
		return
	}
	letters, known := r.deadLetters(q)
	if known && !letters && r.known(r.mappingPaths()...) && len(r.MappingsOf(q)) > 0 {
		r.found(q, "DeadLetterARN", "there is no redrive policy")
	}
}, "DeadLetterARN")

var checkTarget = checkQueues(func(r *run, q *Queue) {
	if q.DeadLetterARN != "" && r.Queue(q.DeadLetterARN) == nil {
		r.found(q, "DeadLetterARN", "%s is no queue of the stack", q.DeadLetterARN)
	}
}, "DeadLetterARN")

var checkDelay = checkQueues(func(r *run, q *Queue) {
	if q.Delay >= q.Retention {
		r.found(q, "Delay", "%s is not less than the retention, %s", q.Delay, q.Retention)
	}
}, "Delay", "Retention")

var checkKind = checkQueues(func(r *run, q *Queue) {
	target := r.Queue(q.DeadLetterARN)
	if target == nil || !r.known("Queues."+target.ID+".FIFO") || target.FIFO == q.FIFO {
		return
	}
	kind := map[bool]string{true: "a FIFO queue", false: "a standard queue"}
	r.found(q, "DeadLetterARN", "%s is %s, the queue is %s", target.ID, kind[target.FIFO], kind[q.FIFO])
}, "DeadLetterARN", "FIFO")

var checkAllow = checkQueues(func(r *run, q *Queue) {
	target := r.Queue(q.DeadLetterARN)
	if target == nil || !r.known("Queues."+target.ID+".RedriveAllow") {
		return
	}
	allow := target.RedriveAllow
	if allow.Permission == "denyAll" || allow.Permission == "byQueue" && !slices.Contains(allow.Sources, q.ARN) {
		r.found(target, "RedriveAllow", "%s does not let in the messages of %s", allow.Permission, q.ID)
	}
}, "DeadLetterARN")

var checkSize = checkQueues(func(r *run, q *Queue) {
	if q.MaximumMessageSize < largestMessage {
		r.found(q, "MaximumMessageSize", "%d bytes, less than %d", q.MaximumMessageSize, largestMessage)
	}
}, "MaximumMessageSize")

// days gives a duration as people say it.
func days(d time.Duration) string {
	if d%day == 0 {
		return strconv.Itoa(int(d/day)) + " days"
	}
	return d.String()
}
