package fakesqs

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/offloadhq/offload/internal/jsonscan"
)

// message is what SendMessage and an entry of SendMessageBatch have in common. Its texts lie in the memory of its request.
type message struct {
	id, body   []byte
	attributes bool // there are some
}

// request is a SendMessage or a SendMessageBatch, and the memory for one.
type request struct {
	raw      bytes.Buffer // as it came
	text     []byte       // the memory of texts
	queue    []byte       // the name
	messages []message
	answer   []byte
}

var requests = sync.Pool{New: func() any { return new(request) }}

// newRequest returns an empty one. Whoever has written its answer frees it.
func newRequest() *request { return requests.Get().(*request) }

func (r *request) free() {
	r.raw.Reset()
	clear(r.messages)
	r.text, r.queue, r.messages, r.answer = r.text[:0], nil, r.messages[:0], r.answer[:0]
	requests.Put(r)
}

// send takes one message.
func (s *Server) send(r *request) error {
	var m message
	if err := r.read(func(c *jsonscan.Cursor, key []byte) error { return r.field(c, key, &m) }); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return err
	}
	s.requests.Add(1)
	s.store(r, m)
	r.answer = append(r.answer, '}')
	return nil
}

// sendBatch takes up to ten.
func (s *Server) sendBatch(r *request) error {
	err := r.read(func(c *jsonscan.Cursor, key []byte) error {
		if string(key) != "Entries" {
			return c.Skip()
		}
		return c.Array(func() (err error) {
			var m message
			err = c.Object(func(key []byte) error { return r.field(c, key, &m) })
			r.messages = append(r.messages, m)
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := checkAll(r.messages); err != nil {
		return err
	}
	if s.audit.stalled(r.queue) {
		return errStalled
	}
	s.requests.Add(1)
	r.answer = append(r.answer, `{"Failed":[],"Successful":[`...)
	for i, m := range r.messages {
		if i > 0 {
			r.answer = append(r.answer, ',')
		}
		s.store(r, m)
		r.answer = append(append(append(r.answer, `,"Id":"`...), m.id...), `"}`...)
	}
	r.answer = append(r.answer, "]}"...)
	return nil
}

// read reads the object that a request is: the queue, and what else there is by field.
func (r *request) read(field func(c *jsonscan.Cursor, key []byte) error) error {
	c := jsonscan.New(r.raw.Bytes())
	err := c.Object(func(key []byte) error {
		if string(key) != "QueueUrl" {
			return field(c, key)
		}
		url, err := r.string(c)
		r.queue = url[bytes.LastIndexByte(url, '/')+1:]
		return err
	})
	switch {
	case err != nil:
		return invalid("InvalidParameterValue", err.Error())
	case !c.End():
		return invalid("InvalidParameterValue", "something follows the end of the request")
	}
	return nil
}

// field reads what a message has under key.
func (r *request) field(c *jsonscan.Cursor, key []byte, m *message) (err error) {
	switch string(key) {
	case "Id":
		m.id, err = r.string(c)
	case "MessageBody":
		m.body, err = r.string(c)
	case "MessageAttributes", "MessageSystemAttributes":
		if c.Null() {
			return nil
		}
		return c.Object(func([]byte) error {
			m.attributes = true
			return c.Skip()
		})
	default:
		err = c.Skip()
	}
	return err
}

// string reads a string into the memory of the request.
func (r *request) string(c *jsonscan.Cursor) ([]byte, error) {
	start := len(r.text)
	var err error
	r.text, err = c.AppendText(r.text)
	return r.text[start:len(r.text):len(r.text)], err
}

// store takes the message and appends an object with its digest and its id, which is left open.
func (s *Server) store(r *request, m message) {
	digest := md5.Sum(m.body)
	s.audit.note(r.queue, m.body)
	out := append(r.answer, `{"MD5OfMessageBody":"`...)
	out = hex.AppendEncode(out, digest[:])
	out = append(out, `","MessageId":"00000000-0000-0000-0000-`...)
	n := uint64(s.messages.Add(1))
	out = append(out, "000000000000"[:12-min(12, digits(n))]...)
	r.answer = append(strconv.AppendUint(out, n, 10), '"')
}

func digits(n uint64) int {
	count := 1
	for ; n > 9; n /= 10 {
		count++
	}
	return count
}

func checkAll(messages []message) error {
	switch {
	case len(messages) == 0:
		return invalid("EmptyBatchRequest", "there are no entries")
	case len(messages) > maxEntries:
		return invalid("TooManyEntriesInBatchRequest", fmt.Sprintf("%d entries, the maximum is %d", len(messages), maxEntries))
	}
	for i, m := range messages {
		if err := m.check(); err != nil {
			return err
		}
		if !isID(m.id) {
			return invalid("InvalidBatchEntryId", fmt.Sprintf("the Id %q: up to 80 letters, digits, hyphens and underscores are taken", m.id))
		}
		for _, other := range messages[:i] {
			if bytes.Equal(m.id, other.id) {
				return invalid("BatchEntryIdsNotDistinct", "two entries have one Id")
			}
		}
	}
	return nil
}

// isID reports what the service takes as the id of an entry (Amazon SQS API Reference, SendMessageBatchRequestEntry), and
// needs no escape in JSON.
func isID(id []byte) bool {
	return len(id) > 0 && len(id) <= 80 && strings.Trim(string(id), "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (m message) check() error {
	switch {
	case len(m.body) == 0:
		return invalid("MissingParameter", "a message has no body")
	case m.attributes:
		return invalid("InvalidParameterValue", "this server takes no attributes: it does not make their digests")
	}
	return nil
}

func invalid(code, text string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "com.amazonaws.sqs#" + code, text: text}
}
