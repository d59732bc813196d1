package measure

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Load is a call that goroutines repeat, each as soon as its last one has returned.
type Load struct {
	Goroutines int
	Window     time.Duration         // no call starts later
	Before     func(context.Context) // waits until another call makes sense, outside what is timed; nil: always
	Call       func(context.Context) (tasks int, err error)
	Drain      func(context.Context) error // waits until every task is acknowledged; nil: they are when Call returns
}

// Run measures the load: it ends when the last call has returned and the rest is drained. Its rate is the sum of the
// goroutines' own, so that one call that takes seconds weighs as one among many; the time to drain counts for all.
func (l Load) Run(ctx context.Context) Sample {
	callers := make([]caller, l.Goroutines)
	var problems problems
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu, began := CPU(), time.Now()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { callers[i].run(ctx, l, began, &problems) })
	}
	wg.Wait()
	returned := time.Now()
	if l.Drain != nil {
		if err := l.Drain(ctx); err != nil {
			problems.add(err)
		}
	}
	s := Sample{CPU: CPU() - cpu, Wall: time.Since(returned)}
	runtime.ReadMemStats(&after)
	s.Allocs, s.Bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	s.Failures, s.Problem = problems.told()
	var all Histogram
	rate := 0.0
	for i := range callers {
		c := &callers[i]
		all.Merge(&c.latency)
		s.Tasks += c.tasks
		rate += ratio(float64(c.tasks), c.took.Seconds())
	}
	s.Wall += time.Duration(ratio(float64(s.Tasks), rate) * float64(time.Second))
	s.P50, s.P99 = all.Quantile(0.5), all.Quantile(0.99)
	return s
}

// caller is one goroutine.
type caller struct {
	latency Histogram
	tasks   int
	took    time.Duration // from the beginning until its last call returned
}

func (c *caller) run(ctx context.Context, l Load, began time.Time, problems *problems) {
	end := began.Add(l.Window)
	for ctx.Err() == nil {
		if l.Before != nil {
			l.Before(ctx)
		}
		start := time.Now()
		if !start.Before(end) {
			return
		}
		n, err := l.Call(ctx)
		c.took = time.Since(began)
		c.latency.Add(time.Since(start))
		c.tasks += n
		if err != nil {
			problems.add(err)
		}
	}
}

// problems counts errors and keeps the first.
type problems struct {
	mu    sync.Mutex
	n     int   // guarded by mu
	first error // guarded by mu
}

func (p *problems) add(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n++; p.first == nil {
		p.first = err
	}
}

func (p *problems) told() (n int, first string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first != nil {
		first = p.first.Error()
	}
	return p.n, first
}
