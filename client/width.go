package client

import "time"

const (
	// few is how many requests in flight are never too many.
	few = 8
	// quorum is how many more requests must say so before the width changes, so that goroutines do not come and go.
	quorum = 8
)

// width is how many requests a route has in flight at most, as long as they come back. Where this process gets too little of
// its processors more requests make each of them slower: no more tasks leave, and their memory is no longer in the caches. So
// the width shrinks while goroutines wait for a processor for an eighth of the time that their requests took. A request
// waits like this a few times: more than half of what it takes is then no round trip. That is not so while goroutines would
// wait as long with few requests, because others keep the processors busy: the more requests, the more of them they get.
type width struct {
	most, now int
	usual     time.Duration // what a goroutine waits for a processor when few are in flight: a moving average
	votes     int           // how many requests more were for growing, since the last change
}

func newWidth(most int) width { return width{most: most, now: most} }

// learn takes over what one of so many requests in flight took, and what its goroutine then waited for a processor.
func (w *width) learn(flying int, took, waited time.Duration) {
	if flying <= few || waited < w.usual {
		w.usual += (waited - w.usual) / 8
	}
	if waited > took/8 && waited > 2*w.usual {
		w.votes--
	} else {
		w.votes++
	}
	switch step := w.now / 8; {
	case w.votes >= quorum:
		w.now, w.votes = min(w.now+step, w.most), 0
	case w.votes <= -quorum:
		w.now, w.votes = max(w.now-step, min(few, w.most)), 0
	}
}
