package webhook

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// CheckAddress is what the dialer asks for each address.
func CheckAddress(addr netip.Addr, opts Options) error {
	return guard{loopback: opts.AllowLoopback, private: opts.AllowPrivate}.check(addr)
}

// RetryAfter reads the header.
func RetryAfter(header string, now time.Time) (time.Duration, bool) { return retryAfter(header, now) }

// SignatureOf makes the header.
func SignatureOf(secrets []string, now time.Time, body []byte) string {
	return signatureHeader(secrets, now, body)
}

// SetResolver lets a test play the name server.
func (h *Handler) SetResolver(r *net.Resolver) { h.dialer.Resolver = r }

// Transport shows the settings.
func (h *Handler) Transport() *http.Transport { return h.client.Transport.(*http.Transport) }
