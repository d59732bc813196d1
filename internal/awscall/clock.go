package awscall

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock is the service's time, as far as its answers tell it. A signature must be right to five minutes, and a host may
// not be. (AWS SDKs and Tools Reference Guide, "Clock skew correction".)
type clock struct {
	off   bool // the configuration wants the host's own time
	ahead atomic.Int64
	last  atomic.Pointer[date]
}

// date is a time of the service, and its text: most answers have the second of the one before.
type date struct {
	text string
	at   time.Time
}

// skewThreshold is how far apart two clocks must be before a refused signature is put down to them.
const skewThreshold = 4 * time.Minute

// offset is how far the service's clock is ahead of this host's.
func (k *clock) offset() time.Duration { return time.Duration(k.ahead.Load()) }

// observe reads the time of an answer that came now. It reports whether the request, signed with the offset used, was
// signed for a time that is far from the service's. An answer out of a cache says nothing.
func (k *clock) observe(h http.Header, now time.Time, used time.Duration) (wrong bool) {
	if k.off || h.Get("Age") != "" {
		return false
	}
	last := k.last.Load()
	if text := h.Get("Date"); last == nil || text != last.text {
		at, err := http.ParseTime(text)
		if err != nil {
			return false
		}
		last = &date{text, at}
		k.last.Store(last)
	}
	ahead := last.at.Sub(now)
	k.ahead.Store(int64(ahead))
	return (ahead - used).Abs() > skewThreshold
}
