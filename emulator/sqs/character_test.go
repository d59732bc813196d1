package sqs_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/offloadhq/offload/emulator/sqs"
)

// TestC3_EveryLegalCharacterComesBackAsItWas sends all characters that SQS
// takes through AWS's client.
func TestC3_EveryLegalCharacterComesBackAsItWas(t *testing.T) {
	client, _ := newClient(t)
	url := newSDKQueue(t, client, "q", hidden)
	want := map[string]bool{}
	var b strings.Builder
	flush := func() {
		body := b.String()
		b.Reset()
		want[body] = true
		out := must[*awssqs.SendMessageOutput](t)(client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: url, MessageBody: &body}))
		if sum := md5.Sum([]byte(body)); *out.MD5OfMessageBody != hex.EncodeToString(sum[:]) {
			t.Errorf("digest of %.20q… is %s", body, *out.MD5OfMessageBody)
		}
	}
	for r := rune(0); r <= 0x10FFFF; r++ {
		if legalRune(r) {
			b.WriteRune(r)
		}
		if b.Len() > 200_000 {
			flush()
		}
	}
	flush()
	sent := len(want)
	for range sent {
		got := must[*awssqs.ReceiveMessageOutput](t)(client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url}))
		delete(want, *got.Messages[0].Body)
	}
	if len(want) != 0 {
		t.Errorf("%d of %d bodies did not come back as they were", len(want), sent)
	}
}

func legalRune(r rune) bool {
	return r == 0x9 || r == 0xA || r == 0xD || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
}

// TestC3_IllegalCharactersAreRefused sends each code point that SQS does not
// take, in a body and in an attribute. Half surrogate pairs have no UTF-8, so
// they come as JSON escapes.
func TestC3_IllegalCharactersAreRefused(t *testing.T) {
	s := newService(t)
	arn := create(t, s, "q", nil)
	tried := 0
	for r := rune(0); r <= 0xFFFF; r++ {
		if legalRune(r) {
			continue
		}
		tried++
		escape := fmt.Sprintf(`a\u%04Xb`, r)
		w := request(s, "SendMessage", `{"QueueUrl":"q","MessageBody":"`+escape+`"}`)
		if shape, _ := errorOf(t, w); shape != ns+"InvalidMessageContents" {
			t.Errorf("U+%04X in a body: %d %q", r, w.Code, shape)
		}
		w = request(s, "SendMessage", withAttribute("a", `{"DataType":"String","StringValue":"`+escape+`"}`))
		if shape, _ := errorOf(t, w); shape != invalid {
			t.Errorf("U+%04X in an attribute: %d %q", r, w.Code, shape)
		}
	}
	if tried != 29+2048+2 {
		t.Errorf("tried %d code points", tried)
	}
	for _, raw := range []string{"\uffff", "\ufffe"} {
		if shape, _ := errorOf(t, request(s, "SendMessage", `{"QueueUrl":"q","MessageBody":"`+raw+`"}`)); shape != ns+"InvalidMessageContents" {
			t.Errorf("%q as it is: %q", raw, shape)
		}
	}
	if i := info(t, s, arn); i.Visible != 0 {
		t.Errorf("%d messages were stored", i.Visible)
	}
	for escape, want := range map[string]string{`\ud83d\ude00`: "😀", `\\ud83d`: `\ud83d`, `\\\uD83D\uDE00`: `\😀`, `\ufffd`: "\ufffd"} {
		request(s, "SendMessage", `{"QueueUrl":"q","MessageBody":"`+escape+`"}`)
		if got := receive(t, s, arn, sqs.ReceiveInput{}); len(got) != 1 || got[0].Body != want {
			t.Errorf("%s came back as %+v, want %q", escape, got, want)
		}
	}
}
