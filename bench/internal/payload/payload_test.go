package payload_test

import (
	"encoding/json"
	"testing"

	"github.com/offloadhq/offload/bench/internal/payload"
)

func TestSize(t *testing.T) {
	a, b := payload.New(), payload.New()
	text, err := json.Marshal(a)
	if err != nil || len(text) < 290 || len(text) > 330 {
		t.Errorf("%d bytes, %v: want about 300", len(text), err)
	}
	if a.Number == b.Number {
		t.Error("two have one number")
	}
}

func TestOwnIsWhatEncodingJSONWrites(t *testing.T) {
	own := &payload.Own{Payload: payload.New()}
	want, err := json.Marshal(own.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := own.AppendJSON(nil); err != nil || string(got) != string(want) {
		t.Errorf("%s, %v", got, err)
	}
}
