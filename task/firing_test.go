package task_test

import (
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
)

// TestFiringSaysWhatTheEnvelopeWillHave compares what is said before the encoding with what comes of it.
func TestFiringSaysWhatTheEnvelopeWillHave(t *testing.T) {
	slow := task.Define[int]("slow.one", task.Queue("bulk"))
	for name, opts := range map[string][]task.FireOption{
		"none": nil,
		"all": {
			task.ID("own"), task.Queue("other"), task.Delay(time.Minute), task.Header("traceparent", "tp"), task.Header("b", "1"),
			task.Header("b", "2"), nil, task.Trace("another", ""), task.Expires(time.Hour), task.MaxAttempts(3),
		},
		"at":             {task.At(goldenTime.Add(time.Second))},
		"standard queue": {task.Queue("")},
	} {
		f := slow.With(1).Firing("minted", goldenTime, opts...)
		e, err := slow.With(1).Encode("minted", "/api", goldenTime, opts...)
		if err != nil {
			t.Fatal(err)
		}
		if f.ID != e.ID() || f.Name != e.Name() || f.Class != e.Class() || f.Delay != e.Delay() || f.Header("b") != e.Header("b") || f.Header("traceparent") != e.Header("traceparent") {
			t.Errorf("%s: %+v, and the envelope has %q %q %q %v %v", name, f, e.ID(), e.Name(), e.Class(), e.Delay(), e.Headers())
		}
	}
}

func TestFiringOfWhatIsRefused(t *testing.T) {
	slow := task.Define[chan int]("slow.one", task.Queue("bulk"))
	f := slow.With(nil).Firing("minted", goldenTime, task.Delay(-1), task.Header("id", "x"), task.Trace("tp", ""), task.ID("own"))
	if f.ID != "own" || f.Name != "slow.one" || f.Class != "bulk" || f.Delay != 0 || f.Header("id") != "" || f.Header("traceparent") != "" {
		t.Errorf("%+v", f)
	}
	if f := (task.Task{}).Firing("minted", goldenTime); f.ID != "minted" || f.Name != "" || f.Class != "" {
		t.Errorf("the zero Task: %+v", f)
	}
}
