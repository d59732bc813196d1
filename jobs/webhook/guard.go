package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrRefused says that a URL leads to an address where deliveries must not go. It is permanent.
var ErrRefused = errors.New("address is refused")

// guard decides which addresses may be connected to.
type guard struct{ loopback, private bool }

// control is a net.Dialer.ControlContext: it sees each address that the name resolved to, just before connect(2).
func (g guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %q is not TCP", ErrRefused, network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is not an IP address with a port", ErrRefused, address)
	}
	return g.check(at.Addr())
}

// check is nil if addr may be connected to.
func (g guard) check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	if nat64.Contains(addr) { // the exceptions of the options are not meant for what is behind a gateway
		if class := classify(embedded(addr)); class != "" {
			return fmt.Errorf("%w: %s leads through NAT64 to %s", ErrRefused, addr, class)
		}
		return nil
	}
	switch class := classify(addr); {
	case class == "", class == loopback && g.loopback, class == private && g.private:
		return nil
	default:
		return fmt.Errorf("%w: %s is %s", ErrRefused, addr, class)
	}
}

// The classes that an option can allow.
const (
	loopback = "a loopback address"
	private  = "a private address"
)

type special struct {
	prefix netip.Prefix
	class  string
}

// nat64 is the well-known prefix (RFC 6052) by which IPv6-only networks, a VPC among them, reach IPv4.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func embedded(addr netip.Addr) netip.Addr {
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// global6 is all that is assigned as global unicast in IPv6; the rest is refused without a list.
var global6 = netip.MustParsePrefix("2000::/3")

// specials are the ranges that are not the public Internet (IANA IPv4 and IPv6 Special-Purpose Address Registries). The
// first that fits counts.
var specials = func() (list []special) {
	for _, s := range [...]struct{ prefix, class string }{
		{"127.0.0.0/8", loopback},
		{"::1/128", loopback},
		{"169.254.0.0/16", "a link-local address"}, // the instance, task and pod metadata services of AWS among them
		{"fe80::/10", "a link-local address"},
		{"fd00:ec2::/32", "an address of AWS's own services on an instance"}, // metadata, DNS, time, pod identity
		{"10.0.0.0/8", private},
		{"172.16.0.0/12", private},
		{"192.168.0.0/16", private},
		{"100.64.0.0/10", "a shared address (CGNAT)"}, // also other clouds' metadata: not part of AllowPrivate
		{"fc00::/7", private},
		{"fec0::/10", "a site-local address"},
		{"224.0.0.0/4", "a multicast address"},
		{"ff00::/8", "a multicast address"},
		{"0.0.0.0/32", "the unspecified address"}, // Linux connects it to loopback
		{"::/128", "the unspecified address"},
		{"0.0.0.0/8", "an address of this network"},
		{"192.0.0.0/24", "a reserved address"},
		{"192.0.2.0/24", "a documentation address"},
		{"192.88.99.0/24", "a 6to4 relay"},
		{"198.18.0.0/15", "a benchmarking address"},
		{"198.51.100.0/24", "a documentation address"},
		{"203.0.113.0/24", "a documentation address"},
		{"240.0.0.0/4", "a reserved address"}, // 255.255.255.255 among them
		{"64:ff9b:1::/48", "a local NAT64 address"},
		{"2001::/23", "a reserved address"}, // Teredo among them, which wraps an IPv4 address
		{"2001:db8::/32", "a documentation address"},
		{"2002::/16", "a 6to4 address"}, // wraps an IPv4 address
		{"3fff::/20", "a documentation address"},
	} {
		list = append(list, special{netip.MustParsePrefix(s.prefix), s.class})
	}
	return list
}()

// classify says what addr is, "" for a public address. IPv4-mapped addresses must have been unmapped.
func classify(addr netip.Addr) string {
	for _, s := range specials {
		if s.prefix.Contains(addr) {
			return s.class
		}
	}
	if !addr.Is4() && !global6.Contains(addr) {
		return "not a global address"
	}
	return ""
}
