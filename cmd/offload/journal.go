package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

func newJournal() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Show and empty the journal of a host that does not come back",
	}
	cmd.AddCommand(newJournalList(), newJournalDrain())
	return cmd
}

func newJournalList() *cobra.Command {
	return &cobra.Command{
		Use:   "ls DIR",
		Short: "Show what the processes of a host have in their journals",
		Long: `Show what lies in DIR, the directory that a host gives to journal.Open: a line for each process that has a part of it.
It changes nothing, and may run while hosts work there.

STATE is live (a process holds it), orphan (its process is dead: the next start, a living neighbour, or offload journal
drain sends what is in it), or gone (sent; what was put aside is left). ASIDE counts what was put aside for a person,
in the files named below the table: tasks that the queue refused for good, and damaged records.`,
		Example: "  offload journal ls /var/lib/shop/offload",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			holders, err := journal.Inspect(args[0])
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w: give the directory that the host gives to journal.Open", err)
			}
			if err != nil {
				return err
			}
			return printHolders(cmd.OutOrStdout(), holders, time.Now())
		},
	}
}

// printHolders writes a table, and below it what needs a person.
func printHolders(w io.Writer, holders []journal.Holder, now time.Time) error {
	if len(holders) == 0 {
		_, err := fmt.Fprintln(w, "nothing waits here")
		return err
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "JOURNAL\tSTATE\tPID\tSTARTED\tTASKS\tBYTES\tOLDEST\tASIDE")
	for _, h := range holders {
		pid, started, oldest := "-", "-", "-"
		if h.PID != 0 {
			pid = strconv.Itoa(h.PID)
		}
		if !h.Started.IsZero() {
			started = h.Started.Format(time.RFC3339)
		}
		if !h.Oldest.IsZero() {
			oldest = now.Sub(h.Oldest).Round(time.Second).String()
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%d\n",
			h.Name, stateOf(h), pid, started, h.Records, h.Bytes, oldest, h.Quarantined)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	for _, h := range holders {
		for _, file := range h.Quarantine {
			fmt.Fprintf(w, "put aside: %s\n", file)
		}
		if h.Damaged > 0 && !h.Locked {
			fmt.Fprintf(w, "%s: damaged records: %d; the next start puts them aside and reads on behind them\n", h.Name, h.Damaged)
		}
		if h.Err != nil {
			fmt.Fprintf(w, "%s: %v\n", h.Name, h.Err)
		}
	}
	return nil
}

func stateOf(h journal.Holder) string {
	switch {
	case h.Gone:
		return "gone"
	case h.Locked:
		return "live"
	case h.Err != nil && h.PID == 0 && h.Segments == 0: // a stray file
		return "-"
	}
	return "orphan"
}

// drain is one run of offload journal drain.
type drain struct {
	queueURL string
	routes   map[string]string // queue URLs by class
	stdout   io.Writer
}

func newJournalDrain() *cobra.Command {
	var d drain
	cmd := &cobra.Command{
		Use:   "drain DIR",
		Short: "Send the tasks that dead hosts have left in their journals",
		Long: `Send what dead processes have left in DIR, the directory that they gave to journal.Open. What a living process holds is left to
it. Tasks keep their ids, so one that had arrived already is the same task for whoever deduplicates.

Tasks of the class "" go to --queue-url, those of another class to its --route; without one they stay where they are. The route of a
class that went straight to a function is the queue of that function.
What is too large for a message goes to the directory OFFLOAD_PAYLOADS_DIR or the bucket OFFLOAD_PAYLOADS_BUCKET, as on the host; if
neither is set it stays too.

In an outage it waits, and tells why on standard error; Ctrl-C ends it, and what is not sent stays.

Exits 0 when nothing is left that it could take, 1 otherwise.`,
		Example: `  offload journal drain /var/lib/shop/offload --queue-url https://sqs.eu-central-1.amazonaws.com/123456789012/tasks
  offload journal drain /var/lib/shop/offload --route bulk=$OFFLOAD_BULK_QUEUE_URL --route direct=$OFFLOAD_QUEUE_URL`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.stdout = cmd.OutOrStdout()
			return d.run(cmd.Context(), args[0], slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
		},
	}
	cmd.Flags().StringVar(&d.queueURL, "queue-url", os.Getenv("OFFLOAD_QUEUE_URL"), "the queue's URL for tasks of no particular class; default $OFFLOAD_QUEUE_URL")
	cmd.Flags().StringToStringVar(&d.routes, "route", nil, "the queue's URL for a class, CLASS=URL; may be given more than once")
	return cmd
}

func (d *drain) run(ctx context.Context, dir string, log *slog.Logger) (err error) {
	if d.queueURL == "" {
		return errors.New("where to? give --queue-url, or set OFFLOAD_QUEUE_URL")
	}
	if _, err := os.Stat(dir); err != nil { // journal.Open would make it
		return fmt.Errorf("journal: %w: give the directory that the host gives to journal.Open", err)
	}
	sender, routes, err := d.senders(ctx)
	if err != nil {
		return err
	}
	held, err := heldByTheLiving(dir)
	if err != nil {
		return err
	}
	if held > 0 {
		fmt.Fprintln(d.stdout, "left to living processes:", held)
	}
	j, err := journal.Open(dir, &journal.Options{Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	c, err := client.New(sender, &client.Options{Mode: client.Journaled, Journal: j, Routes: routes, Source: "offload-journal", Logger: log})
	if err != nil {
		return err
	}
	flushed := d.flush(ctx, c)
	closed := c.Close(ctx)
	s := c.Stats()
	fmt.Fprintf(d.stdout, "sent %d, put aside %d, left %d\n", s.Accepted, s.Rejected+s.Unknown, left(s))
	if err := errors.Join(flushed, closed); err != nil {
		return err
	}
	if n := left(s); n > 0 {
		return fmt.Errorf("journal %q: %d tasks are left: the lines above tell why; a class without a route needs --route CLASS=URL", dir, n)
	}
	return nil
}

// heldByTheLiving are the tasks in parts of the journal that no other process may take.
func heldByTheLiving(dir string) (tasks int, err error) {
	holders, err := journal.Inspect(dir)
	for _, h := range holders {
		if h.Locked {
			tasks += h.Records
		}
	}
	return tasks, err
}

// left are the tasks that stay in the journal: those that were not reached, and those that have no way, which the client
// has refused to itself.
func left(s client.Stats) uint64 { return uint64(s.Backlog) + s.Kept + s.Refused }

func (d *drain) senders(ctx context.Context) (transport.Sender, map[string]transport.Sender, error) {
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, nil, err
	}
	queues := sqstransport.NewClient(cfg)
	to := func(url string) (transport.Sender, error) {
		queue, err := sqstransport.New(queues, url, nil)
		if err != nil {
			return nil, err
		}
		return withPayloads(cfg, queue)
	}
	sender, err := to(d.queueURL)
	if err != nil {
		return nil, nil, err
	}
	routes := map[string]transport.Sender{}
	for _, class := range slices.Sorted(maps.Keys(d.routes)) {
		if routes[class], err = to(d.routes[class]); err != nil {
			return nil, nil, fmt.Errorf("--route %s=%s: %w", class, d.routes[class], err)
		}
	}
	return sender, routes, nil
}

// flush waits until all is sent, and tells how far it is: once a second, if that has changed.
func (d *drain) flush(ctx context.Context, c *client.Client) error {
	done := make(chan error, 1)
	go func() { done <- c.Flush(ctx) }()
	tell := time.NewTicker(time.Second)
	defer tell.Stop()
	told := ""
	for {
		select {
		case err := <-done:
			return err
		case <-tell.C:
			s := c.Stats()
			if now := fmt.Sprintf("sent %d, waiting %d", s.Accepted, s.Backlog+s.Waiting.Tasks+s.InFlight.Tasks); now != told {
				told = now
				fmt.Fprintln(d.stdout, now)
			}
		}
	}
}
