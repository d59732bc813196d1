package worker_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/worker"
)

func TestD7_FailedDirectEventGoesToItsQueue(t *testing.T) {
	for name, f := range map[string]func(context.Context) error{
		"error":       func(context.Context) error { return errHandler },
		"panic":       func(context.Context) error { panic("x") },
		"retry after": func(context.Context) error { return task.RetryAfter(errHandler, 7*time.Second) },
		"too long":    func(context.Context) error { return task.RetryAfter(errHandler, time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var q sender
				var o worker.Outcome
				w := newWorker(t, newMux(definition, failing(1, f)), worker.Options{
					Settler: &settler{}, Queue: &q, OnOutcome: func(got worker.Outcome) { o = got },
				})
				before := bytes.Replace(golden(t, "direct.json"), []byte("2026-"), []byte("1999-"), 1) // the bubble's time
				wantAnswer(t, w, before, `{}`)
				if len(q.sent) != 1 || o.State != worker.SentOn {
					t.Fatalf("sent %d, outcome %+v", len(q.sent), o)
				}
				e := q.sent[0]
				if e.ID() != "good" || e.Attempts() != 1 || string(e.Data()) != `{"n":1}` || e.Delay() != o.Delay ||
					e.DelayLeft(time.Now()) != o.Delay { // it counts from the failure, not from the firing
					t.Errorf("sent %s with delay %v, %v left, told %v", e.Body(), e.Delay(), e.DelayLeft(time.Now()), o.Delay)
				}
				least, most := time.Duration(0), task.DefaultBackoffBase
				switch name {
				case "retry after":
					least, most = 7*time.Second, 7*time.Second
				case "too long": // what the queue can delay
					least, most = 15*time.Minute, 15*time.Minute
				}
				if e.Delay() < least || e.Delay() > most {
					t.Errorf("delay %v, want %v to %v", e.Delay(), least, most)
				}
				// From the queue it comes back as the second attempt.
				ds := []transport.Delivery{{Source: queueARN, MessageID: "m", Body: e.Body(), Receives: 1}}
				if o := w.Process(t.Context(), ds)[0]; o.Attempt != 2 || o.ID != "good" {
					t.Errorf("outcome %+v", o)
				}
			})
		})
	}
}

func TestD7_UnknownAndNewerDirectEventsGoToTheQueue(t *testing.T) {
	payload := string(golden(t, "direct.json"))
	for name, payload := range map[string]string{
		"unknown": strings.Replace(payload, "test.task", "test.unknown", 1),
		"newer":   strings.Replace(payload, `{`, `{"offloadreader":99,`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			var q sender
			w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{Settler: &settler{}, Queue: &q})
			wantAnswer(t, w, []byte(payload), `{}`)
			if len(q.sent) != 1 || !strings.Contains(string(q.sent[0].Body()), `"offloadattempt":1`) {
				t.Errorf("sent %v", q.sent)
			}
		})
	}
}

func TestD7_DirectEventThatNoRetryHelpsIsDeadLettered(t *testing.T) {
	payload := string(golden(t, "direct.json"))
	for code, c := range map[string]struct {
		payload string
		f       func(context.Context) error
	}{
		transport.ReasonPermanent: {payload, func(context.Context) error { return task.Permanent(errHandler) }},
		transport.ReasonExhausted: {strings.Replace(payload, `{`, `{"offloadmaxattempts":1,`, 1), func(context.Context) error { return errHandler }},
		transport.ReasonMalformed: {strings.Replace(payload, `"id":"good",`, ``, 1), nil},
		transport.ReasonExpired:   {strings.Replace(payload, `{`, `{"expirytime":"2020-01-01T00:00:00Z",`, 1), nil},
	} {
		t.Run(code, func(t *testing.T) {
			var s settler
			var q sender
			mux := newMux(definition, failing(1, c.f))
			w := newWorker(t, mux, worker.Options{Settler: &s, Queue: &q})
			wantAnswer(t, w, []byte(c.payload), `{}`)
			if why, ok := s.buried[""]; !ok || why.Code != code || why.Source != "" || len(q.sent) != 0 {
				t.Errorf("reason %+v, sent %d", why, len(q.sent))
			}
			// Without a place for it the invocation fails, so that Lambda keeps it.
			for name, o := range map[string]worker.Options{
				"no settler":     {Queue: &q},
				"settler broken": {Queue: &q, Settler: &settler{bury: func(transport.Delivery) error { return errHandler }}},
			} {
				if answer, err := newWorker(t, mux, o).Invoke(t.Context(), []byte(c.payload)); err == nil {
					t.Errorf("%s: answer %s, want an error", name, answer)
				}
			}
		})
	}
}

func TestD7_DirectEventThatCannotBeSentOnFailsTheInvocation(t *testing.T) {
	invalid := &transport.Error{Kind: transport.Invalid, Target: "queue", Err: errors.New("too large")}
	for name, c := range map[string]struct {
		queue *sender
		tries int
		fails bool
	}{
		"no queue": {nil, 0, true},
		"down":     {&sender{answer: func(int) transport.Result { return unavailable }}, 3, true},
		"down for a moment": {&sender{answer: func(try int) transport.Result {
			return []transport.Result{unavailable, {Outcome: transport.Accepted}}[try-1]
		}}, 2, false},
		"refused":               {&sender{answer: func(int) transport.Result { return transport.Result{Outcome: transport.Rejected, Err: invalid} }}, 1, true},
		"panics":                {&sender{answer: func(int) transport.Result { panic("x") }}, 1, true},
		"answer without a word": {&sender{answer: func(int) transport.Result { return transport.Result{} }}, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := worker.Options{Settler: &settler{}}
				if c.queue != nil {
					o.Queue = c.queue
				}
				w := newWorker(t, newMux(definition, failing(1, func(context.Context) error { return errHandler })), o)
				answer, err := w.Invoke(t.Context(), golden(t, "direct.json"))
				if (err != nil) != c.fails {
					t.Fatalf("answer %s, error %v", answer, err)
				}
				if err != nil && (!errors.Is(err, errHandler) || !strings.Contains(err.Error(), "good")) {
					t.Errorf("error %v: must name the task and say why", err)
				}
				if c.queue != nil && c.queue.tries != c.tries {
					t.Errorf("%d tries, want %d", c.queue.tries, c.tries)
				}
			})
		})
	}
}

func TestD7_StuckDirectEventFailsTheInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		var q sender
		w := newWorker(t, newMux(definition, failing(1, func(context.Context) error { <-release; return nil })), worker.Options{Settler: &settler{}, Queue: &q})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if answer, err := w.Invoke(ctx, golden(t, "direct.json")); err == nil || len(q.sent) != 0 {
			t.Errorf("answer %s, sent %d; want an error", answer, len(q.sent))
		}
	})
}

func TestD10_FailedFlushSendsADirectEventOn(t *testing.T) {
	var q sender
	w := newWorker(t, newMux(definition, failing(-1, nil)), worker.Options{
		Settler: &settler{}, Queue: &q, Flush: func(context.Context) error { return errHandler },
	})
	wantAnswer(t, w, golden(t, "direct.json"), `{}`)
	if len(q.sent) != 1 {
		t.Errorf("sent %d, want the task once more", len(q.sent))
	}
}
