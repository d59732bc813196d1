// Package queue hands tasks to the queues that are compared, each as its own documentation shows.
package queue

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/offloadhq/offload/client/journal"
)

// Producer hands over tasks. Its methods are safe for concurrent use.
type Producer interface {
	// Produce makes one call and returns how many tasks it handed over.
	Produce(ctx context.Context) (int, error)
	// Drain returns when every task that was handed over is acknowledged.
	Drain(ctx context.Context) error
	Close(ctx context.Context) error
}

// Pacer is implemented by producers that may be called too fast.
type Pacer interface {
	// Pace waits until another call makes sense.
	Pace(ctx context.Context)
}

// Server is where a producer's tasks go.
type Server struct {
	Name        string // as plans name it
	Address     string // an URL, host:port or connection string
	Certificate string // in PEM, of a server with TLS
	PID         int    // the process whose CPU is the server's
	Queue       string // for the fake SQS: the name of the queue

	// Dial connects to it; nil: over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `json:"-"`
}

// CountsRequests reports that it is the fake SQS.
func (s Server) CountsRequests() bool { return s.Queue != "" }

// opener makes a producer, and empties what earlier ones left where the server keeps it.
type opener func(ctx context.Context, s Server) (Producer, error)

// producers are the names that plans use.
var producers = map[string]opener{
	Bare:        openBare,
	SDK:         openSDK,
	SDKPool:     openSDKPool,
	SDKBatch:    openSDKBatch,
	Sender:      openSender,
	Confirmed:   openConfirmed,
	Buffered:    openBuffered,
	Memory:      openMemory,
	Asynq:       openAsynq,
	RiverInsert: openRiverInsert,
	RiverMany:   openRiverMany,

	JournalAlways:   openJournal(journal.SyncAlways),
	JournalInterval: openJournal(journal.SyncInterval),
	FireInterval:    openFire(journal.SyncInterval),
	SQLite:          openSQLite,
	Bolt:            openBolt,
}

// The producers.
const (
	Bare        = "bare request"
	SDK         = "SDK, SendMessage"
	SDKPool     = "SDK, SendMessage, pool of 256"
	SDKBatch    = "SDK, SendMessageBatch of 10"
	Sender      = "Offload, Sender of 10"
	Confirmed   = "Offload, Confirmed"
	Buffered    = "Offload, Buffered"
	Memory      = "Offload, Buffered, into memory"
	Asynq       = "asynq, Enqueue"
	RiverInsert = "River, Insert"
	RiverMany   = "River, InsertManyFast of 100"

	// What stores tasks on this machine's disk, and no more.
	JournalAlways   = "Offload's journal, SyncAlways"
	JournalInterval = "Offload's journal, SyncInterval"
	FireInterval    = "Offload, Journaled, SyncInterval, into memory"
	SQLite          = "SQLite, FULL, group commit"
	Bolt            = "bbolt, Batch"
)

// Open makes the producer of that name.
func Open(ctx context.Context, name string, s Server) (Producer, error) {
	open, ok := producers[name]
	if !ok {
		return nil, fmt.Errorf("producer %q: use one of %s", name, strings.Join(slices.Sorted(maps.Keys(producers)), ", "))
	}
	p, err := open(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", name, s.Name, err)
	}
	return p, nil
}

// prompt is embedded by producers whose Produce returns when its tasks are acknowledged, and which hold nothing.
type prompt struct{}

func (prompt) Drain(context.Context) error { return nil }
func (prompt) Close(context.Context) error { return nil }
