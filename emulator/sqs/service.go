// Package sqs is an SQS-compatible queue service for one machine: the queues of
// the emulator, over HTTP in the AWS JSON protocol and in process. It is for
// development and tests.
//
// Delivery is that of a standard queue, at least once: a message that was
// received and not deleted comes back after its visibility timeout, and goes to
// the dead-letter queue once it was received too often. Messages live in memory
// and end with the process. FIFO queues are refused.
package sqs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Options configure a Service. The zero value of each field is its default.
type Options struct {
	Region    string       // default us-east-1
	AccountID string       // 12 digits; default 000000000000
	Logger    *slog.Logger // requests are logged at debug level; default: nothing is logged
}

// Service holds queues and answers for them. All methods may be called
// concurrently. It must be closed.
type Service struct {
	options  Options
	commands chan command
	stop     chan struct{} // closed by Close
	done     chan struct{} // closed by the owner when it has ended
	closing  sync.Once
}

// command is run by the owner of the state, the only goroutine that touches it.
type command struct {
	run  func(o *owner, now time.Time)
	done chan struct{}
}

// New starts a service with no queues. A nil opts is all defaults.
func New(opts *Options) (*Service, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.AccountID = cmp.Or(o.AccountID, "000000000000")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Service{
		options:  o,
		commands: make(chan command),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
	}
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	go s.own(&owner{registry: newRegistry(o.Region, o.AccountID, random)})
	return s, nil
}

func (o Options) validate() error {
	var problems []error
	for i := range len(o.Region) {
		if c := o.Region[i]; !alphanumeric(c) && c != '-' {
			problems = append(problems, fmt.Errorf("sqs: option Region %q: want a name such as us-east-1", o.Region))
			break
		}
	}
	digits := 0
	for i := range len(o.AccountID) {
		if c := o.AccountID[i]; c >= '0' && c <= '9' {
			digits++
		}
	}
	if digits != 12 || len(o.AccountID) != 12 {
		problems = append(problems, fmt.Errorf("sqs: option AccountID %q: want 12 digits", o.AccountID))
	}
	return errors.Join(problems...)
}

// Close ends the service and drops all messages. Waiting calls return
// ErrClosed. It returns when the service's goroutine has ended, and always nil;
// a second Close does nothing.
func (s *Service) Close() error {
	s.closing.Do(func() { close(s.stop) })
	<-s.done
	return nil
}

// own runs commands one by one and wakes waiting receives when a hidden message
// becomes visible.
func (s *Service) own(o *owner) {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case c := <-s.commands:
			c.run(o, time.Now())
			close(c.done)
		case <-timer.C:
		case <-s.stop:
			o.closeAll()
			return
		}
		if at, ok := o.serve(time.Now()); ok {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
	}
}

// do has the owner run f and waits for it. ctx can end the wait for a turn
// only: once f has begun, it completes.
func (s *Service) do(ctx context.Context, f func(o *owner, now time.Time)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := command{f, make(chan struct{})}
	select {
	case s.commands <- c:
		<-c.done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return ErrClosed
	}
}
