// Package dirstore is a claimcheck.Store on a directory: a file for each payload.
//
// It is for one machine: development, tests, a host and a worker that share a disk. Several processes may use the same
// directory at once. A payload is written to a temporary file, flushed to the disk, and renamed to its place, so it is there
// whole or not at all, also after a crash of the machine. Files and directories are their owner's alone: host and worker run
// as the same user.
//
// Nobody but [Store.Sweep] removes a payload, and [Open] calls it.
package dirstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	"github.com/offloadhq/offload/internal/wholefile"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

// DefaultMaxAge is what Open leaves: claimcheck.MinRetention, and four days more.
const DefaultMaxAge = claimcheck.MinRetention + 4*24*time.Hour

// Options of [Open]. The zero value of each field is its default.
type Options struct {
	// MaxAge is how old a payload becomes before Open removes it. Default [DefaultMaxAge]; a negative one means for ever.
	MaxAge time.Duration
	// NoSync leaves the flushing to the operating system. Puts are faster, and a power failure may lose payloads whose
	// message was sent. A crash of the process alone loses nothing.
	NoSync bool
}

// Store is a directory of payloads. Make one with [Open]. It is safe for concurrent use.
type Store struct {
	target string
	files  *wholefile.Dir
}

var _ claimcheck.Store = (*Store)(nil)

// Open opens the store in dir, makes the directory if it does not exist, and removes what is older than Options.MaxAge. It
// keeps a handle on the directory. Call Close when done.
func Open(dir string, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	s := &Store{target: fmt.Sprintf("payload directory %q", dir)}
	var err error
	if s.files, err = wholefile.Open(dir, wholefile.Options{NoSync: o.NoSync, Private: true}); err != nil {
		return nil, fmt.Errorf("%s: %w", s.target, err)
	}
	if o.MaxAge > 0 {
		if _, err := s.Sweep(context.Background(), o.MaxAge); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Close releases the handle on the directory. Calls after it fail.
func (s *Store) Close() error { return s.files.Close() }

// Target names the directory.
func (s *Store) Target() string { return s.target }

// Put stores a payload; see claimcheck.Store. A payload that is there already is written again, and as young as a new one.
func (s *Store) Put(ctx context.Context, key string, body []byte) error {
	if err := claimcheck.CheckKey(s.target, key); err != nil {
		return err
	}
	if err := s.files.Write(ctx, key, bytes.NewReader(body)); err != nil {
		return s.failed("put", key, err)
	}
	return nil
}

// Get opens a payload; see claimcheck.Store.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	if err := claimcheck.CheckKey(s.target, key); err != nil {
		return nil, 0, err
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, s.failed("get", key, err)
	}
	f, err := s.files.Open(key)
	if err != nil {
		return nil, 0, s.failed("get", key, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no regular file")
	}
	if err != nil {
		return nil, 0, s.failed("get", key, errors.Join(err, f.Close()))
	}
	return claimcheck.EndWith(ctx, f), info.Size(), nil
}

// Sweep removes the payloads that are older than age, and returns how many. A program that runs for months calls it now and
// then; see claimcheck.MinRetention.
func (s *Store) Sweep(ctx context.Context, age time.Duration) (removed int, err error) {
	removed, err = s.files.Sweep(ctx, time.Now().Add(-age))
	if err != nil {
		err = fmt.Errorf("%s: sweep: %w", s.target, err)
	}
	return removed, err
}

func (s *Store) failed(what, key string, err error) error {
	e := &transport.Error{Target: s.target, Err: fmt.Errorf("%s %q: %w", what, key, err)}
	switch {
	case what == "get" && errors.Is(err, fs.ErrNotExist):
		e.Err = fmt.Errorf("get %q: %w", key, claimcheck.ErrNotFound)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Kind, e.Hint = transport.Misconfigured, "give the directory to the user of this process"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Kind, e.Hint = transport.Misconfigured, "the disk is full: make room"
	case errors.Is(err, fs.ErrClosed):
		e.Kind, e.Hint = transport.Misconfigured, "the store was closed"
	}
	return e
}
