package demo

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/offloadhq/offload/client/journal"
)

// The disaster: when so many requests are answered the queues go away, and so much later the host is killed.
const (
	disasterAfter = Requests * 2 / 5
	outageBefore  = time.Second
)

// host is the example web host in the mode Journaled, behind a gate, from one life to the next.
type host struct {
	binary  string
	env     map[string]string
	journal string // its directory
	gate    *gate
	api     *api // of the current life
	stdout  io.Writer
}

// startHost starts the web host with a journal in dir.
func startHost(ctx context.Context, binary string, env map[string]string, dir string, g *gate, stdout io.Writer) (*host, error) {
	h := &host{binary: binary, env: maps.Clone(env), journal: filepath.Join(dir, "journal"), gate: g, stdout: stdout}
	h.env["AWS_ENDPOINT_URL"] = g.URL
	h.env["OFFLOAD_MODE"], h.env["OFFLOAD_JOURNAL"] = "journaled", h.journal
	h.env["ADDR"] = "127.0.0.1:0"
	var err error
	if h.api, err = startAPI(ctx, binary, h.env); err != nil {
		return nil, err
	}
	h.env["ADDR"] = strings.TrimPrefix(h.api.url, "http://") // the next life has the same
	return h, nil
}

// disaster takes the queues away, kills the host while it answers on, starts it again and gives the queues back. It
// returns how many tasks were in the journal of the dead.
func (h *host) disaster(ctx context.Context, l *load) (left int, err error) {
	if !l.answered(ctx, disasterAfter) {
		return 0, ctx.Err()
	}
	l.troubled.Store(true)
	defer l.troubled.Store(false)
	h.gate.shut.Store(true)
	defer h.gate.shut.Store(false)
	fmt.Fprintln(h.stdout, "the queues are away; the host answers on, and writes what it cannot send to its journal")
	select {
	case <-time.After(outageBefore):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	h.api.process.Kill()
	holders, err := journal.Inspect(h.journal)
	if err != nil {
		return 0, err
	}
	for _, x := range holders {
		left += x.Records
	}
	fmt.Fprintf(h.stdout, "the host is killed (SIGKILL) with %d tasks in its journal, and starts again\n", left)
	h.api, err = startAPI(ctx, h.binary, h.env)
	if err != nil {
		return left, err
	}
	fmt.Fprintln(h.stdout, "the queues are back")
	return left, nil
}

func (h *host) stop(ctx context.Context) error { return h.api.process.Stop(ctx) }
