package task_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
)

// likeEncodingJSON fails unless the data of a task with these arguments is what encoding/json writes, or both fail.
func likeEncodingJSON[T any](t *testing.T, args T) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	wantErr := enc.Encode(args)
	want := strings.TrimSuffix(buf.String(), "\n")

	e, err := task.Define[T]("any.kind").With(args).Encode("id-1", "/api", goldenTime)
	if wantErr != nil {
		if err == nil || !strings.HasSuffix(err.Error(), wantErr.Error()) {
			t.Errorf("%T: got %v, encoding/json says %v", args, err, wantErr)
		}
		return
	}
	if err != nil || string(e.Data()) != want {
		t.Errorf("%T became\n%s, %v, and encoding/json writes\n%s", args, e.Data(), err, want)
	}
	if !json.Valid(e.Body()) {
		t.Errorf("%T: the body is %s", args, e.Body())
	}
}

type (
	texter   int
	branch   struct{ Children []branch }
	embedder struct{ order }
	quoter   struct {
		ID  int64 `json:",string"`
		Odd int   `json:"a b"`
	}
)

func (texter) MarshalText() ([]byte, error) { return []byte("<text>"), nil }

// TestDataIsWhatEncodingJSONWrites has arguments that are written without it, that need it by their type, and by their value.
func TestDataIsWhatEncodingJSONWrites(t *testing.T) {
	one := 1
	likeEncodingJSON(t, sampleOrder)
	likeEncodingJSON(t, &sampleOrder)
	likeEncodingJSON(t, order{Email: "<a&b>\n\u2028\"日本\"", Items: []string{}})
	likeEncodingJSON[*order](t, nil)
	likeEncodingJSON(t, &one)
	likeEncodingJSON(t, "text")
	likeEncodingJSON(t, []byte("bytes"))
	likeEncodingJSON(t, goldenTime)
	likeEncodingJSON(t, struct{}{})
	likeEncodingJSON(t, strings.Repeat("long", 10_000))

	likeEncodingJSON[any](t, sampleOrder)
	likeEncodingJSON[any](t, nil)
	likeEncodingJSON(t, map[string]int{"b": 1, "a": 2})
	likeEncodingJSON(t, json.RawMessage(`{"a": [1]}`))
	likeEncodingJSON(t, json.Number("12"))
	likeEncodingJSON(t, []texter{1})
	likeEncodingJSON(t, branch{[]branch{{}}})
	likeEncodingJSON(t, embedder{sampleOrder})
	likeEncodingJSON(t, quoter{1, 2})
	likeEncodingJSON(t, make(chan int))

	likeEncodingJSON(t, order{ID: 1, Email: "a\xffb"})
	likeEncodingJSON(t, order{ID: 1, Email: "a", Total: math.NaN()})
	likeEncodingJSON(t, []float32{1, float32(math.Inf(1))})
	likeEncodingJSON(t, []time.Time{goldenTime, goldenTime.AddDate(9000, 0, 0)})
}

// wordy would be plain.
type wordy struct{ N int }

func (w wordy) AppendJSON(b []byte) ([]byte, error) {
	return fmt.Appendf(b, `{"N":%d,"by":"itself"}`, w.N), nil
}

func TestPlainArgumentsMayEncodeThemselves(t *testing.T) {
	e, err := task.Define[wordy]("any.kind").With(wordy{3}).Encode("id-1", "/api", goldenTime)
	if want := `{"N":3,"by":"itself"}`; err != nil || string(e.Data()) != want {
		t.Errorf("got %s, %v, want %s", e.Data(), err, want)
	}
}

// TestPlainArgumentsAllocateNothing: a definition for a pointer to a plain type.
func TestPlainArgumentsAllocateNothing(t *testing.T) {
	type dated struct {
		Order order
		At    time.Time // for which encoding/json allocates
	}
	allocatesNothing(t, task.Define[*dated]("order.ship").With(&dated{sampleOrder, goldenTime}))
}
