package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/emulator/sqs"
)

const day = 24 * time.Hour

// hidden are the attributes of a queue whose messages stay with their receiver for as long as a test may take.
var hidden = map[string]string{"VisibilityTimeout": "43200"}

func newService(t testing.TB) *sqs.Service {
	t.Helper()
	s, err := sqs.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func create(t testing.TB, s *sqs.Service, name string, attributes map[string]string) string {
	t.Helper()
	arn, err := s.CreateQueue(name, attributes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func send(t testing.TB, s *sqs.Service, arn string, o sqs.Outgoing) string {
	t.Helper()
	id, err := s.Send(t.Context(), arn, o)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func receive(t testing.TB, s *sqs.Service, arn string, in sqs.ReceiveInput) []sqs.Message {
	t.Helper()
	got, err := s.Receive(t.Context(), arn, in)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func info(t testing.TB, s *sqs.Service, arn string) sqs.QueueInfo {
	t.Helper()
	i, err := s.Attributes(t.Context(), arn)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestC11_DeadLetterKeepsItsEnqueueTime runs 15 virtual days: a message that
// spent 3 days in the source has 11 of 14 days left in the dead-letter queue.
func TestC11_DeadLetterKeepsItsEnqueueTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		dead := create(t, s, "dead", map[string]string{"MessageRetentionPeriod": "1209600"})
		q := create(t, s, "q", map[string]string{
			"MessageRetentionPeriod": "345600", "VisibilityTimeout": "30",
			"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, dead),
		})
		sent := time.Now()
		id := send(t, s, q, sqs.Outgoing{Body: "poison"})
		time.Sleep(3*day - time.Minute)
		for range 2 {
			if got := receive(t, s, q, sqs.ReceiveInput{Wait: time.Minute}); len(got) != 1 {
				t.Fatal("the message is not in the source")
			}
		}
		if got := receive(t, s, q, sqs.ReceiveInput{Wait: 31 * time.Second}); len(got) != 0 {
			t.Fatalf("received %d times", got[0].Receives)
		}
		second := time.Second
		got := receive(t, s, dead, sqs.ReceiveInput{Visibility: &second})
		if len(got) != 1 || got[0].ID != id || !got[0].SentAt.Equal(sent) || got[0].DeadLetterSourceARN != q {
			t.Fatalf("dead letter %+v, want id %s, sent %v, source %s", got, id, sent, q)
		}
		time.Sleep(time.Until(sent.Add(14*day - 1)))
		if i := info(t, s, dead); i.Visible != 1 {
			t.Errorf("gone before 14 days: %+v", i)
		}
		time.Sleep(time.Nanosecond)
		if i := info(t, s, dead); i.Visible != 0 {
			t.Errorf("still there after 14 days: %+v", i)
		}
		time.Sleep(day)
	})
}

// TestC11_ShortDeadLetterQueueLoses shows the fault that the 14 days guard
// against: with 4 days on both queues a dead letter has what is left of 4 days.
func TestC11_ShortDeadLetterQueueLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		dead := create(t, s, "dead", nil)
		q := create(t, s, "q", map[string]string{
			"VisibilityTimeout": "1",
			"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, dead),
		})
		send(t, s, q, sqs.Outgoing{Body: "poison"})
		time.Sleep(4*day - time.Hour)
		receive(t, s, q, sqs.ReceiveInput{})
		receive(t, s, q, sqs.ReceiveInput{Wait: 2 * time.Second})
		if i := info(t, s, dead); i.Visible != 1 {
			t.Fatalf("not dead-lettered: %+v", i)
		}
		time.Sleep(time.Hour)
		if i := info(t, s, dead); i.Visible != 0 {
			t.Errorf("the retention began anew: %+v", i)
		}
	})
}

// A receive that waits on the dead-letter queue wakes when a receive on the
// source moves a message there, whichever queue was waited on first.
func TestC10_RedriveWakesADeadLetterPoll(t *testing.T) {
	for _, deadFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("deadFirst=%v", deadFirst), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				dead := create(t, s, "dead", nil)
				q := create(t, s, "q", map[string]string{
					"VisibilityTimeout": "5",
					"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, dead),
				})
				send(t, s, q, sqs.Outgoing{Body: "poison"})
				receive(t, s, q, sqs.ReceiveInput{})
				start := time.Now()
				woken := make(chan time.Duration, 1)
				waitDead := func() {
					if got, _ := s.Receive(context.Background(), dead, sqs.ReceiveInput{Wait: time.Minute}); len(got) == 1 {
						woken <- time.Since(start)
					}
				}
				waitSource := func() { _, _ = s.Receive(context.Background(), q, sqs.ReceiveInput{Wait: time.Minute}) }
				if !deadFirst {
					waitDead, waitSource = waitSource, waitDead
				}
				go waitDead()
				synctest.Wait()
				go waitSource()
				if at := <-woken; at != 5*time.Second {
					t.Errorf("woken after %v, want 5s", at)
				}
				time.Sleep(time.Minute) // let the source's receive end
			})
		})
	}
}

func TestReceiveTakesMappingBatches(t *testing.T) {
	s := newService(t)
	arn := create(t, s, "q", hidden)
	for range 10_100 {
		send(t, s, arn, sqs.Outgoing{Body: "x"})
	}
	got := receive(t, s, arn, sqs.ReceiveInput{Max: 10_000})
	if len(got) != 10_000 {
		t.Fatalf("received %d, want 10,000", len(got))
	}
	handles := make([]string, len(got))
	for i := range got {
		handles[i] = got[i].ReceiptHandle
	}
	if err := s.Delete(t.Context(), arn, handles...); err != nil {
		t.Fatal(err)
	}
	if i := info(t, s, arn); i.Visible != 100 || i.InFlight != 0 {
		t.Errorf("left: %+v, want 100 visible", i)
	}
}

func TestInProcessErrors(t *testing.T) {
	s := newService(t)
	arn := create(t, s, "q", nil)
	other := create(t, s, "other", nil)
	send(t, s, other, sqs.Outgoing{Body: "x"})
	foreign := receive(t, s, other, sqs.ReceiveInput{})[0].ReceiptHandle
	ctx := t.Context()
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"queue that is not there":    {second(s.Send(ctx, arn+"x", sqs.Outgoing{Body: "x"})), sqs.ErrQueueDoesNotExist},
		"ARN of another region":      {second(s.Attributes(ctx, "arn:aws:sqs:eu-west-1:000000000000:q")), sqs.ErrQueueDoesNotExist},
		"same name, other value":     {second(s.CreateQueue("q", map[string]string{"DelaySeconds": "1"}, nil)), sqs.ErrQueueNameExists},
		"handle of another queue":    {s.Delete(ctx, arn, foreign), sqs.ErrReceiptInvalid},
		"no handle":                  {s.ChangeVisibility(ctx, arn, "", 0), sqs.ErrReceiptInvalid},
		"FIFO":                       {second(s.CreateQueue("q.fifo", nil, nil)), &sqs.Error{Code: "UnsupportedOperation"}},
		"too long a delay":           {second(s.Send(ctx, arn, sqs.Outgoing{Body: "x", Delay: new(15*time.Minute + 1)})), &sqs.Error{Code: "InvalidParameterValue"}},
		"negative visibility":        {s.ChangeVisibility(ctx, other, foreign, -1), nil},
		"visibility beyond 12 h":     {second(s.Receive(ctx, arn, sqs.ReceiveInput{Visibility: new(12*time.Hour + 1)})), nil},
		"more than a mapping's max":  {second(s.Receive(ctx, arn, sqs.ReceiveInput{Max: 10_001})), nil},
		"options: account, region":   {second(sqs.New(&sqs.Options{AccountID: "12", Region: "a b"})), nil},
		"dead-letter queue missing":  {second(s.CreateQueue("r", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:no","maxReceiveCount":3}`}, nil)), &sqs.Error{Code: "InvalidParameterValue"}},
		"its own dead-letter queue":  {second(s.CreateQueue("r", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:r","maxReceiveCount":3}`}, nil)), &sqs.Error{Code: "InvalidParameterValue"}},
		"context ended before":       {second(s.Receive(cancelled(), arn, sqs.ReceiveInput{Wait: time.Hour})), context.Canceled},
		"illegal character":          {second(s.Send(ctx, arn, sqs.Outgoing{Body: "\x00"})), &sqs.Error{Code: "InvalidMessageContents"}},
		"empty body":                 {second(s.Send(ctx, arn, sqs.Outgoing{})), &sqs.Error{Code: "MissingParameter"}},
		"unknown attribute of queue": {second(s.CreateQueue("r", map[string]string{"Colour": "red"}, nil)), &sqs.Error{Code: "InvalidAttributeName"}},
	} {
		if c.err == nil || c.want != nil && !errors.Is(c.err, c.want) {
			t.Errorf("%s: error %v, want %v", name, c.err, c.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestEverythingAfterCloseIsErrClosed(t *testing.T) {
	s := newService(t)
	arn := create(t, s, "q", nil)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Send(t.Context(), arn, sqs.Outgoing{Body: "x"}); !errors.Is(err, sqs.ErrClosed) {
		t.Errorf("Send: %v", err)
	}
	if _, err := s.Receive(t.Context(), arn, sqs.ReceiveInput{Wait: time.Hour}); !errors.Is(err, sqs.ErrClosed) {
		t.Errorf("Receive: %v", err)
	}
	if answer := request(s, "ListQueues", "{}"); answer.Code != 503 {
		t.Errorf("HTTP status %d, want 503", answer.Code)
	}
}

func TestSystemAttributes(t *testing.T) {
	s := newService(t)
	arn := create(t, s, "q", nil)
	send(t, s, arn, sqs.Outgoing{Body: "x", TraceHeader: "Root=1-2-3", GroupID: "tenant-7"})
	got := receive(t, s, arn, sqs.ReceiveInput{})[0]
	all := got.SystemAttributes()
	if all["AWSTraceHeader"] != "Root=1-2-3" || all["MessageGroupId"] != "tenant-7" || all["ApproximateReceiveCount"] != "1" {
		t.Errorf("attributes are %v", all)
	}
	if want := fmt.Sprint(got.SentAt.UnixMilli()); all["SentTimestamp"] != want || all["SenderId"] == "" {
		t.Errorf("attributes are %v, want SentTimestamp %s and a sender", all, want)
	}
	if _, there := all["DeadLetterQueueSourceArn"]; there {
		t.Error("a source for a message that was not dead-lettered")
	}
}
