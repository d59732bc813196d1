package sqstransport_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

func changed(in *awssqs.ChangeMessageVisibilityBatchInput) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
	out := &awssqs.ChangeMessageVisibilityBatchOutput{}
	for _, e := range in.Entries {
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func stored(in *awssqs.SendMessageBatchInput) *awssqs.SendMessageBatchOutput {
	out := &awssqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id, MD5OfMessageBody: aws.String(md5Of(*e.MessageBody))})
	}
	return out
}

const (
	aURL = "https://sqs.eu-west-1.amazonaws.com/111111111111/a"
	bURL = "https://sqs.eu-west-1.amazonaws.com/111111111111/b"
	cURL = "https://sqs.eu-west-1.amazonaws.com/222222222222/a" // the name of a, another account
	aARN = "arn:aws:sqs:eu-west-1:111111111111:a"
	bARN = "arn:aws:sqs:eu-west-1:111111111111:b"
	cARN = "arn:aws:sqs:eu-west-1:222222222222:a"
)

func newSettler(t *testing.T, k kind, h aws.HTTPClient) *sqstransport.Settler {
	t.Helper()
	s, err := sqstransport.NewSettler(k.client(config(h, endpoint)),
		sqstransport.Queue{URL: aURL, DeadLetterURL: aURL + "-dead"},
		sqstransport.Queue{URL: bURL},
		sqstransport.Queue{URL: cURL, DeadLetterURL: cURL + "-dead"},
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func from(sources ...string) (ds []transport.Delivery) {
	for i, s := range sources {
		ds = append(ds, transport.Delivery{Source: s, MessageID: fmt.Sprint("m", i), Receipt: fmt.Sprint("r", i), Body: fmt.Appendf(nil, "body %d", i)})
	}
	return ds
}

func TestSettlerFindsTheQueueOfEachSource(t *testing.T) {
	each(t, testSettlerFindsTheQueueOfEachSource)
}

func testSettlerFindsTheQueueOfEachSource(t *testing.T, k kind) {
	api := &settlerAPI{}
	s := newSettler(t, k, api)
	sources := []string{cARN, aARN, bARN, "arn:aws:sqs:eu-west-1:111111111111:other", "nonsense", "", aARN}
	errs := s.Retry(t.Context(), from(sources...), make([]time.Duration, len(sources)))
	for i, err := range errs {
		if wantErr := i >= 3 && i <= 5; (err != nil) != wantErr || err != nil && !strings.Contains(err.Error(), fmt.Sprintf("source %q", sources[i])) {
			t.Errorf("Retry of source %q: %v", sources[i], err)
		}
	}
	got := map[string][]string{}
	for _, in := range api.visibility {
		for _, e := range in.Entries {
			got[*in.QueueUrl] = append(got[*in.QueueUrl], *e.ReceiptHandle)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(map[string][]string{aURL: {"r1", "r6"}, bURL: {"r2"}, cURL: {"r0"}}) {
		t.Errorf("changed %v", got)
	}

	errs = s.DeadLetter(t.Context(), from(sources...), make([]transport.Reason, len(sources)))
	for i, err := range errs {
		if wantErr := i >= 2 && i <= 4; (err != nil) != wantErr {
			t.Errorf("DeadLetter of source %q: %v", sources[i], err)
		}
	}
	if err := errs[2]; err == nil || !strings.Contains(err.Error(), `queue "`+bURL+`": has no dead-letter queue`) {
		t.Errorf("no dead-letter queue: %v", err)
	}
	sent := map[string][]string{}
	for _, in := range api.sends {
		for _, e := range in.Entries {
			sent[*in.QueueUrl] = append(sent[*in.QueueUrl], *e.MessageBody)
		}
	}
	if fmt.Sprint(sent) != fmt.Sprint(map[string][]string{aURL + "-dead": {"body 1", "body 5", "body 6"}, cURL + "-dead": {"body 0"}}) {
		t.Errorf("sent %v", sent)
	}
}

func TestC8_WaitsAreRoundedUpAndHeldInBounds(t *testing.T) {
	each(t, testC8_WaitsAreRoundedUpAndHeldInBounds)
}

func testC8_WaitsAreRoundedUpAndHeldInBounds(t *testing.T, k kind) {
	api := &settlerAPI{}
	waits := []time.Duration{0, -time.Hour, 1, time.Second, 1001 * time.Millisecond, transport.MaxHold, 100 * time.Hour}
	want := []int32{0, 0, 1, 1, 2, 39600, 39600}
	sources := slices.Repeat([]string{aARN}, len(waits))
	if errs := newSettler(t, k, api).Retry(t.Context(), from(sources...), waits); errs != nil {
		t.Fatal(errs)
	}
	for i, e := range api.visibility[0].Entries {
		if e.VisibilityTimeout != want[i] {
			t.Errorf("a wait of %v became %d s, want %d", waits[i], e.VisibilityTimeout, want[i])
		}
	}
}

func TestSettlerWithTooFewWaitsOrReasons(t *testing.T) { each(t, testSettlerWithTooFewWaitsOrReasons) }

func testSettlerWithTooFewWaitsOrReasons(t *testing.T, k kind) {
	s := newSettler(t, k, &settlerAPI{})
	for name, errs := range map[string][]error{
		"Retry":      s.Retry(t.Context(), from(aARN, aARN), make([]time.Duration, 1)),
		"DeadLetter": s.DeadLetter(t.Context(), from(aARN, aARN), make([]transport.Reason, 1)),
	} {
		if len(errs) != 2 || errs[0] != nil || errs[1] == nil {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

// TestB7_SettlementIsJudgedEntryByEntry gives answers that name some entries only, twice, or as failed.
func TestB7_SettlementIsJudgedEntryByEntry(t *testing.T) {
	each(t, testB7_SettlementIsJudgedEntryByEntry)
}

func testB7_SettlementIsJudgedEntryByEntry(t *testing.T, k kind) {
	id := aws.String
	api := &settlerAPI{
		change: func(*awssqs.ChangeMessageVisibilityBatchInput) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
			return &awssqs.ChangeMessageVisibilityBatchOutput{
				Successful: []types.ChangeMessageVisibilityBatchResultEntry{{Id: id("0")}, {}, {Id: id("9")}, {Id: id("3")}},
				Failed:     []types.BatchResultErrorEntry{{Id: id("1"), Code: id("MessageNotInflight"), SenderFault: true}, {}, {Id: id("3")}},
			}, nil
		},
		send: func(in *awssqs.SendMessageBatchInput) (*awssqs.SendMessageBatchOutput, error) {
			out := stored(in)
			out.Successful = out.Successful[:1]
			out.Failed = []types.BatchResultErrorEntry{{Id: id("1"), Code: id("KmsThrottled")}}
			return out, nil
		},
	}
	s := newSettler(t, k, api)
	ds := from(aARN, aARN, aARN, aARN)
	for name, errs := range map[string][]error{
		"Retry":      s.Retry(t.Context(), ds, make([]time.Duration, 4)),
		"DeadLetter": s.DeadLetter(t.Context(), ds, make([]transport.Reason, 4)),
	} {
		if len(errs) != 4 || errs[0] != nil || errs[1] == nil || !errors.Is(errs[2], transport.ErrNoResult) || errs[3] == nil {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestSettlementThatFailsAsAWhole(t *testing.T) { each(t, testSettlementThatFailsAsAWhole) }

func testSettlementThatFailsAsAWhole(t *testing.T, k kind) {
	for name, api := range map[string]*settlerAPI{
		"an error": {
			change: func(*awssqs.ChangeMessageVisibilityBatchInput) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
				return nil, &types.QueueDoesNotExist{}
			},
			send: func(*awssqs.SendMessageBatchInput) (*awssqs.SendMessageBatchOutput, error) {
				return nil, &types.QueueDoesNotExist{}
			},
		},
		"no answer": {
			change: func(*awssqs.ChangeMessageVisibilityBatchInput) (*awssqs.ChangeMessageVisibilityBatchOutput, error) {
				return nil, nil
			},
			send: func(*awssqs.SendMessageBatchInput) (*awssqs.SendMessageBatchOutput, error) { return nil, nil },
		},
	} {
		s := newSettler(t, k, api)
		for _, errs := range [][]error{
			s.Retry(t.Context(), from(aARN, aARN), make([]time.Duration, 2)),
			s.DeadLetter(t.Context(), from(aARN, aARN), make([]transport.Reason, 2)),
		} {
			if len(errs) != 2 || errs[0] == nil || errs[1] == nil || !strings.HasPrefix(errs[0].Error(), `queue "`+aURL) {
				t.Errorf("%s: %v", name, errs)
			}
		}
	}
}

// TestDeadLettersKeepTheLimits has bodies that leave the reason less room than it wants, and one that leaves none.
func TestDeadLettersKeepTheLimits(t *testing.T) { each(t, testDeadLettersKeepTheLimits) }

func testDeadLettersKeepTheLimits(t *testing.T, k kind) {
	api := &settlerAPI{}
	ds := from(slices.Repeat([]string{aARN}, 14)...)
	const largest = 1 << 20
	for i, n := range []int{largest - transport.MaxReasonBytes, largest - 1000, largest, largest - 100, largest - 8} {
		ds[i].Body = []byte(strings.Repeat(string(rune('a'+i)), n))
	}
	why := slices.Repeat([]transport.Reason{{Code: "exhausted", Message: "m", Stack: strings.Repeat("s", 20<<10), Attempt: 3}}, len(ds))
	if errs := newSettler(t, k, api).DeadLetter(t.Context(), ds, why); errs != nil {
		t.Fatal(errs)
	}
	seen := map[string]int{}
	for i, in := range api.sends {
		total := 0
		for _, e := range in.Entries {
			total += len(*e.MessageBody)
			seen[*e.MessageBody] = len(e.MessageAttributes)
			for name, v := range e.MessageAttributes {
				total += len(name) + len(*v.DataType) + len(*v.StringValue)
				if *v.DataType != "String" || *v.StringValue == "" {
					t.Errorf("attribute %s is %q of type %q", name, *v.StringValue, *v.DataType)
				}
			}
		}
		if total > largest || len(in.Entries) > 10 {
			t.Errorf("request %d has %d entries and %d bytes", i, len(in.Entries), total)
		}
	}
	for i, want := range []int{4, 3, 0, 3, 0, 4} {
		if got, stored := seen[string(ds[i].Body)]; !stored || got != want {
			t.Errorf("dead letter %d: stored %t, with %d attributes, want %d", i, stored, got, want)
		}
	}
}

func TestDeadLetterThatNoQueueTakesIsAnErrorForItAlone(t *testing.T) {
	each(t, testDeadLetterThatNoQueueTakesIsAnErrorForItAlone)
}

func testDeadLetterThatNoQueueTakesIsAnErrorForItAlone(t *testing.T, k kind) {
	api := &settlerAPI{}
	api.send = func(in *awssqs.SendMessageBatchInput) (*awssqs.SendMessageBatchOutput, error) {
		if slices.ContainsFunc(in.Entries, func(e types.SendMessageBatchRequestEntry) bool { return *e.MessageBody == "refused" }) {
			return nil, &types.InvalidMessageContents{}
		}
		return stored(in), nil
	}
	ds := from(aARN, aARN, aARN, aARN, aARN)
	ds[0].Body, ds[1].Body, ds[2].Body = nil, []byte("raw \uffff"), []byte("refused")
	errs := newSettler(t, k, api).DeadLetter(t.Context(), ds, make([]transport.Reason, len(ds)))
	for i, err := range errs {
		if (err != nil) != (i < 3) {
			t.Errorf("dead letter %d: %v", i, err)
		}
	}
}

func TestB10_SettlerRefusesPlaintext(t *testing.T) {
	const safe, far = "https://sqs.us-east-1.amazonaws.com/000000000000/work", "http://sqs.example.com/000000000000/work"
	for name, x := range map[string]struct {
		endpoint string
		queue    sqstransport.Queue
		refused  bool
	}{
		"https":             {"", sqstransport.Queue{URL: safe, DeadLetterURL: safe + "-dead"}, false},
		"http":              {"", sqstransport.Queue{URL: far}, true},
		"http for the dead": {"", sqstransport.Queue{URL: safe, DeadLetterURL: far + "-dead"}, true},
		"http, allowed":     {"", sqstransport.Queue{URL: far, DeadLetterURL: far + "-dead", AllowPlaintext: true}, false},
		"endpoint":          {"http://sqs.example.com", sqstransport.Queue{URL: safe}, true},
		"endpoint, allowed": {"http://sqs.example.com", sqstransport.Queue{URL: safe, AllowPlaintext: true}, false},
		"endpoint here":     {"http://127.0.0.1:9", sqstransport.Queue{URL: far}, false},
	} {
		_, err := sqstransport.NewSettler(lean.client(config(nil, x.endpoint)), x.queue)
		if refused := err != nil && strings.Contains(err.Error(), "unencrypted"); refused != x.refused || err != nil && !refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewSettlerReturnsEveryProblem(t *testing.T) {
	_, err := sqstransport.NewSettler(nil,
		sqstransport.Queue{URL: "work"},
		sqstransport.Queue{URL: aURL, DeadLetterURL: "dead"},
		sqstransport.Queue{URL: bURL, DeadLetterURL: bURL},
		sqstransport.Queue{URL: strings.Replace(aURL, "eu-west-1", "eu-north-1", 1)},
	)
	for _, want := range []string{"settler: the client is nil", `queue URL "work"`, `dead-letter queue URL "dead"`, "is its own dead-letter queue", "two queues of this account and name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v: want %q in it", err, want)
		}
	}
	if _, err := sqstransport.NewSettler(lean.client(config(nil, endpoint))); err == nil {
		t.Error("a settler of no queue")
	}
}

// TestSettlerMakesOneAttempt runs against an SDK client with retries of its own.
func TestSettlerMakesOneAttempt(t *testing.T) { each(t, testSettlerMakesOneAttempt) }

func testSettlerMakesOneAttempt(t *testing.T, k kind) {
	requests := 0
	do := doFunc(func(*http.Request) (*http.Response, error) { requests++; return answer(503, `{}`), nil })
	s, err := sqstransport.NewSettler(k.client(config(do, endpoint)), sqstransport.Queue{URL: aURL, DeadLetterURL: bURL})
	if err != nil {
		t.Fatal(err)
	}
	s.Retry(t.Context(), from(aARN), make([]time.Duration, 1))
	s.DeadLetter(t.Context(), from(aARN), make([]transport.Reason, 1))
	if requests != 2 {
		t.Errorf("%d requests, want 2", requests)
	}
}

var (
	halfMinute = []time.Duration{30 * time.Second}
	someReason = []transport.Reason{{Code: "exhausted", Message: "why\n\u2028", Attempt: 3, TaskID: "1"}}
)
