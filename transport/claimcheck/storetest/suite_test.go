package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/storetest"
)

// memory is a correct store, or one with a fault of its own.
type memory struct {
	fault string

	mu       sync.Mutex
	payloads map[string][]byte // guarded by mu
	broken   bool              // guarded by mu
	asked    int               // guarded by mu: how often Target was called
}

func (m *memory) Target() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	switch {
	case m.fault == "no name":
		return ""
	case m.fault == "new names" && m.asked > 1:
		return "memory again"
	}
	return "memory"
}

func (m *memory) failed(err error) error {
	if m.fault == "untyped errors" {
		return err
	}
	return &transport.Error{Target: "memory", Err: err}
}

var errBroken = errors.New("the place is broken")

func (m *memory) Put(ctx context.Context, key string, body []byte) error {
	if err := claimcheck.CheckKey("memory", key); err != nil && m.fault != "any key is put" {
		return err
	}
	if err := ctx.Err(); err != nil && m.fault != "puts after the end" {
		return m.failed(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken && m.fault != "puts into nothing" {
		if m.fault == "blames the payload" {
			return &transport.Error{Kind: transport.Invalid, Target: "memory", Err: errBroken}
		}
		return m.failed(errBroken)
	}
	stored := bytes.Clone(body)
	switch m.fault {
	case "keeps the body":
		stored = body
	case "changes the body":
		clear(body)
	case "cuts":
		stored = stored[:min(len(stored), 1<<20)]
	case "refuses the second":
		if m.payloads[key] != nil {
			return m.failed(errors.New("is there"))
		}
	case "appends":
		stored = append(bytes.Clone(m.payloads[key]), body...)
	case "one place for a task":
		key, _, _ = bytesCut(key)
	}
	m.payloads[key] = stored
	return nil
}

func bytesCut(key string) (string, string, bool) {
	before, after, ok := bytes.Cut([]byte(key), []byte("/"))
	return string(before), string(after), ok
}

func (m *memory) Get(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	if err := claimcheck.CheckKey("memory", key); err != nil && m.fault != "any key is got" {
		return nil, 0, err
	}
	if err := ctx.Err(); err != nil && m.fault != "gets after the end" {
		return nil, 0, m.failed(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		if m.fault == "broken is empty" {
			return nil, 0, m.failed(claimcheck.ErrNotFound)
		}
		return nil, 0, m.failed(errBroken)
	}
	if m.fault == "one place for a task" {
		key, _, _ = bytesCut(key)
	}
	b, ok := m.payloads[key]
	if !ok {
		switch m.fault {
		case "missing is empty":
			return io.NopCloser(bytes.NewReader(nil)), 0, nil
		case "missing is an error":
			return nil, 0, m.failed(errBroken)
		}
		return nil, 0, m.failed(claimcheck.ErrNotFound)
	}
	size := int64(len(b))
	if m.fault == "sizes are rounded" {
		size = (size + 1023) / 1024 * 1024
	}
	if m.fault == "reads to the end" {
		ctx = context.WithoutCancel(ctx)
	}
	return io.NopCloser(reader{bytes.NewReader(b), ctx}), size, nil
}

type reader struct {
	r   *bytes.Reader
	ctx context.Context
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func target(fault string) storetest.Target {
	m := &memory{fault: fault, payloads: map[string][]byte{}}
	return storetest.Target{
		Store: m,
		Break: func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.broken = true
		},
		Count: func() int {
			m.mu.Lock()
			defer m.mu.Unlock()
			return len(m.payloads)
		},
	}
}

func TestCorrectStorePasses(t *testing.T) {
	storetest.Stores(t, func(testing.TB) storetest.Target { return target("") })
	storetest.Stores(t, func(testing.TB) storetest.Target { return storetest.Target{Store: target("").Store} })
}

func TestBrokenStoresFail(t *testing.T) {
	for fault, check := range map[string]string{
		"cuts":                 "WhatIsPutIsGot",
		"sizes are rounded":    "WhatIsPutIsGot",
		"missing is empty":     "NothingThereIsNotFound",
		"missing is an error":  "NothingThereIsNotFound",
		"untyped errors":       "NothingThereIsNotFound",
		"refuses the second":   "PutAgainChangesNothing",
		"appends":              "PutAgainChangesNothing",
		"one place for a task": "KeysAreApart",
		"keeps the body":       "BodyIsTheCallers",
		"changes the body":     "BodyIsTheCallers",
		"any key is put":       "G4_OtherKeysAreRefused",
		"any key is got":       "G4_OtherKeysAreRefused",
		"puts after the end":   "EndedContextStoresNothing",
		"gets after the end":   "EndedContextStoresNothing",
		"reads to the end":     "EndOfContextEndsTheReading",
		"no name":              "TargetIsNamed",
		"new names":            "TargetIsNamed",
		"broken is empty":      "BrokenStoreIsNotEmpty",
		"blames the payload":   "BrokenStoreIsNotEmpty",
		"puts into nothing":    "BrokenStoreIsNotEmpty",
	} {
		t.Run(fault, func(t *testing.T) {
			if storetest.Failure(t.Context(), func() storetest.Target { return target(fault) }, check) == nil {
				t.Errorf("check %s passes", check)
			}
		})
	}
}

func TestHostileKeysAreManyAndNone(t *testing.T) {
	keys := storetest.HostileKeys()
	if len(keys) < 500 {
		t.Errorf("%d keys", len(keys))
	}
	for _, key := range keys {
		if claimcheck.CheckKey("x", key) == nil {
			t.Errorf("%q is a key", key)
		}
	}
}
