package infra

import "strings"

const (
	pageScaling    = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"
	pageFailures   = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"
	pageFiltering  = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html"
	pageMappingAPI = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"
)

var mappingRules = []Rule{
	{
		ID: "C13-mapping", Severity: Error,
		Title: "exactly one event source mapping reads a queue",
		Why: "A queue that nobody reads deletes its tasks when their retention ends. Two mappings share out the messages between them: each function gets " +
			"some of the tasks, and those that it does not know end among the dead letters.",
		Fix:  "give the queue one SQS event, on one function",
		Page: pageSQSMapping, check: checkOneMapping,
	},
	{
		ID: "C13-enabled", Severity: Error,
		Title: "an event source mapping is enabled",
		Why:   "Nobody reads the queue, and its tasks are deleted when their retention ends.",
		Fix:   "set Enabled of the event source mapping to true, or leave it out",
		Page:  pageMappingAPI, check: checkEnabled,
	},
	{
		ID: "C13-filter", Severity: Error,
		Title: "an event source mapping has no filter",
		Why:   "Lambda deletes the messages that do not match, without running or keeping them.",
		Fix:   "remove FilterCriteria; an unknown task name is retried and dead-lettered with its reason",
		Page:  pageFiltering, check: checkFilter,
	},
	{
		ID: "C13-settler", Severity: Error,
		Title: "a function settles the messages of the queue that feeds it",
		Why: "The worker sets the wait of what failed, and moves the dead, by the URLs in OFFLOAD_QUEUE_URL and OFFLOAD_DEAD_LETTER_QUEUE_URL. At another queue SQS " +
			"refuses each of these calls: there is no backoff, and what failed for good comes back until SQS moves it away, without a reason.",
		Fix:  "set OFFLOAD_QUEUE_URL of the function to the queue of its event, OFFLOAD_DEAD_LETTER_QUEUE_URL to that one's dead-letter queue, and give each queue a function of its own",
		Page: pageVisible, check: checkSettler,
	},
	{
		ID: "D1-concurrency", Severity: Error,
		Title: "an event source mapping bounds its own concurrency",
		Why: "Without a bound the pollers take more batches than the function may run: each throttled batch costs its messages a receive, without a run and without a log, " +
			"until they end among the dead letters.",
		Fix:  "set ScalingConfig.MaximumConcurrency of the event source mapping, from 2 to 1000",
		Page: pageScaling, check: checkConcurrency,
	},
	{
		ID: "D1-reserved", Severity: Error,
		Title: "a function reserves at least the concurrency of its event source mappings",
		Why:   "Batches above the reserved concurrency are throttled, and each costs its messages a receive without a run.",
		Fix:   "raise ReservedConcurrentExecutions to the sum of MaximumConcurrency, lower MaximumConcurrency, or reserve nothing",
		Page:  pageScaling, check: checkReserved,
	},
	{
		ID: "D1-receives", Severity: Error,
		Title: "a message may be received five times at least before it is dead",
		Why:   "A few throttles or a deployment in the wrong minute send healthy tasks to the dead-letter queue.",
		Fix:   "set maxReceiveCount of the RedrivePolicy to 15, what the worker assumes",
		Page:  pageSQSMapping, check: checkReceives,
	},
	{
		ID: "D3-report", Severity: Error,
		Title: "an event source mapping reads which messages failed",
		Why:   "Lambda ignores the worker's list and deletes the messages that failed with the others.",
		Fix:   "set FunctionResponseTypes of the event source mapping to [ReportBatchItemFailures]",
		Page:  pageFailures, check: checkReport,
	},
}

// checkMappings makes the check of a rule from the check of one mapping; fields are what it reads of it.
func checkMappings(check func(*run, *Mapping), fields ...string) func(*run) {
	return func(r *run) {
		if !r.known("Mappings") {
			return
		}
		for i := range r.Mappings {
			if m := &r.Mappings[i]; r.knownFields("Mappings."+m.ID, fields...) {
				check(r, m)
			}
		}
	}
}

func checkOneMapping(r *run) {
	if !r.known(r.mappingPaths()...) || !r.known("Queues") {
		return
	}
	for _, q := range r.workQueues() {
		switch all := r.MappingsOf(q); len(all) {
		case 0:
			r.found(q, "", "no event source mapping reads the queue")
		case 1:
		default:
			r.found(q, "", "%d event source mappings read the queue: %s and %s", len(all), all[0].ID, all[1].ID)
		}
	}
}

func checkSettler(r *run) {
	if !r.known(append(r.mappingPaths(), paths("Queues", r.Queues, "DeadLetterARN")...)...) || !r.known("Functions") {
		return
	}
	for i := range r.Mappings {
		m := &r.Mappings[i]
		q := r.Queue(m.QueueARN)
		fn, _ := r.Function(m.FunctionARN)
		if q == nil || fn == nil || !r.knownFields("Functions."+fn.ID, "QueueURL", "DeadLetterQueueURL") {
			continue
		}
		if fn.QueueURL != "" && !q.isAt(fn.QueueURL) {
			r.found(fn, "QueueURL", "%s feeds the function, and OFFLOAD_QUEUE_URL is %s", q.ID, fn.QueueURL)
		}
		letters := r.Queue(q.DeadLetterARN) // C13-redrive and C13-target have what is wrong with that one
		if letters != nil && letters != q && fn.DeadLetterQueueURL != "" && !letters.isAt(fn.DeadLetterQueueURL) {
			r.found(fn, "DeadLetterQueueURL", "the dead letters of %s are in %s, and OFFLOAD_DEAD_LETTER_QUEUE_URL is %s", q.ID, letters.ID, fn.DeadLetterQueueURL)
		}
	}
}

// isAt says whether a URL is one of the queue, whatever its host: it ends with the account and the name.
func (q *Queue) isAt(url string) bool {
	if url == q.URL {
		return true
	}
	arn := strings.Split(q.ARN, ":")
	return len(arn) == 6 && strings.HasSuffix(url, "/"+arn[4]+"/"+arn[5])
}

var checkEnabled = checkMappings(func(r *run, m *Mapping) {
	if !m.Enabled {
		r.found(m, "Enabled", "the mapping is disabled")
	}
}, "Enabled")

var checkFilter = checkMappings(func(r *run, m *Mapping) {
	if len(m.Filters) > 0 {
		r.found(m, "Filters", "a message that does not match %s is deleted", m.Filters[0])
	}
}, "Filters")

var checkConcurrency = checkMappings(func(r *run, m *Mapping) {
	if m.ProvisionedPollers { // they exclude each other, and pollers are a bound too
		return
	}
	switch n := m.MaximumConcurrency; {
	case n == 0:
		r.found(m, "MaximumConcurrency", "there is no bound")
	case n < 2 || n > 1000:
		r.found(m, "MaximumConcurrency", "%d is not from 2 to 1000", n)
	}
}, "MaximumConcurrency", "ProvisionedPollers")

func checkReserved(r *run) {
	if !r.known("Functions", "Mappings") {
		return
	}
	for i := range r.Functions {
		fn := &r.Functions[i]
		if !r.known("Functions."+fn.ID+".ReservedConcurrency") || fn.ReservedConcurrency == nil {
			continue
		}
		sum, known := 0, true
		for j := range r.Mappings {
			m := &r.Mappings[j]
			if of, _ := r.Function(m.FunctionARN); of == fn && m.Enabled {
				known = known && r.known("Mappings."+m.ID+".MaximumConcurrency")
				sum += m.MaximumConcurrency
			}
		}
		if known && *fn.ReservedConcurrency < sum {
			r.found(fn, "ReservedConcurrency", "%d is less than the %d of its event source mappings", *fn.ReservedConcurrency, sum)
		}
	}
}

var checkReceives = checkQueues(func(r *run, q *Queue) {
	if q.DeadLetterARN != "" && q.MaxReceiveCount < leastReceives {
		r.found(q, "MaxReceiveCount", "%d is less than %d", q.MaxReceiveCount, leastReceives)
	}
}, "MaxReceiveCount", "DeadLetterARN")

var checkReport = checkMappings(func(r *run, m *Mapping) {
	if !m.ReportBatchItemFailures {
		r.found(m, "ReportBatchItemFailures", "the list of failures is ignored")
	}
}, "ReportBatchItemFailures")
