package sqs

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxRequestBody bounds a request: more than the largest batch can need, even
// if each of its characters is escaped.
const maxRequestBody = 4 << 20

const targetPrefix = "AmazonSQS."

// call is one request on its way through an action. Calls are used again, so
// that their buffers are.
type call struct {
	ctx   context.Context //nolint:containedctx // lives as long as the request, as http.Request does
	host  string
	trace string // the X-Ray header of the request, or ""
	body  bytes.Buffer
	out   []byte // the answer, appended by the action; empty means {}
}

var calls = sync.Pool{New: func() any { return new(call) }}

// maxKeptBuffer keeps one huge request from holding its memory for ever.
const maxKeptBuffer = 256 << 10

func (c *call) release() {
	if c.body.Cap() > maxKeptBuffer || cap(c.out) > maxKeptBuffer {
		return
	}
	c.ctx, c.host, c.trace, c.out = nil, "", "", c.out[:0]
	c.body.Reset()
	calls.Put(c)
}

type action func(s *Service, c *call) error

var actions = map[string]action{
	"ChangeMessageVisibility":      (*Service).changeMessageVisibility,
	"ChangeMessageVisibilityBatch": (*Service).changeMessageVisibilityBatch,
	"CreateQueue":                  (*Service).createQueue,
	"DeleteMessage":                (*Service).deleteMessage,
	"DeleteMessageBatch":           (*Service).deleteMessageBatch,
	"DeleteQueue":                  (*Service).deleteQueue,
	"GetQueueAttributes":           (*Service).getQueueAttributes,
	"GetQueueUrl":                  (*Service).getQueueURL,
	"ListDeadLetterSourceQueues":   (*Service).listDeadLetterSourceQueues,
	"ListQueueTags":                (*Service).listQueueTags,
	"ListQueues":                   (*Service).listQueues,
	"PurgeQueue":                   (*Service).purgeQueue,
	"ReceiveMessage":               (*Service).receiveMessage,
	"SendMessage":                  (*Service).sendMessage,
	"SendMessageBatch":             (*Service).sendMessageBatch,
	"SetQueueAttributes":           (*Service).setQueueAttributes,
	"TagQueue":                     (*Service).tagQueue,
	"UntagQueue":                   (*Service).untagQueue,
}

// ServeHTTP answers requests of the AWS JSON 1.0 protocol: POST with the header
// X-Amz-Target: AmazonSQS.Action, whatever the path. Credentials are not
// checked. Errors have AWS's types, codes and statuses. ReceiveMessage with a
// wait blocks until there is a message, the wait is over, the client hangs up
// or the service is closed. Action and outcome are logged at debug level.
//
// Source: Amazon SQS Developer Guide, "Making requests using AWS JSON protocol".
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	c := calls.Get().(*call)
	defer c.release()
	c.ctx, c.host, c.trace = r.Context(), r.Host, r.Header.Get("X-Amzn-Trace-Id")
	err := s.perform(name, r, c)
	s.log(r, name, start, err)
	if err != nil && c.ctx.Err() != nil {
		return // the client is gone
	}
	header := w.Header()
	header.Set("X-Amzn-Requestid", requestID())
	header.Set("Content-Type", "application/x-amz-json-1.0")
	status := http.StatusOK
	if err != nil {
		status, c.out = failure(header, err, c.out[:0])
	} else if len(c.out) == 0 {
		c.out = append(c.out, "{}"...)
	}
	header.Set("Content-Length", strconv.Itoa(len(c.out)))
	w.WriteHeader(status)
	_, _ = w.Write(c.out) // a client that is gone needs no answer
}

func (s *Service) perform(name string, r *http.Request, c *call) error {
	act, err := findAction(name, r)
	if err != nil {
		return err
	}
	n, err := c.body.ReadFrom(io.LimitReader(r.Body, maxRequestBody+1))
	if err != nil {
		return newError(codeSerialization, "The request body could not be read: %v.", err)
	}
	if n > maxRequestBody {
		return newError(codeRequestTooLarge, "The request body is longer than %d bytes.", maxRequestBody)
	}
	return act(s, c)
}

func findAction(name string, r *http.Request) (action, error) {
	if act := actions[name]; act != nil && r.Method == http.MethodPost {
		return act, nil
	}
	switch name {
	case "AddPermission", "RemovePermission", "StartMessageMoveTask", "CancelMessageMoveTask", "ListMessageMoveTasks":
		return nil, newError(codeUnsupportedOperation, "The operation %s is not supported by this emulator.", name)
	case "":
		return nil, newError(codeUnknownOperation, "The request names no operation: want a POST of AWS JSON 1.0 with the header X-Amz-Target: AmazonSQS.ACTION.")
	}
	return nil, newError(codeUnknownOperation, "The operation %s is not known: %s %s.", name, r.Method, r.URL.Path)
}

// failure writes the headers of an error and returns its status and body.
func failure(header http.Header, err error, out []byte) (int, []byte) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok:
	case errors.Is(err, ErrClosed):
		e = newError(codeServiceUnavailable, "The service is shutting down.")
	default:
		e = newError(codeInternalFailure, "%v", err)
	}
	wire, ok := wireErrors[e.Code]
	if !ok {
		wire = wireErrors[codeInternalFailure]
	}
	if wire.query != "" {
		side := "Sender"
		if wire.status >= http.StatusInternalServerError {
			side = "Receiver"
		}
		header.Set("X-Amzn-Query-Error", wire.query+";"+side)
	}
	text, _ := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{wire.shape, e.Message})
	return wire.status, append(out, text...)
}

func (s *Service) log(r *http.Request, name string, start time.Time, err error) {
	if !s.options.Logger.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("action", name), slog.Duration("took", time.Since(start))}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	s.options.Logger.LogAttrs(r.Context(), slog.LevelDebug, "sqs request", attrs...)
}

func requestID() string {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
	return formatUUID(raw)
}

// on has the owner run f on the queue of a URL.
func (s *Service) on(ctx context.Context, queueURL string, f func(o *owner, q *queue, now time.Time) error) error {
	name, err := s.queueName(queueURL)
	if err != nil {
		return err
	}
	var fail error
	err = s.do(ctx, func(o *owner, now time.Time) {
		var q *queue
		if q, fail = o.registry.named(name); fail == nil {
			fail = f(o, q, now)
		}
	})
	if err != nil {
		return err
	}
	return fail
}

// answer appends v as the JSON answer, for actions that are not called often.
func (c *call) answer(v any) error {
	text, err := json.Marshal(v)
	c.out = append(c.out, text...)
	return err
}
