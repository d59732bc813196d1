package sqs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestC9_OverLimitOnShortPollOnly: with the most messages in flight a short
// poll is an error; a long poll waits, and wakes when there is room.
func TestC9_OverLimitOnShortPollOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		arn, err := s.CreateQueue("q", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		err = s.at(ctx, arn, func(_ *owner, q *queue, _ time.Time) error {
			q.limit = 3
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if _, err := s.Send(ctx, arn, Outgoing{Body: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		held, err := s.Receive(ctx, arn, ReceiveInput{Max: 10})
		if err != nil || len(held) != 3 {
			t.Fatalf("received %d, %v; want 3", len(held), err)
		}
		if _, err := s.Receive(ctx, arn, ReceiveInput{}); !errors.Is(err, ErrOverLimit) {
			t.Errorf("short poll: %v, want ErrOverLimit", err)
		}
		if got, err := s.Receive(ctx, arn, ReceiveInput{Wait: time.Second}); err != nil || len(got) != 0 {
			t.Errorf("long poll: %d messages, %v; want none and no error", len(got), err)
		}
		go func() {
			time.Sleep(time.Second)
			_ = s.Delete(ctx, arn, held[0].ReceiptHandle)
		}()
		start := time.Now()
		if got, err := s.Receive(ctx, arn, ReceiveInput{Wait: 20 * time.Second}); err != nil || len(got) != 1 || time.Since(start) != time.Second {
			t.Errorf("got %d messages, %v after %v; want 1 after 1s", len(got), err, time.Since(start))
		}
	})
}

// A receive that was answered in the moment its context ended gives back.
func TestAwaitUndoesAnAnswerNobodyWants(t *testing.T) {
	s, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	arn, err := s.CreateQueue("q", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), arn, Outgoing{Body: "x"}); err != nil {
		t.Fatal(err)
	}
	for range 100 { // select picks at random
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		w := &waiter{limit: 1, answer: make(chan answer, 1)}
		var of *queue
		err = s.at(t.Context(), arn, func(o *owner, q *queue, now time.Time) error {
			of = q
			w.answer <- answer{messages: o.registry.receive(now, q, 1, nil)}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.await(ended, of, w, time.Hour)
		inFlight, infoErr := s.Attributes(t.Context(), arn)
		if infoErr != nil {
			t.Fatal(infoErr)
		}
		if (err != nil) == (len(got) > 0) || inFlight.InFlight != len(got) {
			t.Fatalf("got %d messages, error %v, %d in flight", len(got), err, inFlight.InFlight)
		}
		if len(got) > 0 {
			if err := s.ChangeVisibility(t.Context(), arn, got[0].ReceiptHandle, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}
