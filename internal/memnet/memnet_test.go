package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/internal/memnet"
)

func TestARequestTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
		})}
		go func() { _ = server.Serve(network) }()
		defer server.Close()
		client := &http.Client{Timeout: time.Nanosecond, Transport: &http.Transport{DialContext: network.Dial}}
		start := time.Now()
		for range 3 {
			resp, err := client.Post("http://memory", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			synctest.Wait()
		}
		if took := time.Since(start); took != 0 || network.Dialled() != 1 {
			t.Errorf("three requests took %v and %d connections", took, network.Dialled())
		}
	})
}

func TestNobodyAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := network.Dial(ctx, "", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial returned %v", err)
		}
		_ = errors.Join(network.Close(), network.Close())
		if _, err := network.Dial(t.Context(), "", ""); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Dial returned %v after Close", err)
		}
		if _, err := network.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept returned %v after Close", err)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	address, release, err := memnet.Nobody()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if l, err := net.Listen("tcp", address); err == nil {
		t.Error("somebody may listen", l.Close())
	}
	if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial returned %v", err)
	}
}
