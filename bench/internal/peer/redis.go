package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/offloadhq/offload/bench/internal/certificate"
)

// Redis starts one that keeps an append-only file in dir, with fsync "everysec" or "always", and no snapshots.
func Redis(ctx context.Context, dir, fsync string) (*Peer, error) {
	return startRedis(ctx, nil, "--port", "--dir", dir, "--appendfsync", fsync)
}

// RedisTLS starts one that speaks TLS alone, with a certificate of its own.
func RedisTLS(ctx context.Context, dir, fsync string) (*Peer, error) {
	pair, pem, err := certificate.SelfSigned(time.Now())
	if err != nil {
		return nil, err
	}
	key, err := certificate.Key(pair)
	if err != nil {
		return nil, err
	}
	pemFile, keyFile := filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(pemFile, pem, 0o600), os.WriteFile(keyFile, key, 0o600)); err != nil {
		return nil, err
	}
	return startRedis(ctx, pem, "--tls-port", "--dir", dir, "--appendfsync", fsync,
		"--port", "0", "--tls-cert-file", pemFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no")
}

// startRedis starts one at a free port, which the flag tells it; pem is its certificate, if it has one.
func startRedis(ctx context.Context, pem []byte, portFlag string, args ...string) (*Peer, error) {
	program, err := find("redis-server")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	options := &redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port), MaxRetries: -1}
	if pem != nil {
		if options.TLSConfig, err = certificate.Config(pem); err != nil {
			return nil, err
		}
	}
	args = append([]string{
		portFlag, strconv.Itoa(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--save", "", "--auto-aof-rewrite-percentage", "0",
	}, args...)
	command := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }() // it has asked all that it had to
	p, err := launch(ctx, command, func(ctx context.Context) error { return client.Ping(ctx).Err() })
	if err != nil {
		return nil, err
	}
	p.Address, p.Certificate, p.Version = options.Addr, string(pem), version(ctx, program, "Redis")
	return p, nil
}
