package demo

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/offloadhq/offload/transport/claimcheck"
)

// tally is the account of all tasks: what was fired and what became of it.
type tally struct {
	planned int                // requests to make
	fired   map[string]request // by task id, of every request that was answered 202
	refused int                // requests that were not
	refusal error              // of the first of them
	late    time.Duration      // the limit, if it has passed before all tasks had ended
	api     []time.Duration    // how long each request took, but for those of the disaster
	unusual map[string]bool    // by task id: fired in the disaster, so its latencies are that
	again   int                // requests that were sent again
	left    int                // tasks in the journal of the host that was killed
	killed  bool               // it was

	stored  map[string]bool          // by their owner, payloads that are beside their messages
	done    map[string]bool          // by task id, counted from effects
	dead    map[string]bool          // by task id, found in a dead-letter queue
	retried map[string]bool          // by task id, seen to run a second time
	started map[string]time.Duration // by task id: from firing to the first start of its handler
}

func newTally(planned int) *tally {
	return &tally{
		planned: planned,
		unusual: map[string]bool{},
		fired:   map[string]request{}, done: map[string]bool{}, dead: map[string]bool{},
		retried: map[string]bool{}, started: map[string]time.Duration{},
	}
}

// lost are the tasks that have come to no end.
func (t *tally) lost() []string {
	var ids []string
	for id := range t.fired {
		if !t.done[id] && !t.dead[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// look finds the payloads in the directory of what is too large for a message.
func (t *tally) look(payloads string) error {
	found, err := filepath.Glob(filepath.Join(payloads, "[^.]*", "*")) // what is unfinished begins with a dot
	t.stored = map[string]bool{}
	for _, file := range found {
		t.stored[filepath.Base(filepath.Dir(file))] = true
	}
	return err
}

// ownerOf is the first part of the keys of a task's payloads.
func ownerOf(id string) string {
	owner, _, _ := strings.Cut(claimcheck.Key(id, ""), "/")
	return owner
}

// problems says, a line each, why the demo has failed; none if all is as planned.
func (t *tally) problems() []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if t.refused > 0 {
		say("%d requests were not answered 202; the first: %v", t.refused, t.refusal)
	}
	if n := len(t.fired) + t.refused; n != t.planned {
		say("%d requests were planned, and %d have an end of their own", t.planned, n)
	}
	if t.late > 0 {
		say("not all has ended within %v", t.late)
	}
	if t.killed && t.left == 0 {
		say("the host was killed with an empty journal, so that this shows nothing of it")
	}
	for id, r := range t.fired {
		if r.kind == kindLarge && !t.stored[ownerOf(id)] {
			say("its payload is not stored: %s %s", r.kind, id)
		}
	}
	for _, id := range t.lost() {
		say("lost: %s %s", t.fired[id].kind, id)
	}
	for id, r := range t.fired {
		switch {
		case t.dead[id] && !r.dead:
			say("dead-lettered, and should not be: %s %s", r.kind, id)
		case r.dead && t.done[id]:
			say("done, and was made to fail: %s %s", r.kind, id)
		}
	}
	for id := range t.done {
		if _, ok := t.fired[id]; !ok {
			say("done, and never fired: %s", id)
		}
	}
	for id := range t.dead {
		if _, ok := t.fired[id]; !ok {
			say("dead-lettered, and never fired: %s", id)
		}
	}
	slices.Sort(lines)
	return lines
}

// print writes the table, and last the line for programs.
func (t *tally) print(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "kind\tfired\tdone\tretried\tdead-lettered\tlost\t")
	var all row
	for _, kind := range []string{"event", "webhook", "thumbnail", kindLarge, "export"} {
		r := t.row(kind)
		all = all.plus(r)
		fmt.Fprint(tab, r.line(kind))
	}
	fmt.Fprint(tab, all.line("all"))
	if err := tab.Flush(); err != nil {
		return err
	}
	starts := make([]time.Duration, 0, len(t.started))
	for id, d := range t.started {
		if !t.unusual[id] {
			starts = append(starts, d)
		}
	}
	fmt.Fprintf(w, "\nAPI request      p50 %s  p99 %s\n", percentile(t.api, 50), percentile(t.api, 99))
	fmt.Fprintf(w, "fire to start    p50 %s  p99 %s\n", percentile(starts, 50), percentile(starts, 99))
	fmt.Fprintf(w, "large payloads   %d, in a directory beside the queues\n\n", len(t.stored))
	if t.killed {
		fmt.Fprintf(w, "The host was killed once (SIGKILL), in an outage of its queues, with %d tasks in its journal. Requests that were sent\n"+
			"again, because nobody had answered: %d. The latencies are of the requests outside that disaster.\n\n", t.left, t.again)
	}
	_, err := fmt.Fprintf(w, "demo: fired=%d done=%d retried=%d dead=%d lost=%d\n", all.fired, all.done, all.retried, all.dead, all.lost)
	return err
}

type row struct{ fired, done, retried, dead, lost int }

func (t *tally) row(kind string) row {
	var r row
	for id, q := range t.fired {
		if q.kind != kind {
			continue
		}
		r.fired++
		r.done += count(t.done[id])
		r.retried += count(t.retried[id])
		r.dead += count(t.dead[id])
		r.lost += count(!t.done[id] && !t.dead[id])
	}
	return r
}

func (r row) plus(s row) row {
	return row{r.fired + s.fired, r.done + s.done, r.retried + s.retried, r.dead + s.dead, r.lost + s.lost}
}

func (r row) line(kind string) string {
	return fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t\n", kind, r.fired, r.done, r.retried, r.dead, r.lost)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// percentile is the smallest of ds that p percent of them do not exceed (nearest rank); 0 of none.
func percentile(ds []time.Duration, p int) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(ds))
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1].Round(10 * time.Microsecond)
}
