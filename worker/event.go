package worker

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/offloadhq/offload/transport"
)

// event is what Lambda hands to a function: a batch from a queue, or one task.
type event struct {
	direct     bool
	deliveries []transport.Delivery
}

// readEvent tells the two kinds apart by their top-level keys, and reads a batch. encoding/json takes several times as
// long for the same bytes, because it reads them twice and goes by reflection.
func readEvent(payload []byte) (event, error) {
	var e event
	batch := false
	c := cursor{b: payload}
	err := c.object(func(key []byte) error {
		switch string(key) {
		case "specversion":
			e.direct = true
		case "Records":
			if batch {
				return errors.New(`"Records" stands there twice`)
			}
			batch = true
			return c.array(func() error {
				d, err := c.record()
				if err != nil {
					return fmt.Errorf("record %d: %w", len(e.deliveries), err)
				}
				e.deliveries = append(e.deliveries, d)
				return nil
			})
		}
		return c.skip()
	})
	if err == nil && !c.end() {
		err = errors.New("something follows its end")
	}
	if err == nil && e.direct == batch {
		err = errors.New(`it has neither or both of the keys "Records" (an event of Amazon SQS) and "specversion" (a task)`)
	}
	if err != nil {
		return event{}, fmt.Errorf("invocation payload of %d bytes: is no event that this worker knows: %w", len(payload), err)
	}
	return e, nil
}

// record reads one message of an SQS event (Lambda developer guide, "Using Lambda with Amazon SQS": example event).
func (c *cursor) record() (transport.Delivery, error) {
	d := transport.Delivery{Receives: 1}
	source := ""
	body := false
	err := c.object(func(key []byte) (err error) {
		switch string(key) {
		case "messageId":
			d.MessageID, err = c.string()
		case "receiptHandle":
			d.Receipt, err = c.string()
		case "body":
			body = true
			d.Body, err = c.text()
		case "eventSourceARN":
			d.Source, err = c.string()
		case "eventSource":
			source, err = c.string()
		case "attributes":
			d.Attributes, err = c.attributes()
		default:
			err = c.skip()
		}
		return err
	})
	switch {
	case err != nil:
		return d, err
	case source != "aws:sqs":
		return d, fmt.Errorf(`eventSource is %q: this worker reads "aws:sqs" only`, source)
	case d.MessageID == "" || d.Source == "" || !body:
		return d, errors.New("messageId, eventSourceARN or body is missing")
	}
	if n, err := strconv.Atoi(d.Attributes["ApproximateReceiveCount"]); err == nil && n > 0 {
		d.Receives = n
	}
	return d, nil
}

func (c *cursor) attributes() (map[string]string, error) {
	m := make(map[string]string, 8)
	err := c.object(func(key []byte) error {
		name := attributeName(key)
		value, err := c.string()
		m[name] = value
		return err
	})
	return m, err
}

// attributeName saves a copy of each name that every message has.
func attributeName(key []byte) string {
	switch string(key) {
	case "ApproximateReceiveCount":
		return "ApproximateReceiveCount"
	case "SentTimestamp":
		return "SentTimestamp"
	case "SenderId":
		return "SenderId"
	case "ApproximateFirstReceiveTimestamp":
		return "ApproximateFirstReceiveTimestamp"
	case "AWSTraceHeader":
		return "AWSTraceHeader"
	case "MessageGroupId":
		return "MessageGroupId"
	}
	return string(key)
}
