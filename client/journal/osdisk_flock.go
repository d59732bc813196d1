//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package journal

import (
	"errors"
	"os"
	"syscall"
)

// flock takes the lock of an open file without waiting. It belongs to this opening of the file, so two Journals of one
// process exclude each other as two processes do.
func flock(f *os.File) error { return tryFlock(f, syscall.LOCK_EX) }

// flockShared reports errLocked while somebody holds the lock. Closing the file gives it back.
func flockShared(f *os.File) error { return tryFlock(f, syscall.LOCK_SH) }

func tryFlock(f *os.File, how int) error {
	for {
		err := control(f, func(fd int) error { return syscall.Flock(fd, how|syscall.LOCK_NB) })
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}

// control runs f on the descriptor of an open file.
func control(f *os.File, call func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = call(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// noSpace reports an error of a disk that has no room, or gives this user no more.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
