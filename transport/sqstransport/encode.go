package sqstransport

import (
	"slices"
	"strconv"

	"github.com/offloadhq/offload/internal/ascii"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// appendMessages appends the request of SendMessageBatch.
func appendMessages(b []byte, queueURL string, messages []api.Message) []byte {
	size := 0
	for _, m := range messages {
		size += len(m.Body)
	}
	b = slices.Grow(b, size+size/4+512) // quotation marks are a sixth of an envelope
	b = appendHead(b, queueURL)
	for i, m := range messages {
		b = appendID(b, i)
		b = append(b, `,"MessageBody":`...)
		b = ascii.AppendString(b, m.Body)
		if m.Delay != 0 {
			b = append(b, `,"DelaySeconds":`...)
			b = strconv.AppendInt(b, int64(m.Delay), 10)
		}
		for j, a := range m.Attributes {
			if j == 0 {
				b = append(b, `,"MessageAttributes":{`...)
			} else {
				b = append(b, ',')
			}
			b = ascii.AppendString(b, []byte(a.Name))
			b = append(b, `:{"DataType":"String","StringValue":`...)
			b = ascii.AppendString(b, []byte(a.Value))
			b = append(b, '}')
		}
		if len(m.Attributes) > 0 {
			b = append(b, '}')
		}
		if m.Trace != "" {
			b = append(b, `,"MessageSystemAttributes":{"`+api.TraceAttribute+`":{"DataType":"String","StringValue":`...)
			b = ascii.AppendString(b, []byte(m.Trace))
			b = append(b, "}}"...)
		}
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// appendChanges appends the request of ChangeMessageVisibilityBatch.
func appendChanges(b []byte, queueURL string, changes []api.Visibility) []byte {
	b = appendHead(b, queueURL)
	for i, v := range changes {
		b = appendID(b, i)
		b = append(b, `,"ReceiptHandle":`...)
		b = ascii.AppendString(b, []byte(v.Receipt))
		b = append(b, `,"VisibilityTimeout":`...)
		b = strconv.AppendInt(b, int64(v.Timeout), 10)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func appendHead(b []byte, queueURL string) []byte {
	b = append(b, `{"QueueUrl":`...)
	b = ascii.AppendString(b, []byte(queueURL))
	return append(b, `,"Entries":[`...)
}

// appendID begins an entry with its id, which is its place.
func appendID(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"Id":"`...)
	b = strconv.AppendInt(b, int64(i), 10)
	return append(b, '"')
}
