package sqstransport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

func TestC1_SizesAtTheLimit(t *testing.T) { each(t, testC1_SizesAtTheLimit) }

func testC1_SizesAtTheLimit(t *testing.T, k kind) {
	for _, limit := range []int{256 << 10, 1 << 20} {
		stored := 0
		do := serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) {
			stored++
			return success(entry), nil
		})
		s := newSender(t, k.client(config(do, endpoint)), queueURL, &sqstransport.Options{MaxMessageBytes: limit})
		if got, want := s.Limits().MessageBytes, limit-transport.MaxReasonBytes; got != want {
			t.Errorf("limit %d: MessageBytes is %d, want %d", limit, got, want)
		}
		for _, d := range []int{-1, 0, 1} {
			results, err := s.Send(t.Context(), []task.Envelope{sized(t, limit+d)})
			if d <= 0 {
				is(t, results[0], transport.Accepted, 0)
			} else if is(t, results[0], transport.Rejected, transport.Invalid); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d bytes", limit+1)) {
				t.Errorf("error %v", err)
			}
		}
		if stored != 2 {
			t.Errorf("limit %d: %d requests came, want 2", limit, stored)
		}
	}
}

func TestC2_RequestsArePackedByCountAndBytes(t *testing.T) {
	each(t, testC2_RequestsArePackedByCountAndBytes)
}

func testC2_RequestsArePackedByCountAndBytes(t *testing.T, k kind) {
	type shape struct{ entries, bytes int }
	var shapes []shape
	do := doFunc(func(r *http.Request) (*http.Response, error) {
		b := readBatch(t, r)
		s := shape{entries: len(b.Entries)}
		for _, e := range b.Entries {
			s.bytes += len(e["MessageBody"].(string))
		}
		shapes = append(shapes, s)
		return serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })(remade(r, b))
	})
	s := newSender(t, k.client(config(do, endpoint)), queueURL, &sqstransport.Options{Concurrency: 1})
	var sent []task.Envelope
	for _, n := range []int{1 << 20, 300, 1 << 19, 1 << 19, 1<<19 - 1, 1<<19 + 1, 1<<19 + 1, 1 << 19} {
		sent = append(sent, sized(t, n))
	}
	sent = append(sent, envelopes(t, 21)...)
	if _, err := s.Send(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	total := 0
	for i, s := range shapes {
		total += s.entries
		if s.entries > 10 || s.bytes > 1<<20 {
			t.Errorf("request %d has %d entries and %d bytes", i, s.entries, s.bytes)
		}
	}
	if total != len(sent) || len(shapes) != 8 {
		t.Errorf("%d entries in %d requests, want %d in 8: %v", total, len(shapes), len(sent), shapes)
	}
}

// TestC4_EntriesAreWhatSQSTakes also sends what it never takes, which must not come near a batch.
func TestC4_EntriesAreWhatSQSTakes(t *testing.T) {
	each(t, func(t *testing.T, k kind) { // in no time, so that nothing of a delay passes before it is sent
		synctest.Test(t, func(t *testing.T) { testC4_EntriesAreWhatSQSTakes(t, k) })
	})
}

func testC4_EntriesAreWhatSQSTakes(t *testing.T, k kind) {
	var seen batch
	s := k.sender(t, func(r *http.Request) (*http.Response, error) {
		seen = readBatch(t, r)
		return serve(t, func(_ int, entry map[string]any) (map[string]any, map[string]any) { return success(entry), nil })(remade(r, seen))
	})
	sent := envelopes(t, 9)
	sent = append(sent, envelope(t, "later", task.Delay(1001*time.Millisecond)))
	bad, err := task.Parse([]byte(`{"specversion":"1.0","id":"1","source":"/x","type":"x","data":"` + "\ufffe" + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	sent = slices.Insert(sent, 3, task.Envelope{}, bad)
	results, _ := s.Send(t.Context(), sent)
	for i, r := range results {
		if i == 3 || i == 4 {
			is(t, r, transport.Rejected, transport.Invalid)
		} else {
			is(t, r, transport.Accepted, 0)
		}
	}
	if seen.QueueUrl != queueURL {
		t.Errorf("sent to %q", seen.QueueUrl)
	}
	for i, e := range seen.Entries {
		want := []string{"Id", "MessageBody"}
		if i == 9 {
			want = []string{"DelaySeconds", "Id", "MessageBody"}
			if e["DelaySeconds"] != 2.0 {
				t.Errorf("a delay of 1.001 s became %v s", e["DelaySeconds"])
			}
		}
		if keys := slices.Sorted(maps.Keys(e)); !slices.Equal(keys, want) || e["Id"] != fmt.Sprint(i) || e["MessageBody"] == "" {
			t.Errorf("entry %d has %v and the id %v", i, keys, e["Id"])
		}
	}
}

// TestWhatCannotBeSentMakesNoRequest: the queue would refuse these too, and charge for it.
func TestWhatCannotBeSentMakesNoRequest(t *testing.T) { each(t, testWhatCannotBeSentMakesNoRequest) }

func testWhatCannotBeSentMakesNoRequest(t *testing.T, k kind) {
	s := k.sender(t, func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, io.EOF
	})
	results, _ := s.Send(t.Context(), []task.Envelope{{}, envelope(t, "later", task.Delay(15*time.Minute+1)), sized(t, 1<<20+1)})
	for _, r := range results {
		is(t, r, transport.Rejected, transport.Invalid)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	results, _ = s.Send(ended, envelopes(t, 1))
	if e := is(t, results[0], transport.Rejected, transport.Transient); !errors.Is(e, context.Canceled) {
		t.Errorf("error %v", e)
	}
}
