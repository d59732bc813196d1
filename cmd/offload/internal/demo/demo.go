// Package demo drives the whole of a template once: a thousand requests through the example API, on both roads, with
// failures on purpose, and an account of what became of every task.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/offloadhq/offload/emulator"
)

const (
	// limit bounds the time from the first request to the end of the last task.
	limit = 120 * time.Second
	// stopTimeout bounds each step of the end.
	stopTimeout = 10 * time.Second
	// maxBackoff shortens the waits between attempts, which would take hours otherwise.
	maxBackoff = time.Second
)

// ErrFailed says that the account is not as planned; what is wrong was printed.
var ErrFailed = errors.New("demo: the account is not as planned")

// Options say where the parts are.
type Options struct {
	Template string // the SAM template
	Dir      string // the checkout, where examples/api is
	Stdout   io.Writer
}

// Run builds and starts everything, drives the requests and prints the account. It returns ErrFailed if a task is lost,
// or if the dead letters are not exactly the tasks that were made to fail for good. It leaves no process behind.
func Run(ctx context.Context, o Options) (err error) {
	tmp, err := os.MkdirTemp("", "offload-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	binary, err := buildAPI(ctx, o.Dir, tmp)
	if err != nil {
		return err
	}
	receiver, err := startReceiver()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopWithin(ctx, receiver.close)) }()
	d := &demo{stdout: o.Stdout, receiver: receiver, out: filepath.Join(tmp, "out"), tally: newTally(), starts: newStarts()}
	e, err := d.startEmulator(ctx, o.Template)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopWithin(ctx, e.Close)) }()
	api, err := startAPI(ctx, binary, e.Environment())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopWithin(ctx, api.process.Stop)) }()
	fmt.Fprintf(o.Stdout, "API %s, AWS endpoint %s\n\n", api.url, e.Endpoint())
	return d.drive(ctx, api.url, e)
}

type demo struct {
	stdout   io.Writer
	receiver *receiver
	out      string // directory of the results
	tally    *tally
	starts   *starts
}

func (d *demo) startEmulator(ctx context.Context, template string) (*emulator.Emulator, error) {
	anyPort := 0
	return emulator.Start(ctx, &emulator.Options{
		Template: template,
		Port:     &anyPort,
		Output:   d.stdout,
		OnLog:    d.starts.line,
		Env: map[string]string{
			"OUT": d.out, "OFFLOAD_DEV": "1", "OFFLOAD_MAX_BACKOFF": maxBackoff.String(),
		},
		RetryDelays: []time.Duration{time.Second, time.Second},
	})
}

// drive sends the requests, waits until every task has ended, and judges.
func (d *demo) drive(ctx context.Context, url string, e *emulator.Emulator) error {
	requests, err := plan(d.receiver.URL, 1)
	if err != nil {
		return err
	}
	effects, err := newEffects(ctx, d.out, d.receiver, e.Environment())
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	load := startLoad(bounded, url, requests)
	err = d.wait(bounded, load, effects)
	cancel()
	<-load.done
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // stopped by the user: there is no account
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Fprintf(d.stdout, "not all tasks have ended within %v\n", limit)
	case err != nil:
		return err
	}
	return d.judge()
}

// wait looks at the effects until all requests are answered and all tasks have ended, and tells once a second how far
// they are.
func (d *demo) wait(ctx context.Context, l *load, e *effects) error {
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	tell := time.NewTicker(time.Second)
	defer tell.Stop()
	for {
		loaded := l.ended() // before the look, so that no task fired after it is missed
		l.into(d.tally)
		if err := e.look(ctx, d.tally); err != nil {
			return err
		}
		if loaded && len(d.tally.lost()) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tell.C:
			fired := len(d.tally.fired)
			fmt.Fprintf(d.stdout, "%4d of %d fired, %4d ended, %d of them dead letters\n",
				fired, Requests, fired-len(d.tally.lost()), len(d.tally.dead))
		case <-look.C:
		}
	}
}

func (d *demo) judge() error {
	d.starts.into(d.tally)
	problems := d.tally.problems()
	fmt.Fprintln(d.stdout)
	for _, problem := range problems {
		fmt.Fprintln(d.stdout, problem)
	}
	if err := d.tally.print(d.stdout); err != nil {
		return err
	}
	if len(problems) > 0 {
		return ErrFailed
	}
	return nil
}

func stopWithin(ctx context.Context, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return stop(ctx)
}
