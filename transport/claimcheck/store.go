package claimcheck

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrNotFound says that a [Store] has nothing under the key.
var ErrNotFound = errors.New("payload is not in the store")

// MinRetention is how long a store must keep payloads at least for queues as template.yaml has them: four days in the
// queue and fourteen among the dead letters, and as long again after a replay.
const MinRetention = 2 * (4 + 14) * 24 * time.Hour

// Store keeps payloads. Package dirstore keeps them in a directory, package s3store in a bucket; package storetest is
// the suite that both pass. A Store is safe for concurrent use, by many processes.
//
// Keys are those of [Key]; any other is refused, by [CheckKey], without a look at the place. What the methods return is an
// [*transport.Error], or an error of the context.
type Store interface {
	// Put stores body under key, whole or not at all, and returns when it is kept as durably as the store can. What is
	// stored under a key never changes, so Put may store it again or leave it alone. It makes one attempt, ends when ctx
	// does, and neither changes body nor keeps it.
	Put(ctx context.Context, key string, body []byte) error

	// Get opens what is stored under key, and returns its exact size. The caller closes it. What is not there matches
	// [ErrNotFound]; every other error says nothing of that. When ctx ends, reading ends.
	Get(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)

	// Target names the place, for errors: bucket "x". It is constant.
	Target() string
}

// EndWith returns body, whose reading ends when ctx does, however much of it has arrived: ctx is looked at before each read. It
// is for a [Store]'s Get.
func EndWith(ctx context.Context, body io.ReadCloser) io.ReadCloser { return ending{body, ctx} }

type ending struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // that of the Get, whose reading this is
}

func (e ending) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.ReadCloser.Read(p)
}
