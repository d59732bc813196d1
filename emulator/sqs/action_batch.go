package sqs

import (
	"errors"
	"time"
)

const (
	maxBatch      = 10
	maxBatchBytes = 1 << 20
	maxEntryID    = 80
)

// entryResult is what became of one entry of a batch.
type entryResult struct {
	id        string
	messageID string // of a send
	parcel    parcel // of a send
	err       error
}

// checkBatch finds the faults for which SQS refuses a batch as a whole. kind is
// the name of the entries' type.
func checkBatch[E any](kind string, entries []E, id func(*E) string) error {
	if len(entries) == 0 {
		return newError(codeEmptyBatchRequest, "There should be at least one %s in the request.", kind)
	}
	if len(entries) > maxBatch {
		return newError(codeTooManyEntriesInBatchRequest, "Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}
	seen := make(map[string]bool, len(entries))
	for i := range entries {
		name := id(&entries[i])
		if !validEntryID(name) {
			return newError(codeInvalidBatchEntryID,
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[name] {
			return newError(codeBatchEntryIdsNotDistinct, "Id %s repeated.", name)
		}
		seen[name] = true
	}
	return nil
}

func validEntryID(id string) bool {
	for i := range len(id) {
		if c := id[i]; !alphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return id != "" && len(id) <= maxEntryID
}

// answerBatch writes the entries that succeeded and those that failed.
func (c *call) answerBatch(results []entryResult) {
	out := append(c.out, `{"Successful":[`...)
	for i := range results {
		if r := &results[i]; r.err == nil {
			out = append(appendComma(out), '{')
			out = appendField(out, "Id", r.id)
			if r.messageID != "" {
				out = appendSent(out, r.messageID, &r.parcel)
			}
			out = append(out, '}')
		}
	}
	out = append(out, ']')
	failed := false
	for i := range results {
		if r := &results[i]; r.err != nil {
			if !failed {
				out = append(out, `,"Failed":[`...)
				failed = true
			}
			out = appendFailed(out, r)
		}
	}
	if failed {
		out = append(out, ']')
	}
	c.out = append(out, '}')
}

// appendFailed appends a failed entry. All failures of an entry are faults of
// the sender.
func appendFailed(out []byte, r *entryResult) []byte {
	code, message := codeInternalFailure, r.err.Error()
	if e, ok := errors.AsType[*Error](r.err); ok {
		code, message = e.Code, e.Message
	}
	out = append(appendComma(out), '{')
	out = appendField(out, "Id", r.id)
	out = append(out, `,"SenderFault":true`...)
	out = appendField(out, "Code", code)
	out = appendField(out, "Message", message)
	return append(out, '}')
}

type sendEntry struct {
	Id string
	wireMessage
}

func (s *Service) sendMessageBatch(c *call) error {
	in, err := decode[struct {
		QueueUrl string
		Entries  []sendEntry
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	if err := checkBatch("SendMessageBatchRequestEntry", in.Entries, func(e *sendEntry) string { return e.Id }); err != nil {
		return err
	}
	outgoing := make([]Outgoing, len(in.Entries))
	total := 0
	for i := range in.Entries {
		if outgoing[i], err = in.Entries[i].outgoing(); err != nil {
			return err
		}
		total += outgoing[i].size()
	}
	if total > maxBatchBytes {
		return newError(codeBatchRequestTooLong, "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, total)
	}
	results := make([]entryResult, len(outgoing))
	for i := range outgoing {
		r := &results[i]
		r.id = in.Entries[i].Id
		r.parcel, r.err = outgoing[i].pack()
	}
	err = s.on(c.ctx, in.QueueUrl, func(o *owner, q *queue, now time.Time) error {
		for i := range results {
			if r := &results[i]; r.err == nil {
				r.messageID, r.err = o.registry.send(now, q, r.parcel.traced(c.trace))
			}
		}
		return nil
	})
	if err == nil {
		c.answerBatch(results)
	}
	return err
}

type receiptEntry struct {
	Id                string
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (s *Service) deleteMessageBatch(c *call) error {
	return s.receiptBatch(c, "DeleteMessageBatchRequestEntry", func(q *queue, r receipt, _ *receiptEntry, now time.Time) error {
		q.remove(now, r)
		return nil
	})
}

func (s *Service) changeMessageVisibilityBatch(c *call) error {
	return s.receiptBatch(c, "ChangeMessageVisibilityBatchRequestEntry", func(q *queue, r receipt, e *receiptEntry, now time.Time) error {
		if e.VisibilityTimeout == nil {
			return missing("VisibilityTimeout")
		}
		d, err := visibilityTimeout(*e.VisibilityTimeout)
		if err != nil {
			return err
		}
		return q.changeVisibility(now, r, d)
	})
}

func (s *Service) receiptBatch(c *call, kind string, f func(*queue, receipt, *receiptEntry, time.Time) error) error {
	in, err := decode[struct {
		QueueUrl string
		Entries  []receiptEntry
	}](c.body.Bytes())
	if err != nil {
		return err
	}
	if err := checkBatch(kind, in.Entries, func(e *receiptEntry) string { return e.Id }); err != nil {
		return err
	}
	results := make([]entryResult, len(in.Entries))
	err = s.on(c.ctx, in.QueueUrl, func(_ *owner, q *queue, now time.Time) error {
		for i := range in.Entries {
			e := &in.Entries[i]
			results[i].id = e.Id
			r, err := q.receipt(e.ReceiptHandle)
			if err == nil {
				err = f(q, r, e, now)
			}
			results[i].err = err
		}
		return nil
	})
	if err == nil {
		c.answerBatch(results)
	}
	return err
}
