package worker

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/offloadhq/offload/internal/jsonscan"
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
	c := jsonscan.New(payload)
	err := c.Object(func(key []byte) error {
		switch string(key) {
		case "specversion":
			e.direct = true
		case "Records":
			if batch {
				return errors.New(`"Records" stands there twice`)
			}
			batch = true
			return c.Array(func() error {
				d, err := readRecord(c)
				if err != nil {
					return fmt.Errorf("record %d: %w", len(e.deliveries), err)
				}
				e.deliveries = append(e.deliveries, d)
				return nil
			})
		}
		return c.Skip()
	})
	if err == nil && !c.End() {
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

// readRecord reads one message of an SQS event (Lambda developer guide, "Using Lambda with Amazon SQS": example event).
func readRecord(c *jsonscan.Cursor) (transport.Delivery, error) {
	d := transport.Delivery{Receives: 1}
	source := ""
	body := false
	err := c.Object(func(key []byte) (err error) {
		switch string(key) {
		case "messageId":
			d.MessageID, err = c.String()
		case "receiptHandle":
			d.Receipt, err = c.String()
		case "body":
			body = true
			d.Body, err = c.Text()
		case "eventSourceARN":
			d.Source, err = c.String()
		case "eventSource":
			source, err = c.String()
		case "attributes":
			d.Attributes, err = readAttributes(c)
		default:
			err = c.Skip()
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

func readAttributes(c *jsonscan.Cursor) (map[string]string, error) {
	m := make(map[string]string, 8)
	err := c.Object(func(key []byte) error {
		name := attributeName(key)
		value, err := c.String()
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
