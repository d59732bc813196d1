package infra

import (
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	pageSQSMetrics    = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
	pageLambdaMetrics = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
	pageAlarmActions  = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html"
	pageAlarmMissing  = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"
	pageLogRetention  = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html"
)

const alarmWhy = "Nobody is told: "

var alarmRules = []Rule{
	{
		ID: "C9-inflight", Severity: Warning,
		Title: "an alarm watches the messages in flight of a queue",
		Why:   alarmWhy + "with 120,000 messages in flight SQS gives no more, without an error to whoever polls for long, and the queue stands still.",
		Fix:   "add an alarm on AWS/SQS ApproximateNumberOfMessagesNotVisible of the queue: Maximum > 80000, notBreaching",
		Page:  pageQuotas, check: checkAlarms(ofWorkQueues, metric{"AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "Maximum", 120_000}),
	},
	{
		ID: "D6-alarm", Severity: Warning,
		Title: "an alarm watches the recursion stop of a function",
		Why:   alarmWhy + "Lambda stops a chain of tasks after about 16 hops, and nothing else shows it.",
		Fix:   "add an alarm on AWS/Lambda RecursiveInvocationsDropped of the function: Sum > 0, notBreaching",
		Page:  pageRecursion, check: checkAlarms(ofWorkers, metric{"AWS/Lambda", "RecursiveInvocationsDropped", "Sum", 1}),
	},
	{
		ID: "H4-dead-letters", Severity: Warning,
		Title: "an alarm watches a dead-letter queue",
		Why:   alarmWhy + "tasks that failed for good lie there for 14 days, and are then deleted.",
		Fix:   "add an alarm on AWS/SQS ApproximateNumberOfMessagesVisible of the dead-letter queue: Maximum > 0, notBreaching",
		Page:  pageSQSMetrics, check: checkAlarms(ofDeadLetterQueues, metric{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", 1}),
	},
	{
		ID: "H4-age", Severity: Warning,
		Title: "an alarm watches the age of the oldest message of a queue",
		Why:   alarmWhy + "tasks wait longer and longer, until their retention ends and SQS deletes them.",
		Fix:   "add an alarm on AWS/SQS ApproximateAgeOfOldestMessage of the queue: Maximum, below its retention, notBreaching",
		Page:  pageSQSMetrics, check: checkAlarms(ofWorkQueues, metric{"AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", 0}),
	},
	{
		ID: "H4-errors", Severity: Warning,
		Title: "an alarm watches the errors of a function",
		Why:   alarmWhy + "an invocation that crashes, times out or fails to start takes its whole batch with it.",
		Fix:   "add an alarm on AWS/Lambda Errors of the function: Sum > 0, notBreaching",
		Page:  pageLambdaMetrics, check: checkAlarms(ofWorkers, metric{"AWS/Lambda", "Errors", "Sum", 1}),
	},
	{
		ID: "H4-throttles", Severity: Warning,
		Title: "an alarm watches the throttles of a function",
		Why:   alarmWhy + "a throttled batch costs its messages a receive without a run and without a log.",
		Fix:   "add an alarm on AWS/Lambda Throttles of the function: Sum > 0, notBreaching",
		Page:  pageLambdaMetrics, check: checkAlarms(ofWorkers, metric{"AWS/Lambda", "Throttles", "Sum", 1}),
	},
	{
		ID: "H4-dropped", Severity: Warning,
		Title: "an alarm watches the asynchronous events that Lambda drops",
		Why:   alarmWhy + "AWS may drop an event when it cannot keep up, and this metric is all that shows it.",
		Fix:   "add an alarm on AWS/Lambda AsyncEventsDropped of the function: Sum > 0, notBreaching",
		Page:  pageLambdaMetrics, check: checkAlarms(ofLanes, metric{"AWS/Lambda", "AsyncEventsDropped", "Sum", 1}),
	},
	{
		ID: "H4-destination", Severity: Warning,
		Title: "an alarm watches the failed deliveries to the OnFailure destination",
		Why:   alarmWhy + "an event that failed for good and did not reach its queue is lost.",
		Fix:   "add an alarm on AWS/Lambda DestinationDeliveryFailures of the function: Sum > 0, notBreaching",
		Page:  pageLambdaMetrics, check: checkAlarms(ofLanes, metric{"AWS/Lambda", "DestinationDeliveryFailures", "Sum", 1}),
	},
	{
		ID: "H4-actions", Severity: Warning,
		Title: "an alarm has an action, and its actions are on",
		Why:   "An alarm without an action changes its colour in a console that nobody looks at. Whether somebody has subscribed to the topic is not checked.",
		Fix:   "set AlarmActions of the alarm to an SNS topic, leave ActionsEnabled on, and subscribe somebody to the topic (template.yaml: the parameter AlarmEmail)",
		Page:  pageAlarmActions, check: checkActions,
	},
	{
		ID: "H4-logs", Severity: Warning,
		Title: "logs are kept for a set time",
		Why:   "Logs without a retention are kept, and paid for, for ever. Lambda makes such a group when the stack has none.",
		Fix:   "add an AWS::Logs::LogGroup with RetentionInDays, and name it in LoggingConfig of the function",
		Page:  pageLogRetention, check: checkLogs,
	},
}

// A metric is what an alarm has to watch. Most is the largest threshold that still tells in time; 0 is the retention of the
// queue.
type metric struct {
	namespace, name, statistic string
	most                       float64
}

// A target is what an alarm has to watch it on.
type target struct {
	at        interface{ base() Resource }
	dimension string
	retention time.Duration
}

func ofWorkQueues(r *run) []target {
	var out []target
	for _, q := range r.workQueues() {
		out = append(out, target{q, "QueueName", q.Retention})
	}
	return out
}

func ofDeadLetterQueues(r *run) []target {
	var out []target
	for i := range r.Queues {
		q := &r.Queues[i]
		if letters, _ := r.deadLetters(q); letters {
			out = append(out, target{q, "QueueName", q.Retention})
		}
	}
	return out
}

// workers gives the functions that a queue of the stack feeds.
func (s *Stack) workers() []*Function {
	var out []*Function
	for i := range s.Functions {
		fn := &s.Functions[i]
		if slices.ContainsFunc(s.Mappings, func(m Mapping) bool { of, _ := s.Function(m.FunctionARN); return of == fn }) {
			out = append(out, fn)
		}
	}
	return out
}

func ofWorkers(r *run) []target {
	_ = r.known(r.mappingPaths()...) // workers that are known are watched
	var out []target
	for _, fn := range r.workers() {
		out = append(out, target{at: fn, dimension: "FunctionName"})
	}
	return out
}

// ofLanes gives the functions that a policy lets hosts invoke: those get asynchronous events.
func ofLanes(r *run) []target {
	_ = r.known(r.policyPaths()...) // lanes that are known are watched
	var out []target
	for _, l := range r.lanes() {
		t := target{at: l.fn, dimension: "FunctionName"}
		if l.at != nil && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// checkAlarms makes the check that an alarm watches a metric on each target.
func checkAlarms(targets func(*run) []target, m metric) func(*run) {
	return func(r *run) {
		if !r.known("Alarms", "Queues", "Functions", "Mappings", "Policies", "Outputs") {
			return
		}
		for _, t := range targets(r) {
			if m := m; t.at != nil {
				if m.most == 0 {
					if !r.known("Queues." + t.at.base().ID + ".Retention") {
						continue
					}
					m.most = t.retention.Seconds()
				}
				if wrong := r.watched(t, m); wrong != "" {
					r.found(t.at, "", "%s", wrong)
				}
			}
		}
	}
}

// watched says "" when an alarm watches the metric, and else what is wrong with the one that comes nearest.
func (r *run) watched(t target, m metric) string {
	nearest := fmt.Sprintf("no alarm watches %s", m.name)
	for i := range r.Alarms {
		a := &r.Alarms[i]
		if a.Namespace != m.namespace || a.Metric != m.name || len(a.Dimensions) != 1 || a.Dimensions[t.dimension] != t.at.base().Name {
			continue
		}
		if !r.known("Alarms." + a.ID) {
			return ""
		}
		wrong := a.wrong(m)
		if wrong == "" {
			return ""
		}
		nearest = fmt.Sprintf("alarm %s watches %s, but %s", a.ID, m.name, wrong)
	}
	return nearest
}

// longestWatch is how long a thing may go on before its alarm tells.
const longestWatch = time.Hour

// wrong says why an alarm that watches the metric would not tell in time, or would tell without cause.
func (a *Alarm) wrong(m metric) string {
	least := math.Ceil(a.Threshold) // the least value that sets it off: counts and ages are whole numbers
	if a.Comparison == "GreaterThanThreshold" {
		least = math.Floor(a.Threshold) + 1
	}
	switch {
	case a.Statistic != m.statistic:
		return fmt.Sprintf("its statistic is %s, not %s", a.Statistic, m.statistic)
	case a.Comparison != "GreaterThanThreshold" && a.Comparison != "GreaterThanOrEqualToThreshold":
		return "it compares with " + a.Comparison
	case least > m.most:
		return fmt.Sprintf("it is set off by %g and not before; %g must do", least, m.most)
	case least < 1:
		return fmt.Sprintf("its threshold %g is always reached", a.Threshold)
	case a.MissingData != "notBreaching" && a.MissingData != "ignore":
		return fmt.Sprintf("it takes missing data as %s, and a queue or a function at rest sends none (%s)", a.MissingData, pageAlarmMissing)
	case a.Period*time.Duration(a.EvaluationPeriods) > longestWatch:
		return fmt.Sprintf("it tells after %s only", a.Period*time.Duration(a.EvaluationPeriods))
	}
	return ""
}

func checkActions(r *run) {
	if !r.known("Alarms") {
		return
	}
	for i := range r.Alarms {
		a := &r.Alarms[i]
		if !r.known("Alarms."+a.ID+".Actions", "Alarms."+a.ID+".ActionsEnabled") {
			continue
		}
		switch {
		case len(a.Actions) == 0:
			r.found(a, "Actions", "the alarm has no action")
		case !a.ActionsEnabled:
			r.found(a, "ActionsEnabled", "the actions of the alarm are off")
		}
	}
}

func checkLogs(r *run) {
	if !r.known("LogGroups", "Functions") {
		return
	}
	for i := range r.Functions {
		fn := &r.Functions[i]
		group := find(r.LogGroups, func(g *LogGroup) bool { return g.Name == fn.LogGroup })
		if group == nil && r.known("Functions."+fn.ID+".LogGroup") {
			r.found(fn, "LogGroup", "the log group %s is not part of the stack", fn.LogGroup)
		}
	}
	for i := range r.LogGroups {
		if g := &r.LogGroups[i]; r.known("LogGroups."+g.ID+".RetentionDays") && g.RetentionDays == 0 {
			r.found(g, "RetentionDays", "logs are kept for ever")
		}
	}
}
