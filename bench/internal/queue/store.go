package queue

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/journal"
)

// storedBytes is the size of what stores store: a task of 300 bytes.
const storedBytes = 300

// folder makes an empty one for a store. It is removed with the run's own.
func folder(s Server) (string, error) { return os.MkdirTemp(s.Address, "store-") }

// journaled stores in the journal.
type journaled struct {
	prompt
	journal *journal.Journal
	body    []byte
}

func openJournal(sync journal.Sync) opener {
	return func(_ context.Context, s Server) (Producer, error) {
		dir, err := folder(s)
		if err != nil {
			return nil, err
		}
		j, err := journal.Open(dir, &journal.Options{Sync: sync, Logger: slog.New(slog.DiscardHandler)})
		return &journaled{journal: j, body: make([]byte, storedBytes)}, err
	}
}

// Produce implements [Producer].
func (q *journaled) Produce(ctx context.Context) (int, error) {
	if _, err := q.journal.Append(ctx, journal.Record{Body: q.body}); err != nil {
		return 0, err
	}
	return 1, nil
}

// Close implements [Producer].
func (q *journaled) Close(context.Context) error { return q.journal.Close() }

// durable fires in the mode Journaled, to a Sender that has accepted everything at once: what is left is the client, and
// the journal behind it.
type durable struct {
	buffered
	journal *journal.Journal
}

func openFire(sync journal.Sync) opener {
	return func(_ context.Context, s Server) (Producer, error) {
		dir, err := folder(s)
		if err != nil {
			return nil, err
		}
		quiet := slog.New(slog.DiscardHandler)
		j, err := journal.Open(dir, &journal.Options{Sync: sync, Logger: quiet})
		if err != nil {
			return nil, err
		}
		q := &durable{buffered: buffered{sent: &counter{Sender: memory{}}}, journal: j}
		q.client, err = client.New(q.sent, &client.Options{Mode: client.Journaled, Journal: j, Logger: quiet})
		return q, err
	}
}

// Close implements [Producer].
func (q *durable) Close(ctx context.Context) error {
	return errors.Join(q.buffered.Close(ctx), q.journal.Close())
}

// sqlite stores in a table. One goroutine writes: what arrives during a transaction goes into the next one.
type sqlite struct {
	prompt
	db   *sql.DB
	body []byte

	mu      sync.Mutex
	next    *commit // guarded by mu: those who wait for the next transaction
	writing bool    // guarded by mu
}

// commit is a transaction that callers share.
type commit struct {
	rows int
	done chan struct{}
	err  error // set before done is closed
}

func openSQLite(ctx context.Context, s Server) (Producer, error) {
	dir, err := folder(s)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "CREATE TABLE task (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &sqlite{db: db, body: make([]byte, storedBytes)}, nil
}

// Produce implements [Producer].
func (q *sqlite) Produce(ctx context.Context) (int, error) {
	q.mu.Lock()
	if q.next == nil {
		q.next = &commit{done: make(chan struct{})}
	}
	mine := q.next
	mine.rows++
	if q.writing {
		q.mu.Unlock()
		<-mine.done
		if mine.err != nil {
			return 0, mine.err
		}
		return 1, nil
	}
	q.writing = true
	for q.next != nil { // the first writes for all who come meanwhile
		c := q.next
		q.next = nil
		q.mu.Unlock()
		c.err = q.insert(ctx, c.rows)
		close(c.done)
		q.mu.Lock()
	}
	q.writing = false
	q.mu.Unlock()
	if mine.err != nil {
		return 0, mine.err
	}
	return 1, nil
}

func (q *sqlite) insert(ctx context.Context, rows int) (err error) {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	statement, err := tx.PrepareContext(ctx, "INSERT INTO task (body) VALUES (?)")
	if err != nil {
		return err
	}
	for range rows {
		if _, err := statement.ExecContext(ctx, q.body); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Close implements [Producer].
func (q *sqlite) Close(context.Context) error { return q.db.Close() }

// bolt stores in a bucket, by the call that shares transactions.
type bolt struct {
	prompt
	db   *bbolt.DB
	body []byte
}

var tasksBucket = []byte("task")

func openBolt(_ context.Context, s Server) (Producer, error) {
	dir, err := folder(s)
	if err != nil {
		return nil, err
	}
	db, err := bbolt.Open(filepath.Join(dir, "db"), 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(tasksBucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &bolt{db: db, body: make([]byte, storedBytes)}, nil
}

// Produce implements [Producer].
func (q *bolt) Produce(context.Context) (int, error) {
	err := q.db.Batch(func(tx *bbolt.Tx) error {
		b := tx.Bucket(tasksBucket)
		id, err := b.NextSequence()
		if err != nil {
			return fmt.Errorf("id: %w", err)
		}
		return b.Put(binary.BigEndian.AppendUint64(nil, id), q.body)
	})
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// Close implements [Producer].
func (q *bolt) Close(context.Context) error { return q.db.Close() }
