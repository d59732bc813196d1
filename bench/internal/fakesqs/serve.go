package fakesqs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/offloadhq/offload/bench/internal/certificate"
)

// Serve runs s over TLS on a free port of the loopback interface until ctx ends, and tells ready where. The certificate
// is made for this one run.
func Serve(ctx context.Context, s *Server, ready func(url string, certificate []byte)) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("fake SQS: %w", err)
	}
	return ServeOn(ctx, listener, s, ready)
}

// ServeOn is [Serve] on a listener, which it closes.
func ServeOn(ctx context.Context, listener net.Listener, s *Server, ready func(url string, certificate []byte)) error {
	pair, pem, err := certificate.SelfSigned(time.Now())
	if err != nil {
		return fmt.Errorf("fake SQS: %w", errors.Join(err, listener.Close()))
	}
	server := &http.Server{
		Handler:           s,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12},
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients are killed on purpose
	}
	ended := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer ended()
	ready("https://"+listener.Addr().String(), pem)
	if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("fake SQS: %w", err)
	}
	return nil
}
