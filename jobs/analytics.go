package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/offloadhq/offload/task"
)

// ClassDirect is the queue class of tasks that should start within milliseconds. Route it to the asynchronous Lambda
// road (client.Options.Routes); a queue serves it too, only later.
const ClassDirect = "direct"

// MaxEventName is the longest name of an [Event], in bytes.
const MaxEventName = 128

// Analytics records one event. It is small and wanted soon, so its class is [ClassDirect].
//
// The handler stores one object per event, [AnalyticsPrefix] + task id + ".json". An event fired again with the id of
// its receipt (task.ID) replaces itself.
var Analytics = task.Define[Event]("analytics.record",
	task.Queue(ClassDirect),
	task.MaxAttempts(10),
	task.Backoff(task.Exponential(time.Second, 5*time.Minute)),
	task.Timeout(15*time.Second),
)

// Event is the arguments of [Analytics]. Its id is the id of the task.
type Event struct {
	// Name says what happened, "signup" for example: 1 to [MaxEventName] bytes of UTF-8 without control characters.
	Name string `json:"name"`
	// Properties is a JSON object, kept as it is written: no number loses a digit. May be absent.
	Properties json.RawMessage `json:"properties,omitempty"`
	// At is when it happened. Zero: when the task was fired.
	At time.Time `json:"at,omitzero"`
}

// Validate returns what is wrong with the event, nil if nothing is. The error matches task.ErrInvalid.
func (e Event) Validate() error {
	return invalid(Analytics, checkEventName(e.Name), checkProperties(e.Properties), checkAt(e.At))
}

func checkEventName(name string) error {
	if name == "" {
		return errors.New("name is empty")
	}
	if len(name) > MaxEventName {
		return fmt.Errorf("name is %d bytes long: at most %d are allowed", len(name), MaxEventName)
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("name %q is not valid UTF-8", name)
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return fmt.Errorf("name %q holds the control character %U", name, r)
		}
	}
	return nil
}

func checkProperties(p json.RawMessage) error {
	if p == nil {
		return nil
	}
	if !json.Valid(p) {
		return errors.New("properties is not valid JSON")
	}
	if !bytes.HasPrefix(bytes.TrimLeft(p, " \t\r\n"), []byte("{")) {
		return errors.New("properties is not a JSON object")
	}
	return nil
}

// checkAt keeps out the years that RFC 3339 cannot write: encoding the task would fail on them.
func checkAt(t time.Time) error {
	if y := t.Year(); y < 1 || y > 9999 {
		return fmt.Errorf("at has the year %d: it must be 1 to 9999", y)
	}
	return nil
}
