package sqs_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/emulator/sqs"
)

func TestLongPollWakesWhenAMessageIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		arn := create(t, s, "q", nil)
		start := time.Now()
		go func() {
			time.Sleep(7 * time.Second)
			_, _ = s.Send(context.Background(), arn, sqs.Outgoing{Body: "x"})
		}()
		got := receive(t, s, arn, sqs.ReceiveInput{Wait: 20 * time.Second})
		if waited := time.Since(start); len(got) != 1 || waited != 7*time.Second {
			t.Errorf("got %d messages after %v, want 1 after 7s", len(got), waited)
		}
	})
}

func TestLongPollWakesAtTheInstantOfVisibility(t *testing.T) {
	delay := 3500 * time.Millisecond
	for name, prepare := range map[string]func(*testing.T, *sqs.Service, string){
		"delay": func(t *testing.T, s *sqs.Service, arn string) {
			send(t, s, arn, sqs.Outgoing{Body: "x", Delay: &delay})
		},
		"visibility timeout": func(t *testing.T, s *sqs.Service, arn string) {
			send(t, s, arn, sqs.Outgoing{Body: "x"})
			receive(t, s, arn, sqs.ReceiveInput{Visibility: &delay})
		},
		"changed visibility": func(t *testing.T, s *sqs.Service, arn string) {
			send(t, s, arn, sqs.Outgoing{Body: "x"})
			got := receive(t, s, arn, sqs.ReceiveInput{})
			if err := s.ChangeVisibility(t.Context(), arn, got[0].ReceiptHandle, delay); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				arn := create(t, s, "q", nil)
				start := time.Now()
				prepare(t, s, arn)
				got := receive(t, s, arn, sqs.ReceiveInput{Wait: 20 * time.Second})
				if waited := time.Since(start); len(got) != 1 || waited != delay {
					t.Errorf("got %d messages after %v, want 1 after %v", len(got), waited, delay)
				}
			})
		})
	}
}

// A change of visibility while a receive waits moves the instant at which it
// wakes.
func TestLongPollWakesWhenVisibilityIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		arn := create(t, s, "q", nil)
		send(t, s, arn, sqs.Outgoing{Body: "x"})
		held := receive(t, s, arn, sqs.ReceiveInput{})
		start := time.Now()
		go func() {
			time.Sleep(2 * time.Second)
			_ = s.ChangeVisibility(context.Background(), arn, held[0].ReceiptHandle, 0)
		}()
		got := receive(t, s, arn, sqs.ReceiveInput{Wait: 20 * time.Second})
		if waited := time.Since(start); len(got) != 1 || waited != 2*time.Second {
			t.Errorf("got %d messages after %v, want 1 after 2s", len(got), waited)
		}
	})
}

func TestLongPollEndsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		arn := create(t, s, "q", nil)
		start := time.Now()
		got := receive(t, s, arn, sqs.ReceiveInput{Wait: 20 * time.Second})
		if waited := time.Since(start); len(got) != 0 || waited != 20*time.Second {
			t.Errorf("got %d messages after %v, want none after 20s", len(got), waited)
		}
		// Nobody waits any more: the next message stays in the queue.
		send(t, s, arn, sqs.Outgoing{Body: "x"})
		if i := info(t, s, arn); i.Visible != 1 || i.InFlight != 0 {
			t.Errorf("counts are %+v, want one visible", i)
		}
	})
}

func TestLongPollsAreServedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		arn := create(t, s, "q", nil)
		order := make(chan int, 3)
		for i := range 3 {
			go func() {
				if got, _ := s.Receive(context.Background(), arn, sqs.ReceiveInput{Wait: time.Minute}); len(got) == 1 {
					order <- i
				}
			}()
			synctest.Wait()
		}
		for want := range 3 {
			send(t, s, arn, sqs.Outgoing{Body: "x"})
			if got := <-order; got != want {
				t.Errorf("receive %d was served, want %d", got, want)
			}
		}
	})
}

func TestReceiveEndsEarly(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(s *sqs.Service, cancel context.CancelFunc, queueURL string)
		want error
	}{
		{"context", func(_ *sqs.Service, cancel context.CancelFunc, _ string) { cancel() }, context.Canceled},
		{"close", func(s *sqs.Service, _ context.CancelFunc, _ string) { _ = s.Close() }, sqs.ErrClosed},
		{"queue deleted", func(s *sqs.Service, _ context.CancelFunc, url string) {
			request(s, "DeleteQueue", `{"QueueUrl":"`+url+`"}`)
		}, sqs.ErrQueueDoesNotExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				arn := create(t, s, "q", nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				start := time.Now()
				go func() {
					time.Sleep(time.Second)
					c.end(s, cancel, s.QueueURL("host", arn))
				}()
				_, err := s.Receive(ctx, arn, sqs.ReceiveInput{Wait: time.Hour})
				if !errors.Is(err, c.want) || time.Since(start) != time.Second {
					t.Errorf("error %v after %v, want %v after 1s", err, time.Since(start), c.want)
				}
			})
		})
	}
}

// TestReceiveCancelledLeavesNothingInFlight races sends with cancelled
// receives: each message is either returned to a caller or visible.
func TestReceiveCancelledLeavesNothingInFlight(t *testing.T) {
	s := newService(t)
	arn := create(t, s, "q", hidden)
	const rounds = 2000
	held := 0
	for range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(cancel)
		group.Go(func() { send(t, s, arn, sqs.Outgoing{Body: "x"}) })
		got, err := s.Receive(ctx, arn, sqs.ReceiveInput{Max: 10, Wait: time.Minute})
		group.Wait()
		cancel()
		if err != nil && len(got) > 0 {
			t.Fatalf("%d messages beside the error %v", len(got), err)
		}
		held += len(got)
	}
	if i := info(t, s, arn); i.InFlight != held || i.Visible != rounds-held {
		t.Errorf("%d in flight and %d visible, want %d and %d", i.InFlight, i.Visible, held, rounds-held)
	}
}
