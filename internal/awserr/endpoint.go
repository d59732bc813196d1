package awserr

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// CheckEndpoint refuses an address that would send tasks unencrypted over a network: anything but https, and http to
// this machine.
func CheckEndpoint(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("endpoint %q: is not a URL: %w", address, err)
	}
	switch {
	case u.Host == "":
		return fmt.Errorf("endpoint %q: is not an absolute URL: it has no host", address)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("endpoint %q: would send tasks unencrypted to another machine: use https, or allow it in the options", address)
	}
	return fmt.Errorf("endpoint %q: the scheme must be https, or http on this machine", address)
}

func loopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
