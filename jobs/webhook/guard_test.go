package webhook_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/offloadhq/offload/jobs/webhook"
)

func TestCheckAddress(t *testing.T) {
	const (
		never    = iota // refused whatever the options say
		loopback        // allowed by AllowLoopback only
		private         // allowed by AllowPrivate only
		public
	)
	tests := []struct {
		addr  string
		class int
		says  string
	}{
		{"8.8.8.8", public, ""},
		{"1.1.1.1", public, ""},
		{"9.255.255.255", public, ""},
		{"11.0.0.0", public, ""},
		{"100.63.255.255", public, ""},
		{"100.128.0.0", public, ""},
		{"126.255.255.255", public, ""},
		{"128.0.0.0", public, ""},
		{"169.253.255.255", public, ""},
		{"169.255.0.0", public, ""},
		{"172.15.255.255", public, ""},
		{"172.32.0.0", public, ""},
		{"192.167.255.255", public, ""},
		{"192.169.0.0", public, ""},
		{"198.17.255.255", public, ""},
		{"198.20.0.0", public, ""},
		{"223.255.255.255", public, ""},
		{"2606:4700:4700::1111", public, ""},
		{"2a00:1450:4001::1", public, ""},
		{"2001:4860:4860::8888", public, ""},
		{"::ffff:8.8.8.8", public, ""},
		{"64:ff9b::8.8.8.8", public, ""},

		{"127.0.0.1", loopback, "loopback"},
		{"127.0.0.53", loopback, "loopback"},
		{"127.255.255.255", loopback, "loopback"},
		{"::1", loopback, "loopback"},
		{"::ffff:127.0.0.1", loopback, "loopback"},

		{"10.0.0.0", private, "private"},
		{"10.255.255.255", private, "private"},
		{"172.16.0.0", private, "private"},
		{"172.31.255.255", private, "private"},
		{"192.168.0.1", private, "private"},
		{"::ffff:10.0.0.1", private, "private"},
		{"fc00::1", private, "private"},
		{"fd12:3456::1", private, "private"},

		{"169.254.0.0", never, "link-local"},
		{"169.254.169.254", never, "link-local"},
		{"169.254.170.2", never, "link-local"},
		{"169.254.170.23", never, "link-local"},
		{"169.254.255.255", never, "link-local"},
		{"::ffff:169.254.169.254", never, "link-local"},
		{"fe80::1", never, "link-local"},
		{"fe80::1%eth0", never, "link-local"},
		{"febf::1", never, "link-local"},
		{"fec0::1", never, "site-local"},
		{"fd00:ec2::254", never, "AWS"},
		{"fd00:ec2::23", never, "AWS"},
		{"100.64.0.0", never, "CGNAT"},
		{"100.100.100.200", never, "CGNAT"},
		{"100.127.255.255", never, "CGNAT"},
		{"0.0.0.0", never, "unspecified"},
		{"0.1.2.3", never, "this network"},
		{"::", never, "unspecified"},
		{"::ffff:0.0.0.0", never, "unspecified"},
		{"::2", never, "not a global"},
		{"::127.0.0.1", never, "not a global"},
		{"192.0.0.192", never, "reserved"},
		{"192.0.2.1", never, "documentation"},
		{"198.51.100.1", never, "documentation"},
		{"203.0.113.1", never, "documentation"},
		{"192.88.99.1", never, "6to4"},
		{"198.18.0.1", never, "benchmarking"},
		{"198.19.255.255", never, "benchmarking"},
		{"224.0.0.1", never, "multicast"},
		{"239.255.255.255", never, "multicast"},
		{"240.0.0.1", never, "reserved"},
		{"255.255.255.255", never, "reserved"},
		{"ff02::1", never, "multicast"},
		{"64:ff9b::127.0.0.1", never, "NAT64 to a loopback"},
		{"64:ff9b::10.0.0.1", never, "NAT64 to a private"},
		{"64:ff9b::169.254.169.254", never, "NAT64 to a link-local"},
		{"64:ff9b:1::8.8.8.8", never, "NAT64"},
		{"2001::1", never, "reserved"}, // Teredo
		{"2001:db8::1", never, "documentation"},
		{"3fff::1", never, "documentation"},
		{"2002:7f00:1::", never, "6to4"}, // 6to4 around 127.0.0.1
		{"100::1", never, "not a global"},
		{"4000::1", never, "not a global"},
		{"5f00::1", never, "not a global"},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			addr := netip.MustParseAddr(tt.addr)
			for _, opts := range []webhook.Options{
				{}, {AllowLoopback: true}, {AllowPrivate: true}, {AllowLoopback: true, AllowPrivate: true},
			} {
				allowed := tt.class == public || tt.class == loopback && opts.AllowLoopback || tt.class == private && opts.AllowPrivate
				err := webhook.CheckAddress(addr, opts)
				if allowed != (err == nil) || err != nil && !errors.Is(err, webhook.ErrRefused) {
					t.Errorf("AllowLoopback %v, AllowPrivate %v: error %v, want allowed: %v", opts.AllowLoopback, opts.AllowPrivate, err, allowed)
				}
				if err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error %v does not say %q", err, tt.says)
				}
			}
		})
	}
}

func TestCheckAddressOfNothing(t *testing.T) {
	if err := webhook.CheckAddress(netip.Addr{}, webhook.Options{AllowLoopback: true, AllowPrivate: true}); err == nil {
		t.Error("the zero address is allowed")
	}
}
