package client_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// childEnv makes the test binary play a web host that is to be killed; its value is a childConfig.
const childEnv = "OFFLOAD_CLIENT_TEST_CHILD"

type childConfig struct {
	URL   string // of the queue; "": every request is refused
	Mode  client.Mode
	Dir   string       // of the journal, in the mode Journaled
	Sync  journal.Sync // of it
	Rate  int          // tasks a second, by callers that do not wait for each other
	Tasks int          // fire so many and report, instead of until a signal

	MaxPending int           // of the client; 0: its default
	Patience   time.Duration // of Close
}

// loopback sends task ids to a server, a line each.
type loopback struct {
	url    string
	client *http.Client
}

func newLoopback(url string) *loopback {
	return &loopback{url, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: client.DefaultMaxSenders}}}
}

func (*loopback) Limits() transport.Limits { return transport.Limits{Items: 10, BatchBytes: 1 << 20} }

var errRefused = errors.New("refused")

func (l *loopback) Send(ctx context.Context, batch []task.Envelope) ([]transport.Result, error) {
	if l.url == "" {
		return slices.Repeat([]transport.Result{{Outcome: transport.Rejected, Err: errRefused}}, len(batch)), errRefused
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, strings.NewReader(strings.Join(ids(batch), "\n")))
	if err != nil {
		return nil, err
	}
	response, err := l.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", response.Status)
	}
	return slices.Repeat([]transport.Result{{Outcome: transport.Accepted}}, len(batch)), nil
}

// runChild is the main of the child. It prints what Fire has promised, line by line, each with one system call: what is
// printed survives the process.
func runChild(config string) error {
	var x childConfig
	if err := json.Unmarshal([]byte(config), &x); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var hooked atomic.Int64
	opts := &client.Options{Mode: x.Mode, Source: "child", MaxPending: x.MaxPending, OnDrop: func(client.Receipt) { hooked.Add(1) }}
	if x.Mode == client.Journaled {
		j, err := journal.Open(x.Dir, &journal.Options{Sync: x.Sync, SegmentBytes: 1 << 20, AdoptEvery: time.Second})
		if err != nil {
			return err
		}
		defer j.Close() //nolint:errcheck // what is lost, the parent finds
		opts.Journal = j
	}
	c, err := client.New(newLoopback(x.URL), opts)
	if err != nil {
		return err
	}
	bound := c.Stats().Bound
	fmt.Printf("bound %d %d\n", bound.Tasks, bound.Bytes)
	if x.Tasks > 0 {
		return fireAll(ctx, c, x.Tasks, &hooked)
	}
	fireUntil(ctx, c, x)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.Patience)
	defer cancel()
	begun := time.Now()
	closed, _ := errors.AsType[*client.CloseError](c.Close(closing))
	var out bytes.Buffer
	if closed != nil {
		for _, r := range closed.Undelivered {
			fmt.Fprintf(&out, "returned %s\n", r.ID)
		}
	}
	fmt.Fprintf(&out, "closed %v\n", time.Since(begun))
	_, err = out.WriteTo(os.Stdout)
	return err
}

// fireUntil fires at the rate of x, if it has one. Where Fire waits each task has a caller of its own.
func fireUntil(ctx context.Context, c *client.Client, x childConfig) {
	one := func(i int) {
		switch r, err := c.Fire(context.Background(), number.With(i)); {
		case err == nil:
			_, _ = os.Stdout.WriteString("fired " + r.ID + "\n")
		case errors.Is(err, client.ErrBufferFull):
			_, _ = os.Stdout.WriteString("full " + r.ID + "\n")
		}
	}
	if x.Rate == 0 {
		<-ctx.Done()
	}
	begun := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		if wait := time.Duration(i)*time.Second/time.Duration(x.Rate) - time.Since(begun); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
		if x.Mode != client.Buffered {
			go one(i)
		} else {
			one(i)
		}
	}
}

// fireAll fires n tasks of 512 bytes as fast as it can, and reports.
func fireAll(ctx context.Context, c *client.Client, n int, hooked *atomic.Int64) error {
	payload := strings.Repeat("x", 512)
	const step, most = 100 * time.Nanosecond, 10_000
	var took [most + 1]int // a histogram: what is measured is the client's memory
	accepted, full := 0, 0
	for range n {
		begun := time.Now()
		_, err := c.Fire(ctx, text.With(payload))
		took[min(time.Since(begun)/step, most)]++
		switch {
		case err == nil:
			accepted++
		case errors.Is(err, client.ErrBufferFull):
			full++
		default:
			return err
		}
	}
	quantile := func(rank int) time.Duration {
		for i, count := range took {
			if rank -= count; rank < 0 {
				return time.Duration(i+1) * step
			}
		}
		return most * step
	}
	live := liveHeap()
	s := c.Stats()
	fmt.Printf("report %d %d %d %d %d %d %d %d\n",
		accepted, full, s.Dropped, hooked.Load(), s.AtRisk().Tasks, quantile(n/2), quantile(n*99/100), live)
	return nil
}

// liveHeap is what is left on the heap after a collection, in bytes: what the client holds, whatever the machine.
func liveHeap() uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// childMain runs the child if this process is one.
func childMain() {
	config, ok := os.LookupEnv(childEnv)
	if !ok {
		return
	}
	if err := runChild(config); err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

// lines reads what a child prints, to its end.
func lines(s *bufio.Scanner, line func(word, rest string)) {
	for s.Scan() {
		if word, rest, found := strings.Cut(s.Text(), " "); found { // the last one may be torn
			line(word, rest)
		}
	}
}
