package client

import (
	"log/slog"
	"runtime/debug"
	"sync"
)

// reporter calls Options.OnResult, one entry at a time, from a goroutine that lives while there is something to tell.
type reporter struct {
	hook      func(Receipt) // nil: nobody listens
	ledger    *ledger
	log       *slog.Logger
	journaled *journaled // nil outside the mode Journaled

	mu      sync.Mutex
	queue   []*entry
	running bool
}

func (p *reporter) report(owed []*entry) {
	if len(owed) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, owed...)
	if !p.running {
		p.running = true
		p.ledger.enter()
		go p.run()
	}
}

func (p *reporter) run() {
	defer p.ledger.exit()
	for batch := p.next(); batch != nil; batch = p.next() {
		for _, e := range batch {
			p.call(e.receipt(e.end))
			p.ledger.settle(e)
			p.journaled.wake()
		}
	}
}

func (p *reporter) next() []*entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	batch := p.queue
	p.queue = nil
	p.running = batch != nil
	return batch
}

func (p *reporter) call(r Receipt) {
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("Options.OnResult panicked", "id", r.ID, "name", r.Name, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	p.hook(r)
}
