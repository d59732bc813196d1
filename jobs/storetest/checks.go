package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing/iotest"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

const key = "exports/01T.csv"

// has returns an error if a reader does not see want under the key, and nothing else.
func (t Target) has(want string) error {
	objects, err := t.Objects()
	if err != nil {
		return err
	}
	got, ok := objects[key]
	if !ok || len(objects) != 1 || got != want {
		return fmt.Errorf("readers see %d objects, that of the key with %d bytes (%.20q): want it alone, with %d bytes (%.20q)",
			len(objects), len(got), got, len(want), want)
	}
	return nil
}

func putReplaces(ctx context.Context, t Target) error {
	for _, want := range []string{
		"a longer first object", "second", "", strings.Repeat("big ", t.Big/4), strings.Repeat("x", t.Big-1), strings.Repeat("y", 2*t.Big), "small again",
	} {
		if err := t.Store.Put(ctx, key, strings.NewReader(want)); err != nil {
			return fmt.Errorf("object of %d bytes: %w", len(want), err)
		}
		if err := t.has(want); err != nil {
			return err
		}
	}
	return nil
}

// readsOnce gives sources that come in small pieces, with their end beside the last bytes or after them.
func readsOnce(ctx context.Context, t Target) error {
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"a byte at a time": iotest.OneByteReader, "half of what is asked": iotest.HalfReader, "the end beside the data": iotest.DataErrReader,
	} {
		source := &counting{r: wrap(strings.NewReader("a,b\n1,2\n"))}
		if err := t.Store.Put(ctx, key, source); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := t.has("a,b\n1,2\n"); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if source.after {
			return fmt.Errorf("%s: the source was read after its end", name)
		}
	}
	return nil
}

// counting notes a Read after the end.
type counting struct {
	r            io.Reader
	ended, after bool
}

func (c *counting) Read(p []byte) (int, error) {
	c.after = c.after || c.ended
	n, err := c.r.Read(p)
	c.ended = c.ended || errors.Is(err, io.EOF)
	return n, err
}

var errSource = errors.New("the source has failed")

// old stores an object that must survive.
func (t Target) old(ctx context.Context) error {
	return t.Store.Put(ctx, key, strings.NewReader("old"))
}

func failureOfTheSource(ctx context.Context, t Target) error {
	if err := t.old(ctx); err != nil {
		return err
	}
	for _, size := range []int{0, 100, t.Big, 2*t.Big + 100} {
		for _, failure := range []error{errSource, io.ErrUnexpectedEOF, fmt.Errorf("connection: %w", io.EOF)} {
			source := io.MultiReader(strings.NewReader(strings.Repeat("x", size)), iotest.ErrReader(failure))
			if err := t.Store.Put(ctx, key, source); !errors.Is(err, failure) || task.IsPermanent(err) {
				return fmt.Errorf("%d bytes, then %v: Put says %v: want the error of the source, not permanent", size, failure, err) //nolint:errorlint // two of them are not to be matched
			}
			if err := t.has("old"); err != nil {
				return err
			}
		}
	}
	return nil
}

func panicOfTheSource(ctx context.Context, t Target) error {
	if err := t.old(ctx); err != nil {
		return err
	}
	source := io.MultiReader(strings.NewReader(strings.Repeat("x", t.Big)), readerFunc(func([]byte) (int, error) { panic(errSource) }))
	err := func() (err error) {
		defer func() { err, _ = recover().(error) }()
		return t.Store.Put(ctx, key, source)
	}()
	if !errors.Is(err, errSource) {
		return fmt.Errorf("the panic of the source became %w", err)
	}
	return t.has("old")
}

func endedContext(ctx context.Context, t Target) error {
	if err := t.old(ctx); err != nil {
		return err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := t.Store.Put(ended, key, strings.NewReader("new")); !errors.Is(err, context.Canceled) || task.IsPermanent(err) {
		return fmt.Errorf("ctx has ended before: Put says %v: want context.Canceled, not permanent", err) //nolint:errorlint // told, not matched
	}
	if err := t.has("old"); err != nil {
		return err
	}
	for _, size := range []int{0, t.Big} {
		ending, cancel := context.WithCancel(ctx)
		read := 0
		source := readerFunc(func(p []byte) (int, error) {
			if read >= size {
				cancel()
			}
			if read > size+4*t.Big {
				return 0, io.EOF // by now Put should have stopped
			}
			read += len(p)
			return len(p), nil
		})
		err := t.Store.Put(ending, key, source)
		cancel()
		if !errors.Is(err, context.Canceled) || task.IsPermanent(err) {
			return fmt.Errorf("ctx ends after %d bytes: Put says %v: want context.Canceled, not permanent", size, err) //nolint:errorlint // told, not matched
		}
		if err := t.has("old"); err != nil {
			return err
		}
	}
	return nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func nothingBeforeTheEnd(ctx context.Context, t Target) error {
	if err := t.old(ctx); err != nil {
		return err
	}
	var seen error
	want := strings.Repeat("n", 2*t.Big)
	source := io.MultiReader(strings.NewReader(want), readerFunc(func([]byte) (int, error) { seen = t.has("old"); return 0, io.EOF }))
	if err := errors.Join(t.Store.Put(ctx, key, source), seen); err != nil {
		return err
	}
	return t.has(want)
}

func putsAtOnce(ctx context.Context, t Target) error {
	const puts = 6
	size := t.Big + 100
	errs := make([]error, puts)
	var wg sync.WaitGroup
	for i := range puts {
		wg.Go(func() {
			object := strings.Repeat(string(rune('a'+i)), size)
			for _, k := range []string{key, fmt.Sprintf("own/%d/object", i)} {
				errs[i] = errors.Join(errs[i], t.Store.Put(ctx, k, strings.NewReader(object)))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	objects, err := t.Objects()
	if err != nil {
		return err
	}
	if len(objects) != puts+1 {
		return fmt.Errorf("readers see %d objects: want %d", len(objects), puts+1)
	}
	for k, object := range objects {
		if len(object) != size || strings.Count(object, object[:1]) != size {
			return fmt.Errorf("object %q is a mixture, or %d bytes long: want %d bytes of one Put", k, len(object), size)
		}
	}
	return nil
}

func badKeys(ctx context.Context, t Target) error {
	for _, bad := range []string{
		"", ".", "..", "../x", "a/../../x", "/x", "a//b", "a/", `a\b`, "a\x00", ".partial/x", "a%2e%2e/b", "a b", strings.Repeat("a/", 600) + "a",
	} {
		err := t.Store.Put(ctx, bad, strings.NewReader("x"))
		if !errors.Is(err, jobs.ErrBadKey) || !task.IsPermanent(err) {
			return fmt.Errorf("key %.20q: Put says %v: want a permanent ErrBadKey", bad, err) //nolint:errorlint // told, not matched
		}
	}
	objects, err := t.Objects()
	if err == nil && len(objects) != 0 {
		err = fmt.Errorf("readers see %d objects under bad keys", len(objects))
	}
	return err
}
