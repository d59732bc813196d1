//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package journal

import (
	"errors"
	"os"
)

func flock(*os.File) error { return errors.ErrUnsupported }

func flockShared(*os.File) error { return errors.ErrUnsupported }

func noSpace(error) bool { return false }
