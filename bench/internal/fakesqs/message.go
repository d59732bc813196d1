package fakesqs

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strconv"
)

// message is what SendMessage and an entry of SendMessageBatch have in common.
type message struct {
	ID                      string `json:"Id"`
	MessageBody             string
	MessageAttributes       map[string]json.RawMessage
	MessageSystemAttributes map[string]json.RawMessage
}

func (s *Server) send(body []byte) ([]byte, error) {
	var in struct {
		QueueUrl string
		message
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	s.requests.Add(1)
	return append(s.store(make([]byte, 0, 160), path.Base(in.QueueUrl), in.message), '}'), nil
}

func (s *Server) sendBatch(body []byte) ([]byte, error) {
	var in struct {
		QueueUrl string
		Entries  []message
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	switch {
	case len(in.Entries) == 0:
		return nil, invalid("EmptyBatchRequest", "there are no entries")
	case len(in.Entries) > maxEntries:
		return nil, invalid("TooManyEntriesInBatchRequest", fmt.Sprintf("%d entries, the maximum is %d", len(in.Entries), maxEntries))
	}
	seen := make(map[string]struct{}, maxEntries)
	for _, m := range in.Entries {
		if err := m.check(); err != nil {
			return nil, err
		}
		seen[m.ID] = struct{}{}
	}
	if len(seen) < len(in.Entries) {
		return nil, invalid("BatchEntryIdsNotDistinct", "two entries have one Id")
	}
	queue := path.Base(in.QueueUrl)
	if s.audit.stalled(queue) {
		return nil, errStalled
	}
	s.requests.Add(1)
	out := append(make([]byte, 0, 64+192*len(in.Entries)), `{"Failed":[],"Successful":[`...)
	for i, m := range in.Entries {
		if i > 0 {
			out = append(out, ',')
		}
		id, err := json.Marshal(m.ID)
		if err != nil {
			return nil, err
		}
		out = append(append(append(s.store(out, queue, m), `,"Id":`...), id...), '}')
	}
	return append(out, "]}"...), nil
}

// store takes the message and appends an object with its digest and its id, which is left open.
func (s *Server) store(out []byte, queue string, m message) []byte {
	digest := md5.Sum([]byte(m.MessageBody))
	s.audit.note(queue, m.MessageBody)
	out = append(out, `{"MD5OfMessageBody":"`...)
	out = hex.AppendEncode(out, digest[:])
	out = append(out, `","MessageId":"00000000-0000-0000-0000-`...)
	n := uint64(s.messages.Add(1))
	out = append(out, "000000000000"[:12-min(12, digits(n))]...)
	return append(strconv.AppendUint(out, n, 10), '"')
}

func digits(n uint64) int {
	count := 1
	for ; n > 9; n /= 10 {
		count++
	}
	return count
}

func (m message) check() error {
	switch {
	case m.MessageBody == "":
		return invalid("MissingParameter", "a message has no body")
	case len(m.MessageAttributes)+len(m.MessageSystemAttributes) > 0:
		return invalid("InvalidParameterValue", "this server takes no attributes: it does not make their digests")
	}
	return nil
}

func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return invalid("InvalidParameterValue", err.Error())
	}
	return nil
}

func invalid(code, text string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "com.amazonaws.sqs#" + code, text: text}
}
