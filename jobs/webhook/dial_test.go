package webhook_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offloadhq/offload/jobs/webhook"
	"github.com/offloadhq/offload/task"
)

// resolver plays a name server: answers gives the IPv4 addresses for the nth look-up of any name.
func resolver(t *testing.T, answers func(lookup int) []string) *net.Resolver {
	var lookups atomic.Int32
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe() // no packets, so the resolver speaks DNS over TCP: each message after its length
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer far.Close()
			for {
				length := make([]byte, 2)
				if _, err := io.ReadFull(far, length); err != nil {
					return
				}
				query := make([]byte, binary.BigEndian.Uint16(length))
				if _, err := io.ReadFull(far, query); err != nil {
					return
				}
				var addrs []string
				if end := questionEnd(query); binary.BigEndian.Uint16(query[end-4:]) == 1 { // A
					addrs = answers(int(lookups.Add(1)))
				}
				reply := dnsReply(query, addrs)
				if _, err := far.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
					return
				}
			}
		}()
		t.Cleanup(func() { _ = near.Close(); <-done })
		return near, nil
	}}
}

func questionEnd(query []byte) int {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	return end + 5
}

func dnsReply(query []byte, addrs []string) []byte {
	b := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, byte(len(addrs)), 0, 0, 0, 0}, query[12:questionEnd(query)]...)
	for _, addr := range addrs {
		b = append(b, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name again, A, IN, TTL 0
		b = append(b, netip.MustParseAddr(addr).AsSlice()...)
	}
	return b
}

// named gives the server's URL under a name that only the fake resolver knows.
func named(t *testing.T, serverURL string) string {
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://receiver.test.:" + u.Port() + "/"
}

func TestLoopbackIsRefusedByDefault(t *testing.T) {
	var hits atomic.Int32
	s := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	port := s[strings.LastIndex(s, ":"):]
	h := newHandler(t, webhook.Options{})
	for _, u := range []string{
		s, "http://localhost" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://0.0.0.0" + port,
		"http://127.1" + port, "http://2130706433" + port, "http://0x7f000001" + port, "http://0177.0.0.1" + port,
	} {
		ctx, cancel := context.WithTimeout(attempt(t, 1), 2*time.Second)
		err := h.Handle(ctx, delivery(u))
		cancel()
		if err == nil {
			t.Errorf("%s: delivered", u)
		}
	}
	err := h.Handle(attempt(t, 1), delivery(s))
	if !task.IsPermanent(err) || !errors.Is(err, webhook.ErrRefused) || !strings.Contains(err.Error(), "127.0.0.1 is a loopback address") {
		t.Errorf("error %v, want a permanent ErrRefused that says why", err)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestNamesAreJudgedByTheirAddress(t *testing.T) {
	var hits atomic.Int32
	s := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for _, addr := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0"} {
		h := newHandler(t, webhook.Options{})
		h.SetResolver(resolver(t, func(int) []string { return []string{addr} }))
		if err := h.Handle(attempt(t, 1), delivery(named(t, s))); !task.IsPermanent(err) || !errors.Is(err, webhook.ErrRefused) {
			t.Errorf("%s: error %v, want a permanent ErrRefused", addr, err)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

// A name that was harmless at the first look-up and leads inside at the second.
func TestRebindingDoesNotHelp(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	h := newHandler(t, onLoopback) // here loopback plays the harmless address
	h.SetResolver(resolver(t, func(lookup int) []string {
		if lookup == 1 {
			return []string{"127.0.0.1"}
		}
		return []string{"169.254.169.254"}
	}))
	if err := h.Handle(attempt(t, 1), delivery(named(t, server.URL))); err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(attempt(t, 2), delivery(named(t, server.URL))); !errors.Is(err, webhook.ErrRefused) {
		t.Errorf("error %v, want ErrRefused", err)
	}
	if n := hits.Load(); n != 1 {
		t.Errorf("the server was asked %d times, want once", n)
	}
}

// Of several addresses the allowed one is used, and the refused one never.
func TestNameWithSeveralAddresses(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	h := newHandler(t, onLoopback)
	h.SetResolver(resolver(t, func(int) []string { return []string{"169.254.169.254", "127.0.0.1"} }))
	if err := h.Handle(attempt(t, 1), delivery(named(t, s))); err != nil {
		t.Error(err)
	}
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	// net/http reads HTTP_PROXY once a process and never uses it for loopback, so the setting is what can be tested.
	if newHandler(t, onLoopback).Transport().Proxy != nil {
		t.Error("the transport has a proxy function")
	}
}
