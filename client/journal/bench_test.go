package journal_test

import (
	"fmt"
	"math/bits"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offloadhq/offload/client/journal"
)

// bodyBytes is the size of the tasks in the project's measurements.
const bodyBytes = 300

// quantiles is a histogram that allocates nothing: four buckets for each power of two.
type quantiles [256]int

func (q *quantiles) add(d time.Duration) {
	n := uint64(max(d, 4))
	shift := bits.Len64(n) - 3
	q[min(len(q)-1, shift*4+int(n>>shift)-4)]++
}

// at returns the upper bound of the bucket in which the share lies.
func (q *quantiles) at(share float64) time.Duration {
	total := 0
	for _, n := range q {
		total += n
	}
	rank := int(share * float64(total))
	for i, n := range q {
		if rank -= n; rank < 0 {
			return time.Duration(i%4+5) << (i / 4)
		}
	}
	return 0
}

// BenchmarkAppend stores records of 300 bytes; each caller says Done of ten at a time, as the client does.
func BenchmarkAppend(b *testing.B) {
	for _, sync := range []journal.Sync{journal.SyncAlways, journal.SyncInterval} {
		for _, callers := range []int{1, 8, 64, 256} {
			b.Run(fmt.Sprintf("%v/callers=%d", sync, callers), func(b *testing.B) { benchmarkAppend(b, sync, callers) })
		}
	}
}

func benchmarkAppend(b *testing.B, sync_ journal.Sync, callers int) {
	j := open(b, b.TempDir(), journal.Options{Sync: sync_})
	body := make([]byte, bodyBytes)
	var all quantiles
	var mu sync.Mutex
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	begun := time.Now()
	for c := range callers {
		n := b.N / callers
		if c < b.N%callers {
			n++
		}
		wg.Go(func() {
			var own quantiles
			refs := make([]journal.Ref, 0, 10)
			for range n {
				start := time.Now()
				ref, err := j.Append(b.Context(), journal.Record{Body: body})
				own.add(time.Since(start))
				if err != nil {
					b.Error(err)
					return
				}
				if refs = append(refs, ref); len(refs) == cap(refs) {
					if err := j.Done(refs...); err != nil {
						b.Error(err)
					}
					refs = refs[:0]
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for i, n := range own {
				all[i] += n
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/took.Seconds(), "records/s")
	b.ReportMetric(float64(all.at(0.5))/1e3, "p50-µs")
	b.ReportMetric(float64(all.at(0.99))/1e3, "p99-µs")
	b.ReportMetric(float64(b.N)/float64(max(1, j.Stats().Syncs)), "records/sync")
}

// BenchmarkReplay opens a journal with a million records that somebody has left, reads them all, and says that they are
// done: a million records are one operation. Memory is what the heap held at most.
func BenchmarkReplay(b *testing.B) {
	const records = 1_000_000
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		fillFor(b, dir, records)
		stop, most := watchHeap()
		b.StartTimer()
		j := open(b, dir, journal.Options{})
		opened := b.Elapsed()
		got := 0
		for {
			all, err := j.Next(1000, 1<<20)
			if err != nil {
				b.Fatal(err)
			}
			if len(all) == 0 {
				break
			}
			refs := make([]journal.Ref, len(all))
			for i, r := range all {
				refs[i] = r.Ref
			}
			if err := j.Done(refs...); err != nil {
				b.Fatal(err)
			}
			got += len(all)
		}
		b.StopTimer()
		stop()
		if err := j.Close(); err != nil || got != records {
			b.Fatal(got, err)
		}
		b.ReportMetric(float64(most.Load())/(1<<20), "MiB")
		b.ReportMetric(float64(opened.Milliseconds()), "open-ms")
		b.StartTimer()
	}
}

// fillFor leaves records in a directory.
func fillFor(b *testing.B, dir string, records int) {
	b.Helper()
	j := open(b, dir, journal.Options{Sync: journal.SyncInterval})
	body := make([]byte, bodyBytes)
	for range records {
		if _, err := j.Append(b.Context(), journal.Record{Body: body}); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}

// watchHeap looks every few milliseconds.
func watchHeap() (stop func(), most *atomic.Uint64) {
	most = new(atomic.Uint64)
	quit, ended := make(chan struct{}), make(chan struct{})
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	go func() {
		defer close(ended)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			metrics.Read(sample)
			most.Store(max(most.Load(), sample[0].Value.Uint64()))
			select {
			case <-tick.C:
			case <-quit:
				tick.Stop()
				return
			}
		}
	}()
	return func() { close(quit); <-ended }, most
}
