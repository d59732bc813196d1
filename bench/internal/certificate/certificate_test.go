package certificate_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/offloadhq/offload/bench/internal/certificate"
)

// TestBelieved shakes hands with a server that has the certificate from files in PEM.
func TestBelieved(t *testing.T) {
	for name, age := range map[string]time.Duration{"of today": 0, "of last week": 7 * 24 * time.Hour} {
		made, pem, err := certificate.SelfSigned(time.Now().Add(-age))
		if err != nil {
			t.Fatal(err)
		}
		key, err := certificate.Key(made)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(pem, key)
		if err != nil {
			t.Fatal(err)
		}
		config, err := certificate.Config(pem)
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		go func() {
			_ = tls.Server(far, &tls.Config{Certificates: []tls.Certificate{pair}}).HandshakeContext(t.Context())
			_ = far.Close()
		}()
		if err := tls.Client(near, config).HandshakeContext(t.Context()); (err == nil) != (age == 0) {
			t.Errorf("%s: %v", name, err)
		}
		_ = near.Close()
	}
	if _, err := certificate.Config([]byte("none")); err == nil {
		t.Error("what is no certificate was believed")
	}
}
