package memnet

import (
	"context"
	"errors"
	"net"
)

// Nobody returns a loopback address, host and port, at which nobody listens, and nobody will before release is called. The
// port of a listener that was closed may be that of the next one, in this process or in another: this is the port of the near
// end of a connection, which the kernel gives to no listener.
func Nobody() (address string, release func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		return "", nil, errors.Join(err, l.Close())
	}
	return c.LocalAddr().String(), func() { _ = errors.Join(c.Close(), l.Close()) }, nil
}
