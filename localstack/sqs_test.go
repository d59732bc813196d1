package localstack_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/sqstransport/awssdk"
	"github.com/offloadhq/offload/transport/transporttest"
)

func answer(status int, header, value, body string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	r.Header.Set(header, value)
	return r
}

// throttledSQS is how SQS refuses for a time (AWS JSON 1.0).
func throttledSQS() *http.Response {
	return answer(400, "Content-Type", "application/x-amz-json-1.0", `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}`)
}

// The senders of sqstransport, over its own client and over the SDK's, pass the suite on each target.
func TestSQSSender(t *testing.T) {
	onEach(t, func(t *testing.T, x target) { onEachClient(t, x, testSQSSender) })
}

func testSQSSender(t *testing.T, x target, client func(aws.Config) *sqstransport.Client) {
	transporttest.Senders(t, transporttest.SenderHarness{Make: func(tb testing.TB) transporttest.Destination {
		network := newFaults(throttledSQS)
		q := newQueue(tb, sqsOf(x), nil)
		cfg := x.aws.Copy()
		cfg.HTTPClient = network
		sender, err := sqstransport.New(client(cfg), q.url, nil)
		if err != nil {
			tb.Fatal(err)
		}
		return transporttest.Destination{
			Sender:     sender,
			TooBig:     1<<20 + 1,
			Resolution: 2 * time.Second, // whole seconds, and what this machine takes
			MaxWait:    3 * time.Second,
			LoseAnswer: network.loseAnswer,
			Refuse:     network.refuseNext,
			Hold:       network.hold,
			Arrived:    q.arrivals,
		}
	}})
}

// arrivals takes what was stored, also what is still delayed.
func (q *queue) arrivals() (all []transporttest.Arrival) {
	for _, m := range q.drain() {
		held := millis(m, types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp) - millis(m, types.MessageSystemAttributeNameSentTimestamp)
		all = append(all, transporttest.Arrival{Body: []byte(*m.Body), Delay: time.Duration(held) * time.Millisecond})
	}
	return all
}

// The settlers of sqstransport pass the suite on each target.
func TestSQSSettler(t *testing.T) {
	onEach(t, func(t *testing.T, x target) { onEachClient(t, x, testSQSSettler) })
}

func testSQSSettler(t *testing.T, x target, client func(aws.Config) *sqstransport.Client) {
	transporttest.Settlers(t, transporttest.SettlerHarness{Make: func(tb testing.TB) transporttest.Source {
		api := sqsOf(x)
		work := newQueue(tb, api, map[string]string{"VisibilityTimeout": "43200"})
		dead := newQueue(tb, api, nil)
		s, err := sqstransport.NewSettler(client(x.aws), sqstransport.Queue{URL: work.url, DeadLetterURL: dead.url})
		if err != nil {
			tb.Fatal(err)
		}
		return transporttest.Source{
			Settler:          s,
			Deliver:          work.deliver,
			Receive:          func(wait time.Duration) []transport.Delivery { return work.deliveries(work.receive(wait)) },
			DeadLetters:      dead.letters,
			Resolution:       time.Second,
			BreakDeadLetters: dead.delete,
		}
	}})
}

// onEachClient runs a test over the client of sqstransport itself, and over that of the SDK.
func onEachClient(t *testing.T, x target, test func(t *testing.T, x target, client func(aws.Config) *sqstransport.Client)) {
	t.Run("lean", func(t *testing.T) { test(t, x, sqstransport.NewClient) })
	t.Run("SDK", func(t *testing.T) {
		test(t, x, func(cfg aws.Config) *sqstransport.Client { return awssdk.NewClient(cfg) })
	})
}
