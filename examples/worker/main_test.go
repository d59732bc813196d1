package main

import (
	"strings"
	"testing"
	"time"
)

func TestWorkerRunsItsTask(t *testing.T) {
	env := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
		"OFFLOAD_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/q", "OFFLOAD_DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/d",
	}
	w, err := newWorker(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	e, err := hello.With("you").Encode("id-1", "test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(t.Context(), e.Body()); err != nil {
		t.Error(err)
	}
	for name := range env {
		if name == "OFFLOAD_DEAD_LETTER_QUEUE_URL" {
			continue // a queue may have none
		}
		without := func(asked string) string {
			if asked == name {
				return ""
			}
			return env[asked]
		}
		if _, err := newWorker(without); err == nil || name != "OFFLOAD_QUEUE_URL" && !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
