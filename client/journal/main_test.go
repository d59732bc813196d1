package journal_test

import (
	"context"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/offloadhq/offload/client/journal"
)

func TestMain(m *testing.M) {
	childMain()
	goleak.VerifyTestMain(m)
}

var (
	quiet      = slog.New(slog.DiscardHandler)
	background = context.Background()
)

// open opens a journal that is closed at the end of the test, if the test has not.
func open(t testing.TB, dir string, opts journal.Options) *journal.Journal {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = quiet
	}
	j, err := journal.Open(dir, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func appendAll(t testing.TB, j *journal.Journal, bodies ...string) (refs []journal.Ref) {
	t.Helper()
	for _, b := range bodies {
		ref, err := j.Append(t.Context(), journal.Record{Body: []byte(b)})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	return refs
}

// bodies takes the whole backlog.
func bodies(t testing.TB, j *journal.Journal) (all []string) {
	t.Helper()
	for {
		got, err := j.Next(7, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return all
		}
		for _, r := range got {
			all = append(all, string(r.Body))
		}
	}
}
