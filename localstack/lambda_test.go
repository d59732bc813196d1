package localstack_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/localstack/probe/order"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

// Everything that Lambda does with what it is given, on one deployment of the probe for each target.
func TestLambda(t *testing.T) {
	onEachLambda(t, func(p *probe) {
		p.t.Run("AliasHasTheConfiguration", func(t *testing.T) { aliasConfiguration(p.on(t)) })
		for name, test := range map[string]func(p *probe){
			"AsynchronousRetriesThenOnFailure": retriesThenOnFailure,
			"RetryThatSucceedsLeavesNoRecord":  retrySucceeds,
			"CrashEndsAsOnFailureRecord":       crashEndsAsRecord,
			"TimeoutEndsAsOnFailureRecord":     timeoutEndsAsRecord,
			"PartialBatchResponse":             partialBatch,
			"ExhaustedMessageIsRedriven":       exhaustedIsRedriven,
			"D3_MappingWithoutPartialBatches":  carelessMapping,
			"D1_MaximumConcurrency":            maximumConcurrency,
			"BodiesComeAsTheyWereSent":         bodiesAsSent,
		} {
			p.t.Run(name, func(t *testing.T) { test(p.on(t)) })
		}
		p.t.Run("Sender", func(t *testing.T) { lambdaSender(p.on(t)) })
	})
}

// throttledLambda is how Lambda refuses for a time.
func throttledLambda() *http.Response {
	return answer(429, "X-Amzn-Errortype", "TooManyRequestsException", `{"Type":"User","Message":"Rate Exceeded."}`)
}

// lambdaSender runs the suite of senders on lambdatransport.
func lambdaSender(p *probe) {
	transporttest.Senders(p.t, transporttest.SenderHarness{Make: func(tb testing.TB) transporttest.Destination {
		p.forget()
		network := newFaults(throttledLambda)
		s, err := lambdatransport.New(lambda.NewFromConfig(p.aws, func(o *lambda.Options) { o.HTTPClient = network }), p.function, nil)
		if err != nil {
			tb.Fatal(err)
		}
		return transporttest.Destination{
			Sender:     s,
			TooBig:     1<<20 + 1,
			LoseAnswer: network.loseAnswer,
			Refuse:     network.refuseNext,
			Hold:       network.hold,
			// Every event that was answered with 202 will run. One that runs twice is seen by the next call.
			Arrived: func() (all []transporttest.Arrival) {
				var accepted int
				network.set(func() { accepted, network.answered = network.answered, 0 })
				eventually(tb, "the accepted events to run", func() bool { return len(p.runs()) >= accepted })
				for _, r := range p.forget() {
					all = append(all, transporttest.Arrival{Body: r.body})
				}
				return all
			},
		}
	}})
}

// forget takes the records that are there.
func (p *probe) forget() []run {
	p.t.Helper()
	all := p.runs()
	for _, r := range all {
		if err := os.Remove(r.file); err != nil {
			p.t.Fatal(err)
		}
	}
	return all
}

// record is what an OnFailure destination gets ("Capturing records of Lambda asynchronous invocations").
type record struct {
	Version        string
	Timestamp      time.Time
	RequestContext struct {
		RequestID              string
		FunctionARN            string
		Condition              string
		ApproximateInvokeCount int
	}
	RequestPayload  json.RawMessage
	ResponseContext struct {
		StatusCode      int
		ExecutedVersion string
		FunctionError   string
	}
	ResponsePayload struct {
		ErrorType    string
		ErrorMessage string
	}
}

// failed waits for the record of a task and takes it.
func (p *probe) failed(id string) record {
	p.t.Helper()
	var found record
	eventually(p.t, "the record of task "+id, func() (ok bool) { found, ok = p.takeRecord(id); return ok })
	return found
}

// takeRecord takes what is at the destination, and reports whether the record of the task is there.
func (p *probe) takeRecord(id string) (found record, ok bool) {
	p.t.Helper()
	failures := p.queue("Failures")
	for _, m := range failures.receive(time.Second) {
		failures.remove(m)
		var r record
		if err := json.Unmarshal([]byte(*m.Body), &r); err == nil && (run{body: r.RequestPayload}).id() == id {
			found, ok = r, true
		}
	}
	return found, ok
}

// aliasConfiguration: an invocation of the alias obeys the configuration of the alias, to which SAM binds it
// (AWS Lambda API Reference, PutFunctionEventInvokeConfig: Qualifier is "a version number or alias name").
func aliasConfiguration(p *probe) {
	id := p.fire(p.direct(), order.Order{Fail: -1})
	eventually(p.t, "three runs", func() bool { return len(p.of(id)) == 3 })
	recorded, wait := false, patience
	if _, known := deviations[p.name]["async/alias-configuration"]; known {
		wait = 5 * time.Second // for nothing
	}
	for deadline := time.Now().Add(wait); !recorded && time.Now().Before(deadline); {
		_, recorded = p.takeRecord(id)
	}
	p.judge(p.t, "async/alias-configuration", recorded, "no record came to the destination of the alias")
	if recorded {
		return
	}
	// For the other tests the version gets what the alias has.
	api := lambda.NewFromConfig(p.aws)
	name, alias := p.function[:strings.LastIndex(p.function, ":")], "live"
	version, err := api.GetAlias(p.t.Context(), &lambda.GetAliasInput{FunctionName: &name, Name: &alias})
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = api.PutFunctionEventInvokeConfig(p.t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &name, Qualifier: version.FunctionVersion, MaximumRetryAttempts: aws.Int32(2),
		DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(p.queue("Failures").arn)}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// retriesThenOnFailure: an event that fails runs three times, the waits grow, and then its record is at the destination.
func retriesThenOnFailure(p *probe) {
	id := p.fire(p.direct(), order.Order{Fail: -1, Exact: "1.50"})
	r := p.failed(id)
	runs := p.of(id)
	if len(runs) != 3 {
		p.t.Fatalf("%d runs, want 3", len(runs))
	}
	for i, least := range retryDelays {
		wait := runs[i+1].began.Sub(runs[i].ended)
		most := least + 30*time.Second // and what a busy machine takes; without the setting it is a minute
		p.judge(p.t, "async/retry-wait", wait >= least && wait < most, "retry %d came after %v, want %v to %v", i+1, wait, least, most)
	}
	p.aRecord(r, "Unhandled", 3)
	if r.ResponsePayload.ErrorMessage != "run 3 was ordered to fail" {
		p.t.Errorf("the response is %+v, want that of the last run", r.ResponsePayload)
	}
	p.judge(p.t, "on-failure/payload-bytes", bytes.Equal(r.RequestPayload, runs[0].body), "requestPayload is\n%s, and the event was\n%s", r.RequestPayload, runs[0].body)
}

// aRecord asks for what every record of exhausted retries has.
func (p *probe) aRecord(r record, functionError string, invocations int) {
	p.t.Helper()
	c := r.RequestContext
	p.judge(p.t, "on-failure/function-arn", c.FunctionARN == p.function, "functionArn is %s, and %s was invoked", c.FunctionARN, p.function)
	if r.Version != "1.0" || c.Condition != "RetriesExhausted" || c.ApproximateInvokeCount != invocations || c.RequestID == "" {
		p.t.Errorf("record of version %q with the context %+v; want RetriesExhausted after %d", r.Version, c, invocations)
	}
	if age := time.Since(r.Timestamp); age < 0 || age > 2*patience {
		p.t.Errorf("the time of the record is %v", r.Timestamp)
	}
	if x := r.ResponseContext; x.StatusCode != 200 || x.FunctionError != functionError {
		p.t.Errorf("the response's context is %+v, want 200 and %s", x, functionError)
	}
}

func retrySucceeds(p *probe) {
	id := p.fire(p.direct(), order.Order{Fail: 1})
	eventually(p.t, "the second run", func() bool { return len(p.of(id)) == 2 })
	// A failure that follows has its record; this one must not be beside it.
	other := p.fire(p.direct(), order.Order{Fail: -1})
	p.failed(other)
	if n := len(p.of(id)); n != 2 {
		p.t.Errorf("%d runs, want 2", n)
	}
}

func crashEndsAsRecord(p *probe) {
	id := p.fire(p.direct(), order.Order{Crash: true})
	r := p.failed(id)
	p.aRecord(r, "Unhandled", 3)
	if n := len(p.of(id)); n != 3 {
		p.t.Errorf("%d runs, want 3", n)
	}
	if r.ResponsePayload.ErrorType != "Runtime.ExitError" {
		p.t.Errorf("the response is %+v, want Runtime.ExitError", r.ResponsePayload)
	}
}

func timeoutEndsAsRecord(p *probe) {
	id := p.fire(p.direct(), order.Order{Loop: true})
	r := p.failed(id)
	p.aRecord(r, "Unhandled", 3)
	if !strings.Contains(r.ResponsePayload.ErrorMessage, "Task timed out after 6.00 seconds") { // AWS words the rest in two ways
		p.t.Errorf("the response is %+v, want a timeout", r.ResponsePayload)
	}
}

// partialBatch: of a batch only what is named as failed comes back, after the visibility timeout and with a higher count.
func partialBatch(p *probe) {
	work := p.onto("Work")
	bad := p.fire(work, order.Order{Fail: 1})
	var good []string
	for range 4 {
		good = append(good, p.fire(work, order.Order{}))
	}
	eventually(p.t, "the failed message to come back", func() bool { return len(p.of(bad)) == 2 })
	runs := p.of(bad)
	if runs[0].number != 1 || runs[1].number != 2 || !runs[1].batch {
		p.t.Errorf("runs %+v, want receive counts 1 and 2", runs)
	}
	if wait := runs[1].began.Sub(runs[0].began); wait < 5*time.Second || wait > 25*time.Second { // 30 s is the default
		p.t.Errorf("it came back after %v, want the visibility timeout of 6 s", wait)
	}
	eventually(p.t, "the queue to be empty", func() bool { return p.queue("Work").left() == 0 })
	for _, id := range good {
		if n := len(p.of(id)); n != 1 {
			p.t.Errorf("a task that did not fail ran %d times", n)
		}
	}
}

// exhaustedIsRedriven: after maxReceiveCount receives SQS itself moves a message.
func exhaustedIsRedriven(p *probe) {
	id := p.fire(p.onto("Work"), order.Order{Fail: -1})
	failures := p.queue("Failures")
	var found *sqstypes.Message
	eventually(p.t, "the redriven message", func() bool {
		for _, m := range failures.receive(time.Second) {
			failures.remove(m)
			if (run{body: []byte(*m.Body)}).id() == id {
				found = &m
			}
		}
		return found != nil
	})
	if n := len(p.of(id)); n != 3 {
		p.t.Errorf("%d runs, want 3, the maxReceiveCount", n)
	}
	if source := found.Attributes["DeadLetterQueueSourceArn"]; source != p.queue("Work").arn {
		p.t.Errorf("DeadLetterQueueSourceArn is %q", source)
	}
}

// carelessMapping: where the mapping lacks ReportBatchItemFailures, Lambda deletes what the function names as failed.
func carelessMapping(p *probe) {
	id := p.fire(p.onto("Careless"), order.Order{Fail: -1})
	eventually(p.t, "the run", func() bool { return len(p.of(id)) == 1 })
	eventually(p.t, "the queue to be empty", func() bool { return p.queue("Careless").left() == 0 })
	if n := len(p.of(id)); n != 1 {
		p.t.Errorf("%d runs, want 1: the message is lost", n)
	}
}

// maximumConcurrency: two at once are allowed, and two run.
func maximumConcurrency(p *probe) {
	limited := p.onto("Limited")
	var ids []string
	for range 6 {
		ids = append(ids, p.fire(limited, order.Order{Sleep: 1000}))
	}
	var runs []run
	eventually(p.t, "all to run", func() bool {
		runs = nil
		for _, id := range ids {
			runs = append(runs, p.of(id)...)
		}
		return len(runs) >= len(ids)
	})
	most := 0
	for _, a := range runs {
		at := 0
		for _, b := range runs {
			if !b.began.After(a.began) && b.ended.After(a.began) {
				at++
			}
		}
		most = max(most, at)
	}
	if most > 2 {
		p.t.Errorf("%d ran at once, more than MaximumConcurrency", most)
	}
	p.judge(p.t, "mapping/concurrency", most == 2, "at most %d ran at once, want 2", most)
}

// bodiesAsSent: a body reaches the function byte for byte, whatever it is.
func bodiesAsSent(p *probe) {
	work := p.queue("Work")
	for check, body := range map[string]string{
		"mapping/text-bytes":         "no JSON: {\u00fc ✓ \U0001f600}",
		"mapping/json-number-bytes":  `{"n":1.50,"big":12345678901234567890}`,
		"mapping/json-space-bytes":   `{ "n" : 1 }`,
		"mapping/json-escape-bytes":  `{"n":"\u00fc\u2713"}`,
		"mapping/json-ordered-bytes": `{"b":1,"a":2}`,
	} {
		id := work.send(body, nil)
		var got *run
		eventually(p.t, "the run of "+body, func() bool {
			for _, r := range p.runs() {
				if r.batch && bytes.Contains([]byte(r.file), []byte(id)) {
					got = &r
				}
			}
			return got != nil
		})
		p.judge(p.t, check, string(got.body) == body, "%q became %q", body, got.body)
	}
}
