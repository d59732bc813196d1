package task_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/offloadhq/offload/task"
)

func TestPermanent(t *testing.T) {
	err := fmt.Errorf("handler: %w", task.Permanent(errOwn))
	if !task.IsPermanent(err) || !errors.Is(err, errOwn) || err.Error() != "handler: own error" {
		t.Errorf("%v", err)
	}
	if task.Permanent(nil) != nil || task.IsPermanent(nil) || task.IsPermanent(errOwn) {
		t.Error("what was not marked is permanent")
	}
	if !task.IsPermanent(errors.Join(errOwn, task.Permanent(errOwn))) {
		t.Error("a joined error loses the mark")
	}
}

func TestRetryAfter(t *testing.T) {
	err := fmt.Errorf("handler: %w", task.RetryAfter(errOwn, time.Minute))
	if d, ok := task.RetryDelay(err); !ok || d != time.Minute || !errors.Is(err, errOwn) || err.Error() != "handler: own error" {
		t.Errorf("%v, %v, %v", d, ok, err)
	}
	if d, ok := task.RetryDelay(task.RetryAfter(errOwn, -1)); !ok || d != 0 {
		t.Errorf("a negative wait is %v, %v", d, ok)
	}
	if _, ok := task.RetryDelay(errOwn); ok || task.RetryAfter(nil, time.Second) != nil {
		t.Error("what was not marked has a wait")
	}
}

func TestInfoTravelsInTheContext(t *testing.T) {
	if info, ok := task.InfoFromContext(context.Background()); ok {
		t.Errorf("info %v outside a handler", info)
	}
	want := task.Info{ID: "1", Name: "ping", Attempt: 2, MaxAttempts: 10}
	ctx, cancel := context.WithCancel(task.WithInfo(t.Context(), want))
	defer cancel()
	if got, ok := task.InfoFromContext(ctx); !ok || got.ID != want.ID || got.Name != want.Name || got.Attempt != 2 {
		t.Errorf("info %v, %v", got, ok)
	}
}
