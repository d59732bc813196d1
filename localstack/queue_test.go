package localstack_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/transporttest"
)

// queue is a queue of a target, seen through the SDK.
type queue struct {
	tb  testing.TB
	api *sqs.Client
	url string
	arn string
}

// newQueue makes a queue that goes when the test ends.
func newQueue(tb testing.TB, api *sqs.Client, attributes map[string]string) *queue {
	tb.Helper()
	q := &queue{tb: tb, api: api}
	out, err := api.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: aws.String("suite-" + rand.Text()), Attributes: attributes})
	if err != nil {
		tb.Fatal(err)
	}
	q.url = *out.QueueUrl
	q.arn = q.attributes()["QueueArn"]
	tb.Cleanup(q.delete)
	return q
}

func (q *queue) ctx() context.Context { return context.WithoutCancel(q.tb.Context()) }

func (q *queue) delete() {
	if q.url == "" {
		return
	}
	if _, err := q.api.DeleteQueue(q.ctx(), &sqs.DeleteQueueInput{QueueUrl: &q.url}); err != nil {
		q.tb.Error(err)
	}
	q.url = ""
}

func (q *queue) attributes() map[string]string {
	q.tb.Helper()
	out, err := q.api.GetQueueAttributes(q.ctx(), &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		q.tb.Fatal(err)
	}
	return out.Attributes
}

// left counts the messages in every state.
func (q *queue) left() (n int) {
	q.tb.Helper()
	attributes := q.attributes()
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"} {
		count, _ := strconv.Atoi(attributes[name])
		n += count
	}
	return n
}

func (q *queue) send(body string, attributes map[string]string) string {
	q.tb.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{}}
	for name, value := range attributes {
		in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	out, err := q.api.SendMessage(q.ctx(), in)
	if err != nil {
		q.tb.Fatal(err)
	}
	return *out.MessageId
}

func (q *queue) receive(wait time.Duration) []types.Message {
	q.tb.Helper()
	out, err := q.api.ReceiveMessage(q.ctx(), &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: int32(min(wait, 20*time.Second) / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		q.tb.Fatal(err)
	}
	return out.Messages
}

func (q *queue) remove(m types.Message) {
	q.tb.Helper()
	if _, err := q.api.DeleteMessage(q.ctx(), &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
		q.tb.Fatal(err)
	}
}

// drain receives and deletes everything, also what is still delayed.
func (q *queue) drain() (all []types.Message) {
	q.tb.Helper()
	for q.left() > 0 {
		for _, m := range q.receive(20 * time.Second) {
			all = append(all, m)
			q.remove(m)
		}
	}
	return all
}

// deliver sends the bodies and receives them, in order.
func (q *queue) deliver(bodies ...[]byte) []transport.Delivery {
	for _, b := range bodies {
		q.send(string(b), nil)
	}
	got := make([]transport.Delivery, len(bodies))
	for n := 0; n < len(bodies); {
		for _, d := range q.deliveries(q.receive(20 * time.Second)) {
			i := slices.IndexFunc(bodies, func(b []byte) bool { return bytes.Equal(b, d.Body) })
			if i < 0 {
				q.tb.Fatalf("received %.100q, which was not sent", d.Body)
			}
			got[i] = d
			n++
		}
	}
	return got
}

func (q *queue) deliveries(messages []types.Message) (ds []transport.Delivery) {
	for _, m := range messages {
		receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
		ds = append(ds, transport.Delivery{
			Source: q.arn, MessageID: *m.MessageId, Receipt: *m.ReceiptHandle, Body: []byte(*m.Body), Receives: receives,
		})
	}
	return ds
}

// letters takes the dead letters that are there.
func (q *queue) letters() (all []transporttest.DeadLetter) {
	if q.url == "" {
		return nil
	}
	for _, m := range q.drain() {
		all = append(all, transporttest.DeadLetter{Body: []byte(*m.Body), Attributes: texts(m)})
	}
	return all
}

// texts are the message attributes of a message that hold text.
func texts(m types.Message) map[string]string {
	all := map[string]string{}
	for name, value := range maps.All(m.MessageAttributes) {
		all[name] = aws.ToString(value.StringValue)
	}
	return all
}

// millis is a system attribute that is a time.
func millis(m types.Message, name types.MessageSystemAttributeName) int64 {
	n, _ := strconv.ParseInt(m.Attributes[string(name)], 10, 64)
	return n
}

func sqsOf(x target) *sqs.Client { return sqs.NewFromConfig(x.aws) }
