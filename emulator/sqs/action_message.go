package sqs

import (
	"context"
	"encoding/base64"
	"strings"
	"time"
)

// The limits of the HTTP face alone.
const (
	maxReceive     = 10
	maxWaitSeconds = 20
)

// wireAttribute is an attribute of a message in a request. Lists are in AWS's
// model, but were never taken by the service.
type wireAttribute struct {
	DataType         string
	StringValue      string
	BinaryValue      []byte
	StringListValues []string
	BinaryListValues [][]byte
}

// wireMessage is a message in a request to send.
type wireMessage struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]wireAttribute
	MessageSystemAttributes map[string]wireAttribute
	MessageGroupId          string
	MessageDeduplicationId  string
}

// outgoing turns m into a message of the right shape.
func (m *wireMessage) outgoing() (Outgoing, error) {
	o := Outgoing{Body: m.MessageBody, GroupID: m.MessageGroupId}
	if m.DelaySeconds != nil {
		d := secondsWithin(*m.DelaySeconds)
		o.Delay = &d
	}
	if m.MessageDeduplicationId != "" {
		return o, newError(codeInvalidParameterValue,
			"Value %s for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.", m.MessageDeduplicationId)
	}
	if len(m.MessageAttributes) > 0 {
		o.Attributes = make(map[string]MessageAttribute, len(m.MessageAttributes))
	}
	for name, a := range m.MessageAttributes {
		if a.StringListValues != nil || a.BinaryListValues != nil {
			return o, newError(codeUnsupportedOperation, "Message attribute list values in SendMessage operation are not supported: attribute '%s'.", name)
		}
		o.Attributes[name] = MessageAttribute{a.DataType, a.StringValue, a.BinaryValue}
	}
	for name, a := range m.MessageSystemAttributes {
		if name != traceAttribute {
			return o, newError(codeInvalidParameterValue, "Message system attribute name '%s' is invalid. You can only use %s.", name, traceAttribute)
		}
		if a.DataType != "String" || a.StringValue == "" || !legal(a.StringValue) {
			return o, newError(codeInvalidParameterValue, "The message system attribute '%s' must be a non-empty String of valid characters.", name)
		}
		o.TraceHeader = a.StringValue
	}
	return o, o.checkShape()
}

// secondsWithin turns a number of seconds into a duration and keeps a huge one
// from wrapping around to a valid one.
func secondsWithin(n int) time.Duration {
	const limit = 1 << 31
	return time.Duration(min(max(n, -limit), limit)) * time.Second
}

func (s *Service) sendMessage(c *call) error {
	in, err := decode[struct {
		QueueUrl string
		wireMessage
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	o, err := in.outgoing()
	if err != nil {
		return err
	}
	p, err := o.pack()
	if err != nil {
		return err
	}
	var id string
	if err := s.on(c.ctx, in.QueueUrl, func(o *owner, q *queue, now time.Time) (err error) {
		id, err = o.registry.send(now, q, p.traced(c.trace))
		return err
	}); err != nil {
		return err
	}
	c.out = append(c.out, '{')
	c.out = appendSent(c.out, id, &p)
	c.out = append(c.out, '}')
	return nil
}

// appendSent appends what a sender learns of a stored message.
func appendSent(out []byte, id string, p *parcel) []byte {
	out = appendField(out, "MessageId", id)
	out = appendField(out, "MD5OfMessageBody", p.bodyMD5)
	out = appendField(out, "MD5OfMessageAttributes", attributesMD5(p.attributes))
	return appendField(out, "MD5OfMessageSystemAttributes", systemAttributesMD5(p.trace))
}

// receiveRequest is the request of ReceiveMessage.
type receiveRequest struct {
	QueueUrl                    string
	AttributeNames              []string // the older name of the next
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

func (r *receiveRequest) input() (*ReceiveInput, error) {
	in := &ReceiveInput{Max: 1, Wait: -1}
	if n := r.MaxNumberOfMessages; n != nil {
		if *n < 1 || *n > maxReceive {
			return nil, newError(codeInvalidParameterValue, "Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", *n)
		}
		in.Max = *n
	}
	if n := r.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > maxWaitSeconds {
			return nil, newError(codeInvalidParameterValue, "Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.", *n)
		}
		in.Wait = secondsWithin(*n)
	}
	if n := r.VisibilityTimeout; n != nil {
		d, err := visibilityTimeout(*n)
		if err != nil {
			return nil, err
		}
		in.Visibility = &d
	}
	for _, names := range [][]string{r.MessageSystemAttributeNames, r.AttributeNames} {
		for _, name := range names {
			if !messageSystemAttributes[name] && !queueAttributes[name] {
				return nil, newError(codeInvalidAttributeName, "Unknown Attribute %s.", name)
			}
		}
	}
	return in, nil
}

func visibilityTimeout(n int) (time.Duration, error) {
	d := secondsWithin(n)
	if d < 0 || d > maxVisibility {
		return 0, newError(codeInvalidParameterValue, "Value %d for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.", n)
	}
	return d, nil
}

// messageSystemAttributes are the names that ReceiveMessage knows.
var messageSystemAttributes = set(append([]string{"All", "SequenceNumber", "MessageDeduplicationId"}, systemAttributes...)...)

func (s *Service) receiveMessage(c *call) error {
	in, err := decode[receiveRequest](c.body.Bytes())
	if err != nil {
		return err
	}
	want, err := in.input()
	if err != nil {
		return err
	}
	name, err := s.queueName(in.QueueUrl)
	if err != nil {
		return err
	}
	got, err := s.receive(c.ctx, func(r *registry) (*queue, error) { return r.named(name) }, want)
	if err != nil || len(got) == 0 {
		return err
	}
	system := set(append(in.MessageSystemAttributeNames, in.AttributeNames...)...)
	c.out = append(c.out, `{"Messages":[`...)
	for i := range got {
		c.out = appendComma(c.out)
		c.out = appendMessage(c.out, &got[i], system, in.MessageAttributeNames)
	}
	c.out = append(c.out, "]}"...)
	return nil
}

func appendMessage(out []byte, m *Message, system map[string]bool, names []string) []byte {
	out = append(out, '{')
	out = appendField(out, "MessageId", m.ID)
	out = appendField(out, "ReceiptHandle", m.ReceiptHandle)
	out = appendField(out, "MD5OfBody", m.BodyMD5)
	out = appendField(out, "Body", m.Body)
	if len(system) > 0 {
		mark := len(out)
		out = append(appendName(out, "Attributes"), '{')
		empty := len(out)
		for _, name := range systemAttributes {
			if system["All"] || system[name] {
				out = appendField(out, name, m.systemAttribute(name))
			}
		}
		if len(out) == empty {
			out = out[:mark]
		} else {
			out = append(out, '}')
		}
	}
	if chosen := chooseAttributes(m.Attributes, names); len(chosen) > 0 {
		out = appendField(out, "MD5OfMessageAttributes", attributesMD5(chosen))
		out = append(appendName(out, "MessageAttributes"), '{')
		for _, name := range sortedKeys(chosen) {
			out = appendAttribute(appendName(out, name), chosen[name])
		}
		out = append(out, '}')
	}
	return append(out, '}')
}

func appendAttribute(out []byte, a MessageAttribute) []byte {
	out = append(out, '{')
	out = appendField(out, "DataType", a.DataType)
	if a.binary() {
		out = append(appendName(out, "BinaryValue"), '"')
		out = base64.StdEncoding.AppendEncode(out, a.BinaryValue)
		return append(out, '"', '}')
	}
	out = appendField(out, "StringValue", a.StringValue)
	return append(out, '}')
}

// chooseAttributes returns the attributes that a receiver asked for: by name,
// by prefix ("order.*"), or all of them ("All" or ".*").
func chooseAttributes(attributes map[string]MessageAttribute, names []string) map[string]MessageAttribute {
	if len(attributes) == 0 || len(names) == 0 {
		return nil
	}
	chosen := make(map[string]MessageAttribute, len(attributes))
	for name, a := range attributes {
		for _, want := range names {
			prefix, isPrefix := strings.CutSuffix(want, ".*")
			if want == "All" || want == name || isPrefix && strings.HasPrefix(name, prefix) {
				chosen[name] = a
				break
			}
		}
	}
	return chosen
}

func (s *Service) deleteMessage(c *call) error {
	in, err := decode[struct{ QueueUrl, ReceiptHandle string }](c.body.Bytes())
	if err != nil {
		return err
	}
	return s.onReceipt(c.ctx, in.QueueUrl, in.ReceiptHandle, func(q *queue, r receipt, now time.Time) error {
		q.remove(now, r)
		return nil
	})
}

func (s *Service) changeMessageVisibility(c *call) error {
	in, err := decode[struct {
		QueueUrl, ReceiptHandle string
		VisibilityTimeout       *int
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	if in.VisibilityTimeout == nil {
		return missing("VisibilityTimeout")
	}
	d, err := visibilityTimeout(*in.VisibilityTimeout)
	if err != nil {
		return err
	}
	return s.onReceipt(c.ctx, in.QueueUrl, in.ReceiptHandle, func(q *queue, r receipt, now time.Time) error {
		return q.changeVisibility(now, r, d)
	})
}

func (s *Service) onReceipt(ctx context.Context, queueURL, handle string, f func(*queue, receipt, time.Time) error) error {
	if handle == "" {
		return missing("ReceiptHandle")
	}
	return s.on(ctx, queueURL, func(_ *owner, q *queue, now time.Time) error {
		r, err := q.receipt(handle)
		if err != nil {
			return err
		}
		return f(q, r, now)
	})
}
