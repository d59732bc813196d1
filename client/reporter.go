package client

import (
	"log/slog"
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
	repeat(p.tellNext)
}

// tellNext tells the next end, if there is one.
func (p *reporter) tellNext() (more bool) {
	e := p.next()
	if e == nil {
		return false
	}
	defer func() {
		p.ledger.settle(e)
		p.journaled.wake()
	}()
	r := e.receipt(e.end)
	callFor(p.log, "Options.OnResult", r.ID, r.Name, func() { p.hook(r) })
	return true
}

func (p *reporter) next() *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.queue, p.running = nil, false
		return nil
	}
	e := p.queue[0]
	p.queue[0], p.queue = nil, p.queue[1:]
	return e
}
