package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Journal keeps records. Its methods may be called concurrently.
type Journal struct {
	opts Options
	log  *slog.Logger
	disk disk
	own  *holder

	lead   chan struct{} // holds a token while somebody writes batches
	read   chan struct{} // holds a token while somebody reads the backlog; may be taken with the lead, never before it
	wake   chan struct{} // for the janitor
	closed chan struct{} // closed when Close begins
	ended  chan struct{} // closed when it has ended
	result error         // of Close
	once   sync.Once
	stop   context.CancelFunc
	work   sync.WaitGroup // goroutines
	users  sync.WaitGroup // calls that Close waits for; added to while closing, under mu, is not set

	asideMu sync.Mutex
	aside   *aside // the file of Quarantine; guarded by asideMu

	mu            sync.Mutex // guards what follows, and what segments say is guarded by it
	closing       bool
	holders       map[string]*holder
	segments      []*segment
	active        *segment // where records are appended; nil: there is none yet, or it has failed
	queue         []*batch // gathered and not written; the last may be that of active
	unsynced      []*batch // with SyncInterval: written and not synced
	unsyncedBytes int
	free          []*batch // empty ones
	supply        supply
	postponed     bool     // there may be orphans that wait until there is no backlog
	seq           uint64   // of the segment made last
	usage         int64    // bytes of all segments
	backlog       int      // of all segments
	news          bool     // there is a backlog where there was none, and nobody was told
	notify        func()   // of Notify
	jobs          []func() // for the janitor
	compacting    bool     // it has compact among them
	counts        counts
}

// counts are the counters of [Stats].
type counts struct {
	appended, syncs, failures, quarantined, damaged, compactions uint64
}

// Open opens a directory on a local disk, and makes it if it is missing. It takes a subdirectory of its own, and adopts
// the orphans there; what they hold is the backlog ([Journal.Next]). When that takes half of Options.MaxBytes, or comes from 64
// orphans, the others wait until it was given out. What cannot be adopted is logged and tried again.
//
// On a disk that has no room for another subdirectory it goes on in that of an orphan: the backlog can be sent, which makes
// room, and until then Append returns ErrFull.
//
// The error names the problems of the options, or is that of the disk; it matches ErrFull if that has no room, and no orphan
// to go on in.
//
// It reads the segments that the dead had not filled, one each at most, and of the others a few kilobytes.
func Open(dir string, opts *Options) (*Journal, error) {
	filled, err := opts.fill()
	if err != nil {
		return nil, fmt.Errorf("journal %q: %w", dir, err)
	}
	d, err := openDisk(dir, true)
	if err != nil {
		return nil, fmt.Errorf("journal %q: %w", dir, err)
	}
	j, err := open(d, filled)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal %q: %w", dir, err), d.close())
	}
	return j, nil
}

// open opens a journal on a disk, with options that are filled.
func open(d disk, opts Options) (*Journal, error) {
	own, orphan, err := own(d, time.Now())
	if err != nil {
		return nil, fullOr(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	j := &Journal{
		opts: opts, log: opts.Logger, disk: d, own: own, stop: stop,
		lead: make(chan struct{}, 1), read: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		closed: make(chan struct{}), ended: make(chan struct{}),
		holders: map[string]*holder{own.name: own}, supply: supply{pause: failurePause},
	}
	if orphan {
		if _, err := j.take(own); err != nil {
			stop()
			return nil, errors.Join(err, own.lock.release(false))
		}
	}
	j.adopt()
	j.work.Go(func() { every(ctx, opts.AdoptEvery, j.adopt) })
	j.work.Go(func() { j.clean(ctx) })
	if opts.Sync == SyncInterval {
		j.work.Go(func() { every(ctx, opts.Interval, j.tick) })
	}
	return j, nil
}

// clean is the janitor.
func (j *Journal) clean(ctx context.Context) {
	for {
		select {
		case <-j.wake:
			j.runJobs()
		case <-ctx.Done():
			return
		}
	}
}

// every calls f at an interval until ctx ends.
func every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f()
		case <-ctx.Done():
			return
		}
	}
}

// enter begins a call that Close waits for; it ends with users.Done. j.mu is held.
func (j *Journal) enter() error {
	if j.closing {
		return ErrClosed
	}
	j.users.Add(1)
	return nil
}

// Close ends the journal: it waits for the calls of Append that were accepted, syncs, and gives back its locks. What is
// pending stays in the directory for the next start or for a neighbour; if nothing is, the subdirectory is removed. It
// returns the first failure of the last sync: then what was not synced may be lost with the power. Calls after the first
// return the same.
func (j *Journal) Close() error {
	j.once.Do(func() {
		defer close(j.ended)
		j.mu.Lock()
		j.closing = true
		j.mu.Unlock()
		close(j.closed)
		j.stop()
		j.users.Wait()
		j.work.Wait()
		j.result = j.finish()
	})
	<-j.ended
	return j.result
}

// finish writes what is gathered, syncs, and lets go of everything. Lead and read are never given back.
func (j *Journal) finish() error {
	j.lead <- struct{}{}
	j.mu.Lock()
	j.commit()
	j.mu.Unlock()
	err := j.syncWritten(true)
	j.read <- struct{}{}
	j.mu.Lock()
	j.seal()
	if spare := j.supply.spare; spare != nil {
		j.supply.spare = nil
		spare.state = gone
		j.later(func() { j.unlink(spare) })
	}
	j.mu.Unlock()
	j.runJobs()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.segments {
		_ = s.file.Close() // what counts was synced
		if s.aside != nil {
			_ = s.aside.file.Close()
		}
	}
	if j.aside != nil {
		_ = j.aside.file.Close()
	}
	for _, h := range j.holders {
		j.letGo(h)
	}
	return errors.Join(err, j.disk.close())
}

// letGo gives back the lock of a holder, and removes it if nothing is in it.
func (j *Journal) letGo(h *holder) {
	left, err := strangers(j.disk, h.name)
	if err := h.lock.release(err == nil && len(left) == 0); err != nil {
		j.log.Warn("journal: a subdirectory stays behind", "name", h.name, "error", err)
	}
}
