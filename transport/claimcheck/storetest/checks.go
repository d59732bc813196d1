package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

// keyOf is the key of body as a payload of the task.
func keyOf(taskID string, body []byte) string {
	sum := sha256.Sum256(body)
	return claimcheck.Key(taskID, hex.EncodeToString(sum[:]))
}

// pattern makes n bytes of every value, that depend on the seed.
func pattern(n, seed int) []byte {
	cycle := make([]byte, 251) // a prime: no two blocks of a disk are alike
	for i := range cycle {
		cycle[i] = byte(i*7 + seed)
	}
	return bytes.Repeat(cycle, n/len(cycle)+1)[:n:n]
}

// got returns an error if body is not what is stored under key.
func got(ctx context.Context, s claimcheck.Store, key string, body []byte) error {
	r, size, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	read, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	if !bytes.Equal(read, body) || size != int64(len(body)) {
		return fmt.Errorf("got %d bytes of the size %d, want the %d that were put", len(read), size, len(body))
	}
	return nil
}

func whatIsPutIsGot(ctx context.Context, t Target) error {
	for i, n := range []int{0, 1, 1000, 64<<10 - 1, 64 << 10, 1<<20 + 1, 6 << 20} {
		for _, id := range []string{task.NewID(time.Now()), "order-7", "..", "a/../b", "ÿ", ""} {
			body := pattern(n, i)
			key := keyOf(id, body)
			if err := t.Store.Put(ctx, key, body); err != nil {
				return fmt.Errorf("put of %d bytes: %w", n, err)
			}
			for _, s := range []claimcheck.Store{t.Store, t.Again()} {
				if err := got(ctx, s, key, body); err != nil {
					return fmt.Errorf("get of %d bytes: %w", n, err)
				}
			}
			if n > 1000 {
				break
			}
		}
	}
	return nil
}

func nothingThere(ctx context.Context, t Target) error {
	key := keyOf("order-7", []byte("x"))
	for _, before := range []string{"nothing", "another payload of the task"} {
		r, _, err := t.Store.Get(ctx, key)
		if r != nil || !errors.Is(err, claimcheck.ErrNotFound) {
			return fmt.Errorf("%s is there: Get gives %v: want ErrNotFound", before, err) //nolint:errorlint // told, not matched
		}
		if err := typed(err); err != nil {
			return err
		}
		if err := t.Store.Put(ctx, keyOf("order-7", []byte("y")), []byte("y")); err != nil {
			return err
		}
	}
	return nil
}

// typed asks for an error as the seam has them.
func typed(err error) error {
	var e *transport.Error
	if !errors.As(err, &e) || e.Target == "" {
		return fmt.Errorf("the error %q is no *transport.Error with a target", err) //nolint:errorlint // told, not matched
	}
	return nil
}

func putAgain(ctx context.Context, t Target) error {
	body := pattern(100_000, 1)
	key := keyOf("order-7", body)
	for range 3 {
		for _, s := range []claimcheck.Store{t.Store, t.Again()} {
			if err := s.Put(ctx, key, body); err != nil {
				return err
			}
			if err := got(ctx, t.Store, key, body); err != nil {
				return err
			}
		}
	}
	if t.Count != nil && t.Count() != 1 {
		return fmt.Errorf("%d payloads are stored, want the one", t.Count())
	}
	return nil
}

func keysAreApart(ctx context.Context, t Target) error {
	bodies := map[string][]byte{}
	for i := range 20 {
		for _, id := range []string{"order-7", "order-8", "01KJ7Z3Q5ZABCDEFGHJKMNPQRS"} {
			body := pattern(100+i, i)
			bodies[keyOf(id, body)] = body
		}
	}
	for key, body := range bodies {
		if err := t.Store.Put(ctx, key, body); err != nil {
			return err
		}
	}
	for key, body := range bodies {
		if err := got(ctx, t.Store, key, body); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	if t.Count != nil && t.Count() != len(bodies) {
		return fmt.Errorf("%d payloads are stored, want %d", t.Count(), len(bodies))
	}
	return nil
}

// bodyIsTheCallers overwrites the body after Put has returned.
func bodyIsTheCallers(ctx context.Context, t Target) error {
	body := pattern(300_000, 2)
	want := bytes.Clone(body)
	key := keyOf("order-7", body)
	if err := t.Store.Put(ctx, key, body); err != nil {
		return err
	}
	if !bytes.Equal(body, want) {
		return errors.New("Put has changed the body")
	}
	clear(body)
	return got(ctx, t.Store, key, want)
}

func putsAndGets(ctx context.Context, t Target) error {
	const each = 12
	same := pattern(200_000, 3)
	sameKey := keyOf("same", same)
	if err := t.Store.Put(ctx, sameKey, same); err != nil {
		return err
	}
	errs := make([]error, each)
	var all sync.WaitGroup
	for i := range each {
		all.Go(func() {
			s := t.Store
			if i%2 == 1 {
				s = t.Again()
			}
			own := pattern(150_000+i, i)
			key := keyOf(fmt.Sprintf("own-%d", i), own)
			errs[i] = errors.Join(s.Put(ctx, sameKey, same), got(ctx, s, sameKey, same), s.Put(ctx, key, own), got(ctx, s, key, own))
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func otherKeys(ctx context.Context, t Target) error {
	for _, key := range hostileKeys() {
		err := t.Store.Put(ctx, key, []byte("x"))
		if transport.KindOf(err) != transport.Invalid || typed(err) != nil {
			return fmt.Errorf("key %.120q: Put gives %v: want an invalid one", key, err) //nolint:errorlint // told, not matched
		}
		r, _, err := t.Store.Get(ctx, key)
		if r != nil || transport.KindOf(err) != transport.Invalid || typed(err) != nil || errors.Is(err, claimcheck.ErrNotFound) {
			return fmt.Errorf("key %.120q: Get gives %v: want an invalid one", key, err) //nolint:errorlint // told, not matched
		}
	}
	if t.Count != nil && t.Count() != 0 {
		return fmt.Errorf("%d payloads are stored", t.Count())
	}
	return nil
}

func endedContext(ctx context.Context, t Target) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	body := pattern(100_000, 4)
	key := keyOf("order-7", body)
	if err := t.Store.Put(ended, key, body); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("Put gives %v: want context.Canceled", err) //nolint:errorlint // told, not matched
	}
	if r, _, err := t.Store.Get(ctx, key); r != nil || !errors.Is(err, claimcheck.ErrNotFound) {
		return fmt.Errorf("it is stored all the same: Get gives %v", err) //nolint:errorlint // told, not matched
	}
	if err := t.Store.Put(ctx, key, body); err != nil {
		return err
	}
	if r, _, err := t.Store.Get(ended, key); r != nil || !errors.Is(err, context.Canceled) || errors.Is(err, claimcheck.ErrNotFound) {
		return fmt.Errorf("Get gives %v: want context.Canceled", err) //nolint:errorlint // told, not matched
	}
	return nil
}

func endOfReading(ctx context.Context, t Target) error {
	body := pattern(8<<20, 5)
	key := keyOf("order-7", body)
	if err := t.Store.Put(ctx, key, body); err != nil {
		return err
	}
	ending, cancel := context.WithCancel(ctx)
	defer cancel()
	r, _, err := t.Store.Get(ending, key)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		return err
	}
	cancel()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("reading goes on for %d bytes after the end of ctx, and ends with %v", n, err) //nolint:errorlint // told, not matched
	}
	return nil
}

func targetIsNamed(ctx context.Context, t Target) error {
	name := t.Store.Target()
	if err := t.Store.Put(ctx, keyOf("x", nil), nil); err != nil {
		return err
	}
	if name == "" || t.Store.Target() != name {
		return fmt.Errorf("the target is %q, then %q", name, t.Store.Target())
	}
	return nil
}

// brokenStore: what cannot be reached is not for that reason empty, and the failure is no fault of the payload.
func brokenStore(ctx context.Context, t Target) error {
	body := pattern(1000, 6)
	key := keyOf("order-7", body)
	if err := t.Store.Put(ctx, key, body); err != nil {
		return err
	}
	t.Break()
	if err := t.Store.Put(ctx, keyOf("order-8", body), body); err == nil || transport.KindOf(err) == transport.Invalid || typed(err) != nil {
		return fmt.Errorf("Put gives %v: want a failure of the store", err) //nolint:errorlint // told, not matched
	}
	r, _, err := t.Store.Get(ctx, key)
	if r != nil || err == nil || transport.KindOf(err) == transport.Invalid || typed(err) != nil || errors.Is(err, claimcheck.ErrNotFound) {
		return fmt.Errorf("Get gives %v: want a failure of the store", err) //nolint:errorlint // told, not matched
	}
	return nil
}
