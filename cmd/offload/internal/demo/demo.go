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

	"golang.org/x/sync/errgroup"

	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/internal/cli"
)

const (
	// limit bounds the time from the first request to the end of the last task.
	limit = 120 * time.Second
	// startTimeout bounds the start of the API.
	startTimeout = 30 * time.Second
	// stopTimeout bounds each step of the end.
	stopTimeout = 10 * time.Second
	// maxBackoff shortens the waits between attempts, which would take hours otherwise.
	maxBackoff = time.Second
)

var (
	// ErrFailed says that the account is not as planned; what is wrong was printed.
	ErrFailed = errors.New("demo: the account is not as planned")
	// ErrStopped says that the context has ended before there was an account.
	ErrStopped = errors.New("demo: stopped before its end: there is no account")
)

// Options say where the parts are.
type Options struct {
	Template string    // the SAM template
	Dir      string    // the checkout, where examples/api is
	Stdout   io.Writer // must be safe for concurrent use
}

// Run builds and starts everything, drives the requests and prints the account. It returns ErrFailed if a task is lost,
// or if the dead letters are not exactly the tasks that were made to fail for good, and ErrStopped when ctx ends before
// that is known. It leaves no process and no file behind, but the built functions.
func Run(ctx context.Context, o Options) (err error) {
	tmp, err := os.MkdirTemp("", "offload-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	err = run(ctx, o, tmp)
	if ctx.Err() != nil && !errors.Is(err, ErrFailed) {
		return ErrStopped // whatever else went wrong did so because of that
	}
	return err
}

func run(ctx context.Context, o Options, tmp string) (err error) {
	fmt.Fprintln(o.Stdout, "building examples/api")
	binary, err := buildAPI(ctx, o.Dir, tmp)
	if err != nil {
		return err
	}
	receiver, err := startReceiver()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cli.StopWithin(ctx, stopTimeout, receiver.close)) }()
	requests, err := plan(receiver.URL, 1)
	if err != nil {
		return err
	}
	d := &demo{stdout: o.Stdout, out: filepath.Join(tmp, "out"), payloads: filepath.Join(tmp, "payloads"), limit: limit, within: context.WithTimeout, tally: newTally(len(requests)), starts: newStarts()}
	e, err := d.startEmulator(ctx, o.Template)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cli.StopWithin(ctx, stopTimeout, e.Close)) }()
	env := e.Environment()
	env["OFFLOAD_PAYLOADS_DIR"] = d.payloads
	gate, err := startGate(e.Endpoint())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cli.StopWithin(ctx, stopTimeout, gate.close)) }()
	host, err := startHost(ctx, binary, env, tmp, gate, o.Stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cli.StopWithin(ctx, stopTimeout, host.stop)) }()
	d.disaster = host.disaster
	fmt.Fprintf(o.Stdout, "API %s, AWS endpoint %s\n\n", host.api.url, e.Endpoint())
	effects, err := newEffects(ctx, d.out, receiver, e.Environment())
	if err != nil {
		return err
	}
	return d.drive(ctx, host.api.url, requests, effects)
}

type demo struct {
	stdout   io.Writer
	out      string                                                                     // directory of the results
	payloads string                                                                     // directory of what is too large for a message
	limit    time.Duration                                                              // from the first request to the end of the last task
	within   func(context.Context, time.Duration) (context.Context, context.CancelFunc) // keeps the limit
	tally    *tally
	starts   *starts

	disaster func(context.Context, *load) (left int, err error) // nil: none
}

func (d *demo) startEmulator(ctx context.Context, template string) (*emulator.Emulator, error) {
	anyPort := 0
	return emulator.Start(ctx, &emulator.Options{
		Template: template,
		Port:     &anyPort,
		Output:   d.stdout,
		OnLog:    d.starts.line,
		Env: map[string]string{
			"OUT": d.out, "OFFLOAD_PAYLOADS_DIR": d.payloads, "OFFLOAD_DEV": "1", "OFFLOAD_MAX_BACKOFF": maxBackoff.String(),
		},
		RetryDelays: []time.Duration{time.Second, time.Second},
	})
}

// drive sends the requests, waits until every task has ended, and judges.
func (d *demo) drive(ctx context.Context, url string, requests []request, effects *effects) error {
	bounded, cancel := d.within(ctx, d.limit)
	defer cancel()
	load := startLoad(bounded, url, requests)
	var group errgroup.Group
	if d.disaster != nil {
		group.Go(func() (err error) {
			d.tally.left, err = d.disaster(bounded, load)
			d.tally.killed = err == nil
			if err != nil {
				cancel() // nobody listens any more
			}
			return err
		})
	}
	err := d.wait(bounded, load, effects)
	late := bounded.Err() != nil
	cancel()
	<-load.done
	if broken := group.Wait(); broken != nil && !errors.Is(broken, context.Canceled) && !errors.Is(broken, context.DeadlineExceeded) {
		return broken
	}
	load.into(d.tally)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case late:
		d.tally.late = d.limit
	case err != nil:
		return err
	}
	return d.judge()
}

// wait looks at the effects until all requests are answered, all tasks have ended and the queues are empty, and tells once
// a second how far they are.
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
			if empty, err := e.queuesAreEmpty(ctx); err != nil || empty {
				return errors.Join(err, e.look(ctx, d.tally)) // what has come meanwhile
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tell.C:
			fired := len(d.tally.fired)
			fmt.Fprintf(d.stdout, "%4d of %d fired, %4d ended, %d of them dead letters\n",
				fired, d.tally.planned, fired-len(d.tally.lost()), len(d.tally.dead))
		case <-look.C:
		}
	}
}

func (d *demo) judge() error {
	d.starts.into(d.tally)
	if err := d.tally.look(d.payloads); err != nil {
		return err
	}
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
