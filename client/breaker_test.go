package client

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var zero = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// probeOnce fails or passes one request at the earliest time that the breaker allows, and returns that time.
func probeOnce(t *testing.T, b *breaker, f finding, now time.Time) time.Time {
	t.Helper()
	if b.until.After(now) {
		if b.allows(b.until.Add(-1)) {
			t.Errorf("sends before %v", b.until)
		}
		now = b.until
	}
	if !b.allows(now) {
		t.Fatalf("sends nothing at %v: %+v", now, b)
	}
	round := b.start()
	if b.open && b.allows(now) {
		t.Error("two probes at once")
	}
	b.end(round, f, now, now, 8)
	return now
}

func TestB4_BreakerOpensAfterARowOfFailures(t *testing.T) {
	b := &breaker{}
	for range 10 {
		for range tripAfter - 1 {
			b.end(b.start(), failing, zero, zero, 8)
		}
		b.end(b.start(), silent, zero, zero, 8) // says nothing, either way
		if b.open {
			t.Fatal("open too early")
		}
		b.end(b.start(), good, zero, zero, 8)
	}
	for range tripAfter {
		b.end(b.start(), failing, zero, zero, 8)
	}
	if !b.open || b.allows(zero) {
		t.Errorf("not open: %+v", b)
	}
}

func TestA6_ProbesKeepTheirDistance(t *testing.T) {
	for range 100 {
		b := &breaker{}
		now := zero
		for range tripAfter {
			b.end(b.start(), failing, now, now, 8)
		}
		for n := 1; n < 50; n++ {
			before := now
			now = probeOnce(t, b, failing, now)
			switch wait := now.Sub(before); {
			case wait > 4*time.Second, n < 6 && wait > 100*time.Millisecond<<(n-1):
				t.Fatalf("probe %d after %v", n, wait)
			case now.Sub(zero) > 15*time.Second && wait < time.Second:
				t.Fatalf("probe %d after %v, at %v", n, wait, now.Sub(zero))
			}
		}
		now = probeOnce(t, b, good, now)
		if b.open || !b.allows(now) {
			t.Fatal("still open")
		}
	}
}

// TestA6_PauseCountsFromTheStartOfTheProbe has probes that hang.
func TestA6_PauseCountsFromTheStartOfTheProbe(t *testing.T) {
	b := &breaker{}
	now := zero
	for range tripAfter {
		b.end(b.start(), failing, now, now, 8)
	}
	for range 50 {
		began := b.until
		now = began.Add(2 * time.Second)
		b.end(b.start(), failing, began, now, 8)
		if b.until.Sub(began) > 4*time.Second {
			t.Fatalf("next probe %v after the start of the last", b.until.Sub(began))
		}
	}
	if b.until.Before(zero.Add(50 * time.Second)) {
		t.Error("the pauses do not grow")
	}
}

func TestB9_BlockedIsProbedEveryHalfMinute(t *testing.T) {
	b := &breaker{}
	now := probeOnce(t, b, blocking, zero)
	if second := probeOnce(t, b, blocking, now); second.Sub(now) > secondLook || !b.blocked() {
		t.Errorf("second look after %v", second.Sub(now))
	} else {
		now = second
	}
	for range 10 {
		next := probeOnce(t, b, blocking, now)
		if next.Sub(now) != 30*time.Second {
			t.Errorf("probe after %v", next.Sub(now))
		}
		now = next
	}
	now = probeOnce(t, b, good, now)
	if b.blocked() || b.open || !b.allows(now) {
		t.Errorf("still blocked: %+v", b)
	}
}

func TestRecoveryStartsSlowly(t *testing.T) {
	b := &breaker{}
	probeOnce(t, b, failing, probeOnce(t, b, blocking, zero))
	now := probeOnce(t, b, good, b.until)
	for _, want := range []int{2, 4, 8} { // all of them good, round after round
		var rounds []int
		for b.allows(now) && len(rounds) < 100 {
			rounds = append(rounds, b.start())
		}
		if len(rounds) != want {
			t.Errorf("%d requests at once, want %d", len(rounds), want)
		}
		for _, round := range rounds {
			b.end(round, good, now, now, 8)
		}
	}
	for range 1000 {
		b.start()
	}
	if !b.allows(now) {
		t.Error("still bounded")
	}
}

func TestAnswersFromBeforeTheOpening(t *testing.T) {
	b := &breaker{}
	old := b.start()
	for range 2 * tripAfter {
		b.start() // in flight too
	}
	for range 2 * tripAfter {
		b.end(old, failing, zero, zero, 8)
	}
	if b.probes != 1 {
		t.Errorf("requests from before opened it %d times", b.probes)
	}
	b.end(old, good, zero, zero, 8)
	if b.open || !b.allows(zero) {
		t.Error("a late good answer shows that the transport works")
	}
	b.start()
	if b.allows(zero) {
		t.Error("it does not show that it works under load")
	}
}

// TestBreakerNeverSticks goes through random histories: whatever happens, a request is allowed within 30 s of the last
// answer, and a good one closes the breaker.
func TestBreakerNeverSticks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &breaker{}
		now := zero
		var flying []int
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 10_000).Draw(t, "ms")) * time.Millisecond)
			if rapid.Bool().Draw(t, "start") {
				if b.allows(now) {
					flying = append(flying, b.start())
				}
				continue
			}
			if len(flying) > 0 {
				i := rapid.IntRange(0, len(flying)-1).Draw(t, "which")
				b.end(flying[i], finding(rapid.IntRange(int(silent), int(blocking)).Draw(t, "finding")), now, now, 8)
				flying = append(flying[:i], flying[i+1:]...)
			}
			if b.flying < 0 || b.window < 0 || b.window > 8 || b.window > 0 && b.flying > b.window && b.open {
				t.Fatalf("%+v", b)
			}
		}
		for _, round := range flying {
			b.end(round, silent, now, now, 8)
		}
		if now = now.Add(blockedProbe); !b.allows(now) {
			t.Fatalf("stuck: %+v", b)
		}
		if b.end(b.start(), good, now, now, 8); b.open || !b.allows(now) {
			t.Fatalf("open after a good answer: %+v", b)
		}
	})
}
