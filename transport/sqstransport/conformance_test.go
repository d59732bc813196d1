package sqstransport_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/dirstore"
	"github.com/offloadhq/offload/transport/claimcheck/storetest"
	"github.com/offloadhq/offload/transport/sqstransport"
	"github.com/offloadhq/offload/transport/transporttest"
)

// queue is a queue of the emulator, seen through the SDK.
type queue struct {
	tb  testing.TB
	api *awssqs.Client
	url string
}

func (q queue) receive(wait time.Duration) []types.Message {
	out, err := q.api.ReceiveMessage(context.WithoutCancel(q.tb.Context()), &awssqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: int32(wait / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		q.tb.Fatal(err)
	}
	return out.Messages
}

// drain receives and deletes everything, also what is still delayed.
func (q queue) drain() (all []types.Message) {
	for q.left() > 0 {
		for _, m := range q.receive(20 * time.Second) {
			all = append(all, m)
			_, err := q.api.DeleteMessage(context.WithoutCancel(q.tb.Context()), &awssqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle})
			if err != nil {
				q.tb.Fatal(err)
			}
		}
	}
	return all
}

func (q queue) left() (n int) {
	out, err := q.api.GetQueueAttributes(context.WithoutCancel(q.tb.Context()), &awssqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		q.tb.Fatal(err)
	}
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"} {
		count, _ := strconv.Atoi(out.Attributes[name])
		n += count
	}
	return n
}

func TestSender(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		testSender(t, k, func(_ testing.TB, d transporttest.Destination) transporttest.Destination { return d })
	})
}

// The same with a claim check in front: half of what the suite sends leaves its data in a directory.
func TestSenderBehindAClaimCheck(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		testSender(t, k, func(tb testing.TB, d transporttest.Destination) transporttest.Destination {
			store, err := dirstore.Open(tb.TempDir(), &dirstore.Options{NoSync: true})
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() { _ = store.Close() })
			return storetest.InFront(tb, d, store, claimcheck.Options{Threshold: 16 << 10, MaxBytes: 2 << 20})
		})
	})
}

func testSender(t *testing.T, k kind, front func(testing.TB, transporttest.Destination) transporttest.Destination) {
	transporttest.Senders(t, transporttest.SenderHarness{Run: synctest.Test, Make: func(tb testing.TB) transporttest.Destination {
		n := &network{handler: checked(emulator(tb))}
		api := sdk(n, endpoint)
		q := queue{tb, api, createQueue(tb, api, "work", nil)}
		return front(tb, transporttest.Destination{
			Sender:     newSender(tb, k.client(config(n, endpoint)), q.url, nil),
			TooBig:     1<<20 + 1,
			Resolution: time.Second,
			Arrived: func() (all []transporttest.Arrival) {
				for _, m := range q.drain() {
					ms := func(name types.MessageSystemAttributeName) int64 {
						n, _ := strconv.ParseInt(m.Attributes[string(name)], 10, 64)
						return n
					}
					// Millisecond resolution on both ends; the queue delivers in whole seconds.
					held := ms(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp) - ms(types.MessageSystemAttributeNameSentTimestamp)
					all = append(all, transporttest.Arrival{Body: []byte(*m.Body), Delay: time.Duration(held) * time.Millisecond})
				}
				return all
			},
			LoseAnswer: func() { n.set(func() { n.lose = true }) },
			Refuse:     func() { n.set(func() { n.refuse = true }) },
			Hold: func() func() {
				held := make(chan struct{})
				n.set(func() { n.held = held })
				return func() { close(held) }
			},
		})
	}})
}

func TestSettler(t *testing.T) { each(t, testSettler) }

func testSettler(t *testing.T, k kind) {
	transporttest.Settlers(t, transporttest.SettlerHarness{Run: synctest.Test, Make: func(tb testing.TB) transporttest.Source {
		n := &network{handler: checked(emulator(tb))}
		api := sdk(n, endpoint)
		work := queue{tb, api, createQueue(tb, api, "work", map[string]string{"VisibilityTimeout": "43200"})}
		dead := queue{tb, api, createQueue(tb, api, "dead", nil)}
		s, err := sqstransport.NewSettler(k.client(config(n, endpoint)), sqstransport.Queue{URL: work.url, DeadLetterURL: dead.url})
		if err != nil {
			tb.Fatal(err)
		}
		return transporttest.Source{
			Settler: s,
			Deliver: work.deliver,
			Receive: func(wait time.Duration) []transport.Delivery {
				return deliveries(work.receive(min(wait, 20*time.Second)))
			},
			DeadLetters: func() []transporttest.DeadLetter { return dead.letters() },
			Resolution:  time.Second,
			BreakDeadLetters: func() {
				_, err := api.DeleteQueue(tb.Context(), &awssqs.DeleteQueueInput{QueueUrl: &dead.url})
				if err != nil {
					tb.Fatal(err)
				}
				dead.url = ""
			},
		}
	}})
}

func (q queue) deliver(bodies ...[]byte) []transport.Delivery {
	for _, b := range bodies {
		if _, err := q.api.SendMessage(q.tb.Context(), &awssqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(b))}); err != nil {
			q.tb.Fatal(err)
		}
	}
	got := make([]transport.Delivery, len(bodies))
	for n := 0; n < len(bodies); {
		for _, d := range deliveries(q.receive(20 * time.Second)) {
			got[slices.IndexFunc(bodies, func(b []byte) bool { return bytes.Equal(b, d.Body) })] = d
			n++
		}
	}
	return got
}

// checked lets only signed requests through to h.
func checked(h http.Handler) http.Handler {
	keys, _ := config(nil, endpoint).Credentials.Retrieve(context.Background())
	return &verifier{handler: h, region: region, keys: keys}
}

const account, region = "000000000000", "us-east-1"

func deliveries(messages []types.Message) (ds []transport.Delivery) {
	for _, m := range messages {
		receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
		ds = append(ds, transport.Delivery{
			Source: "arn:aws:sqs:" + region + ":" + account + ":work", MessageID: *m.MessageId, Receipt: *m.ReceiptHandle,
			Body: []byte(*m.Body), Receives: receives,
		})
	}
	return ds
}

func (q *queue) letters() (all []transporttest.DeadLetter) {
	if q.url == "" {
		return nil
	}
	for _, m := range q.drain() {
		attributes := map[string]string{}
		for name, value := range maps.All(m.MessageAttributes) {
			attributes[name] = *value.StringValue
		}
		all = append(all, transporttest.DeadLetter{Body: []byte(*m.Body), Attributes: attributes})
	}
	return all
}
