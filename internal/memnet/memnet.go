// Package memnet is a network in memory, for tests on virtual time: a bubble of testing/synctest knows when all wait for it,
// which it does not know of sockets. What takes no time on this network takes none, however busy the machine is. For tests
// that need a socket it has the address of [Nobody].
package memnet

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// Network is a listener, and the way to it. Make one with [New]. It is safe for concurrent use.
type Network struct {
	arrived chan net.Conn
	closed  chan struct{}
	close   func()
	dialled atomic.Int32
}

var _ net.Listener = (*Network)(nil)

// New makes a network. Its channels belong to the bubble in which it is made.
func New() *Network {
	n := &Network{arrived: make(chan net.Conn), closed: make(chan struct{})}
	n.close = sync.OnceFunc(func() { close(n.closed) })
	return n
}

// Dial connects, whatever the address, and waits until the listener accepts or ctx ends. It is for the DialContext of an
// http.Transport.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.dialled.Add(1)
	near, far := net.Pipe()
	select {
	case n.arrived <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Dialled is how often Dial was called.
func (n *Network) Dialled() int { return int(n.dialled.Load()) }

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.arrived:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections stay.
func (n *Network) Close() error {
	n.close()
	return nil
}

// Addr implements net.Listener.
func (n *Network) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }
