package emulator

import (
	"testing"
	"time"
)

func TestLinesAreReadable(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 8, 7, 6e6, time.UTC)
	for text, want := range map[string]string{
		"plain text": "plain text",
		`{"time":"2026-11-24T09:08:07Z","level":"INFO","msg":"task done","id":"01A","took":12}`: "task done id=01A took=12",
		`{"level":"WARN","message":"task failed","error":"a b"}`:                                `WARN task failed error="a b"`,
		`{"msg":"task dead-lettered","message":"m-1"}`:                                          "task dead-lettered message=m-1",
		`{"no":"message"}`:        `{"no":"message"}`,
		`{"msg":"torn`:            `{"msg":"torn`,
		`{"msg":"x","o":{"a":1}}`: `x o={"a":1}`,
		`{"msg":"x","s":""}`:      `x s=""`,
	} {
		if got := line(at, "Worker", text); got != "09:08:07.006 Worker         "+want+"\n" {
			t.Errorf("line(%s) = %q, want …%q", text, got, want)
		}
	}
}
