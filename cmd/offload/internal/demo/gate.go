package demo

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// gate stands between the web host and its queues. While it is shut, the queues are away: every request is refused.
type gate struct {
	URL    string
	shut   atomic.Bool
	server *http.Server
}

func startGate(endpoint string) (*gate, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gate{URL: "http://" + listener.Addr().String()}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	g.server = &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if g.shut.Load() {
				http.Error(w, "the queues are away", http.StatusServiceUnavailable)
				return
			}
			proxy.ServeHTTP(w, r)
		}),
	}
	go func() { _ = g.server.Serve(listener) }() // ends with close
	return g, nil
}

func (g *gate) close(ctx context.Context) error { return g.server.Shutdown(ctx) }
