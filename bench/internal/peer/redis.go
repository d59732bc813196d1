package peer

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Redis starts one that keeps an append-only file in dir, with fsync "everysec" or "always", and no snapshots.
func Redis(ctx context.Context, dir, fsync string) (*Peer, error) {
	program, err := find("redis-server")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	command := exec.CommandContext(context.WithoutCancel(ctx), program,
		"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir,
		"--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--auto-aof-rewrite-percentage", "0")
	client := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1})
	defer func() { _ = client.Close() }() // it has asked all that it had to
	p, err := launch(ctx, command, func(ctx context.Context) error { return client.Ping(ctx).Err() })
	if err != nil {
		return nil, err
	}
	p.Address, p.Version = address, version(ctx, program, "Redis")
	return p, nil
}
