// Package export is the handler of jobs.Export: it streams a large generated table to the store, with progress in the log.
//
// The object is exports/<task id>.csv (RFC 4180 with LF as line end): a header line and as many orders as were asked for.
// The rows follow from the task id and the row number alone, so a second run of the same task writes the same bytes
// over the first. Rows are made while the store reads them: memory does not grow with the table. An attempt that is
// cancelled leaves no object, and the next one starts from the first row.
package export

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/offloadhq/offload/jobs"
)

// Options of [New]. Nil means the defaults.
type Options struct {
	// Logger gets a line at the start and at the end of an export, one for each tenth of it, and one every 10 s, all
	// at the level Info. Default slog.Default().
	Logger *slog.Logger
}

// Handler writes exports. Make one with [New]. It is safe for concurrent use if its store is.
type Handler struct {
	store jobs.Store
	log   *slog.Logger
}

// New returns a handler that writes into store.
func New(store jobs.Store, opts *Options) *Handler {
	h := &Handler{store: store, log: slog.Default()}
	if opts != nil && opts.Logger != nil {
		h.log = opts.Logger
	}
	return h
}

// Handle writes the table and returns when the store has it. It stops soon after ctx ends, with the error of ctx. Bad
// arguments are permanent; errors of the store are as the store marks them.
func (h *Handler) Handle(ctx context.Context, args jobs.Table) error {
	info, err := jobs.Begin(ctx, args)
	if err != nil {
		return err
	}
	key := jobs.ExportPrefix + info.ID + ".csv"
	log := h.log.With("task", info.ID, "key", key)
	start := time.Now()
	log.InfoContext(ctx, "export started", "rows", args.Rows, "attempt", info.Attempt)

	rows := newTable(info.ID, args.Rows)
	p := progress{total: args.Rows, logged: start}
	var bytes int64
	source := readerFunc(func(buf []byte) (int, error) {
		if err := ctx.Err(); err != nil { // in case the store does not look
			return 0, err
		}
		n, err := rows.Read(buf)
		bytes += int64(n)
		if now := time.Now(); p.due(rows.next, now) {
			log.InfoContext(ctx, "export running", "rows", rows.next, "percent", percent(rows.next, args.Rows), "took", now.Sub(start))
		}
		return n, err
	})
	if err := h.store.Put(ctx, key, source); err != nil {
		return fmt.Errorf("export %q: at row %d of %d: %w", info.ID, rows.next, args.Rows, err)
	}
	log.InfoContext(ctx, "export done", "rows", args.Rows, "bytes", bytes, "took", time.Since(start))
	return nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// quiet is the longest silence of a running export.
const quiet = 10 * time.Second

// progress decides when a line is due.
type progress struct {
	total, tenth int
	logged       time.Time
}

// due is true when another tenth is done, the last one excepted, or quiet has passed.
func (p *progress) due(done int, now time.Time) bool {
	tenth := percent(done, p.total) / 10
	if tenth == 10 || tenth == p.tenth && now.Sub(p.logged) < quiet {
		return false
	}
	p.tenth, p.logged = tenth, now
	return true
}

func percent(done, total int) int {
	if total == 0 {
		return 100
	}
	return int(int64(done) * 100 / int64(total))
}
