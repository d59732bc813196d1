// Package crash kills processes that fire, and counts what was lost.
package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/offloadhq/offload/bench/internal/payload"
	"github.com/offloadhq/offload/bench/internal/queue"
	"github.com/offloadhq/offload/client"
)

// Plan is what the process does that is killed.
type Plan struct {
	Server queue.Server
	Mode   client.Mode
	Ledger string // its file
	Rate   int    // fires a second; 0: as fast as it can
	Tasks  int    // fires in all

	MaxPending int // of the client; 0: its default
}

// callers is enough for 5,000 fires a second that wait 10 ms each.
const callers = 128

// Fire does what the plan says, and then waits for SIGTERM, whereupon it closes the client and returns.
func Fire(ctx context.Context, p Plan) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	l, err := OpenLedger(p.Ledger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	c, err := queue.NewClient(p.Server, &client.Options{Mode: p.Mode, MaxPending: p.MaxPending, ConfirmTimeout: patience, SendTimeout: patience})
	if err != nil {
		return err
	}
	l.SetBound(c.Stats().Bound.Tasks)
	if err := fireAll(ctx, c, l, p); err != nil {
		return err
	}
	<-ctx.Done()
	l.SetAtRisk(c.Stats().AtRisk().Tasks)
	last, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.Close(last)
}

func fireAll(ctx context.Context, c *client.Client, l *Ledger, p Plan) error {
	var tickets atomic.Int64
	var failed atomic.Pointer[error]
	began := time.Now()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for failed.Load() == nil && ctx.Err() == nil {
				ticket := tickets.Add(1)
				if ticket > int64(p.Tasks) {
					return
				}
				if p.Rate > 0 {
					time.Sleep(time.Until(began.Add(time.Duration(ticket) * time.Second / time.Duration(p.Rate))))
				}
				args := payload.New()
				_, err := c.Fire(ctx, payload.Placed.With(args))
				switch {
				case err == nil:
					err = l.Mark(args.Number)
				case p.MaxPending > 0 && errors.Is(err, client.ErrBufferFull):
					l.MarkFull()
					err = nil
				}
				if err != nil && ctx.Err() == nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return fmt.Errorf("fire: %w", *err)
	}
	return nil
}

// Main is the whole of the process: it writes its error and gives its exit code.
func Main(ctx context.Context, p Plan) int {
	if err := Fire(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
