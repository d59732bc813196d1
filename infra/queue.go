package infra

import "time"

var queueRules = []Rule{
	{
		ID: "C7-visibility", Severity: Error,
		Title: "the visibility timeout of a queue is six times the timeout of its function, plus the batch window",
		Why: "A message becomes visible again while the function still works on it, or while Lambda retries a throttled batch: " +
			"the task runs twice at a time, and its receives are used up.",
		Fix:   "set VisibilityTimeout of the queue to 6 × Timeout of the function + MaximumBatchingWindowInSeconds",
		Page:  "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
		check: checkVisibility,
	},
}

func checkVisibility(r *run) {
	for i := range r.Mappings {
		m := &r.Mappings[i]
		q := r.Queue(m.QueueARN)
		fn, _ := r.Function(m.FunctionARN)
		if q == nil || fn == nil || !r.known("Queues."+q.ID+".VisibilityTimeout", "Functions."+fn.ID+".Timeout", "Mappings."+m.ID+".Window") {
			continue
		}
		if least := 6*fn.Timeout + m.Window; q.VisibilityTimeout < least {
			r.found(q, "VisibilityTimeout", "%s is less than %s: 6 × %s of %s + %s of batch window",
				seconds(q.VisibilityTimeout), seconds(least), seconds(fn.Timeout), fn.ID, seconds(m.Window))
		}
	}
}

func seconds(d time.Duration) string { return d.String() }
