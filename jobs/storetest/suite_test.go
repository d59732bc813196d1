package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/storetest"
	"github.com/offloadhq/offload/task"
)

// memory is a correct store, or one with a fault of its own.
type memory struct {
	fault string

	mu      sync.Mutex
	objects map[string]string // guarded by mu
}

func (m *memory) set(key, object string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = object
}

func (m *memory) Put(ctx context.Context, key string, r io.Reader) (err error) {
	if err := jobs.CheckKey(key); err != nil && m.fault != "any key" {
		if m.fault == "bad keys pass" {
			return fmt.Errorf("key: %w", jobs.ErrBadKey)
		}
		return err
	}
	var object bytes.Buffer
	defer func() {
		if m.fault == "keeps half after a panic" {
			m.set(key, object.String())
		}
	}()
	buf := make([]byte, 1000)
	for {
		if err := ctx.Err(); err != nil && m.fault != "deaf to ctx" {
			return err
		}
		n, err := r.Read(buf)
		object.Write(buf[:n])
		if m.fault == "seen early" {
			m.set(key, object.String())
		}
		switch {
		case err == nil:
			continue
		case err == io.EOF: // not wrapped: the source has ended
		case m.fault == "ends early in silence":
		case m.fault == "fails for good":
			return task.Permanent(err)
		default:
			return err
		}
		break
	}
	if m.fault == "reads on" {
		_, _ = r.Read(make([]byte, 1))
	}
	switch m.fault {
	case "cuts":
		object.Truncate(min(object.Len(), 250_000))
	case "appends":
		m.mu.Lock()
		defer m.mu.Unlock()
		m.objects[key] += object.String()
		return nil
	case "keeps the first":
		m.mu.Lock()
		defer m.mu.Unlock()
		if _, ok := m.objects[key]; ok {
			return nil
		}
		m.objects[key] = object.String()
		return nil
	case "one place for all":
		key = "place"
	}
	m.set(key, object.String())
	return nil
}

func target(fault string) storetest.Target {
	m := &memory{fault: fault, objects: map[string]string{}}
	return storetest.Target{Store: m, Objects: func() (map[string]string, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return maps.Clone(m.objects), nil
	}}
}

func TestCorrectStorePasses(t *testing.T) {
	storetest.Stores(t, func(testing.TB) storetest.Target { return target("") })
}

func TestBrokenStoresFail(t *testing.T) {
	for fault, check := range map[string]string{
		"cuts":                     "PutReplaces",
		"appends":                  "PutReplaces",
		"keeps the first":          "PutReplaces",
		"reads on":                 "SourceIsReadOnceToItsEnd",
		"ends early in silence":    "FailureOfTheSourceLeavesTheOldObject",
		"fails for good":           "FailureOfTheSourceLeavesTheOldObject",
		"keeps half after a panic": "PanicOfTheSourceLeavesTheOldObject",
		"deaf to ctx":              "EndedContextLeavesTheOldObject",
		"seen early":               "NothingIsSeenBeforeTheEnd",
		"one place for all":        "PutsAtOnceDoNotMix",
		"any key":                  "BadKeyIsPermanent",
		"bad keys pass":            "BadKeyIsPermanent",
	} {
		t.Run(fault, func(t *testing.T) {
			failures := storetest.Failures(t.Context(), func() storetest.Target { return target(fault) })
			if failures[check] == "" {
				t.Errorf("check %s passes; these fail: %q", check, slices.Sorted(maps.Keys(failures)))
			}
		})
	}
	broken := func() storetest.Target {
		m := target("")
		m.Objects = func() (map[string]string, error) { return nil, errors.New("no view") }
		return m
	}
	if failures := storetest.Failures(t.Context(), broken); failures["PutReplaces"] != "no view" {
		t.Errorf("a view that fails is not told: %q", failures)
	}
}
