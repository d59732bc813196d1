package sqstransport

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// FuzzRequests decodes what the encoder wrote with encoding/json, and wants to see again what went in.
func FuzzRequests(f *testing.F) {
	f.Add("https://sqs.eu-west-1.amazonaws.com/1/work", []byte(`{"a":"<>&\u2028"}`), int32(0), "Offload.Reason", "why \"so\"\n", "receipt+/=")
	f.Add("", []byte("\x00\x1f\x7f\t\r\n\\\""), int32(900), "", "", "")
	f.Add("é", []byte("é \u2028 \ufffe \U0010ffff \xff\xc3\xed\xa0\x80"), int32(-1), "ï", "\xf0\x9f", "\xff")
	f.Fuzz(func(t *testing.T, url string, body []byte, delay int32, name, value, receipt string) {
		messages := []api.Message{
			{Body: body, Delay: delay, Trace: receipt},
			{Body: []byte("second"), Attributes: []api.Attribute{{Name: name, Value: value}, {Name: name + "2", Value: receipt}}},
		}
		type attribute struct{ DataType, StringValue string }
		var sent struct {
			QueueUrl string //nolint:revive // the name on the wire
			Entries  []struct {
				Id                string //nolint:revive // the name on the wire
				MessageBody       string
				DelaySeconds      *int32
				MessageAttributes map[string]attribute

				MessageSystemAttributes map[string]attribute
			}
		}
		strict(t, appendMessages([]byte("kept"), url, messages), &sent)
		if sent.QueueUrl != valid(url) || len(sent.Entries) != 2 || sent.Entries[0].Id != "0" || sent.Entries[1].Id != "1" {
			t.Fatalf("sent %+v", sent)
		}
		if first := sent.Entries[0]; first.MessageBody != valid(string(body)) || (first.DelaySeconds == nil) != (delay == 0) || delay != 0 && *first.DelaySeconds != delay || first.MessageAttributes != nil {
			t.Fatalf("the first entry is %+v", first)
		} else if trace := first.MessageSystemAttributes; (len(trace) == 1) != (receipt != "") || receipt != "" && trace["AWSTraceHeader"] != (attribute{"String", valid(receipt)}) {
			t.Fatalf("the first entry has the system attributes %v", trace)
		}
		want := map[string]attribute{valid(name): {"String", valid(value)}, valid(name + "2"): {"String", valid(receipt)}}
		if second := sent.Entries[1]; second.MessageBody != "second" || second.DelaySeconds != nil || second.MessageSystemAttributes != nil || !reflect.DeepEqual(second.MessageAttributes, want) {
			t.Fatalf("the second entry is %+v", second)
		}

		var changed struct {
			QueueUrl string //nolint:revive // the name on the wire
			Entries  []struct {
				Id, ReceiptHandle string //nolint:revive // the name on the wire
				VisibilityTimeout int32
			}
		}
		strict(t, appendChanges([]byte("kept"), url, []api.Visibility{{Receipt: receipt, Timeout: delay}, {}}), &changed)
		if first := changed.Entries[0]; changed.QueueUrl != valid(url) || len(changed.Entries) != 2 || first.Id != "0" || first.ReceiptHandle != valid(receipt) || first.VisibilityTimeout != delay {
			t.Fatalf("changed %+v", changed)
		}
	})
}

// valid is what encoding/json makes of a string: each byte that is no UTF-8 becomes U+FFFD.
func valid(s string) string { return string([]rune(s)) }

// strict decodes what was appended to "kept", without a field to spare.
func strict(t *testing.T, b []byte, into any) {
	t.Helper()
	rest, ok := strings.CutPrefix(string(b), "kept")
	if !ok || !utf8.ValidString(rest) {
		t.Fatalf("encoded %q", b)
	}
	d := json.NewDecoder(strings.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		t.Fatalf("encoded %q: %v", b, err)
	}
}

// FuzzAnswers reads any bytes with the decoder and with encoding/json: what the decoder takes, the other must take alike.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"d","MD5OfMessageAttributes":"x","SequenceNumber":"7"}],"Failed":[{"Id":"1","Code":"c","Message":"\u00e9\n","SenderFault":true}]}`,
		`{"Failed":null,"Successful":[null,{}],"ResponseMetadata":{"RequestId":["a",{"b":1.5e3}]}}`, `{}`, `null`, ``, `[]`, `{"Successful":{}}`, `{"Successful":[1]}`,
		`{"Failed":[{"SenderFault":null,"Message":null}]}`, `{"Failed":[{"SenderFault":"true"}]}`, `{"Successful":[{"Id":0}]}`, `{"Successful":[],"Successful":[]}`,
		`{"Successful":[{"Id":"0","Id":"1"}]}`, `{"successful":[{"Id":"0"}]}`, `{"Successful":[{"Id":"0"}]} x`, `{"Successful":[{"Id":"\ud800"}]`, "{\"Failed\":[{\"Code\":\"\xff\"}]}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readAnswer(b)
		if err != nil {
			if len(got.Successful) > 0 || len(got.Failed) > 0 {
				t.Fatalf("%q: an answer beside the error %v", b, err)
			}
			return
		}
		if !json.Valid(b) {
			return // only what is stepped over may be broken
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(b, &all); err != nil {
			t.Fatalf("%q: taken, but %v", b, err)
		}
		var want api.Answer
		for _, fields := range entries(t, all["Successful"]) {
			want.Successful = append(want.Successful, api.Success{ID: text(t, fields["Id"]), MessageID: text(t, fields["MessageId"]), Digest: api.NewDigest(text(t, fields["MD5OfMessageBody"]))})
		}
		for _, fields := range entries(t, all["Failed"]) {
			fault, isBool := fields["SenderFault"].(bool)
			if !isBool && fields["SenderFault"] != nil {
				t.Fatalf("%q: taken, with SenderFault %v", b, fields["SenderFault"])
			}
			want.Failed = append(want.Failed, api.Failure{ID: text(t, fields["Id"]), Code: text(t, fields["Code"]), Message: text(t, fields["Message"]), SenderFault: fault})
		}
		if !slices.Equal(got.Successful, want.Successful) || !slices.Equal(got.Failed, want.Failed) {
			t.Fatalf("%q: read %+v, want %+v", b, got, want)
		}
	})
}

func entries(t *testing.T, raw json.RawMessage) (all []map[string]any) {
	var list []map[string]any
	if raw != nil {
		if err := json.Unmarshal(raw, &list); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") { // 1e400
			t.Fatalf("%q: taken, but %v", raw, err)
		}
	}
	for _, fields := range list {
		if fields != nil {
			all = append(all, fields)
		}
	}
	return all
}

func text(t *testing.T, v any) string {
	s, isText := v.(string)
	if !isText && v != nil {
		t.Fatalf("taken, with %v for a text", v)
	}
	return s
}
