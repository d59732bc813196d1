package peer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// debianPlaces is where Debian puts the programs of a server, apart from the PATH.
const debianPlaces = "/usr/lib/postgresql/*/bin"

// Postgres starts one with its database in dir, with the settings that initdb gives: every commit is durable.
// PostgreSQL refuses to run as root: then it runs as the user "postgres", which comes with the package, and that user
// must be able to reach dir.
func Postgres(ctx context.Context, dir string) (*Peer, error) {
	server, err := find("postgres", debianPlaces)
	if err != nil {
		return nil, err
	}
	initdb, err := find("initdb", debianPlaces)
	if err != nil {
		return nil, err
	}
	attributes, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	create := exec.CommandContext(ctx, initdb, "--pgdata", data, "--username", "bench", "--auth", "trust", "--encoding", "UTF8", "--locale", "C")
	create.SysProcAttr, create.Dir = attributes, dir
	if out, err := create.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w:\n%s", initdb, err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), server, "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", dir)
	command.SysProcAttr, command.Dir = attributes, dir
	address := fmt.Sprintf("postgres://bench@127.0.0.1:%d/postgres?sslmode=disable", port)
	p, err := launch(ctx, command, func(ctx context.Context) error { return ping(ctx, address) })
	if err != nil {
		return nil, err
	}
	p.Address, p.Version = address, version(ctx, server, "PostgreSQL")
	return p, nil
}

func ping(ctx context.Context, address string) error {
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	return connection.Close(ctx)
}

// unprivileged says as whom to run, and gives dir to that user.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf(`PostgreSQL does not run as root, and its own user: %w: install the package "postgresql" or run as another user`, err)
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user postgres: id %q: %w", who.Uid, err)
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user postgres: group id %q: %w", who.Gid, err)
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, fmt.Errorf("directory of PostgreSQL: %w", err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}
