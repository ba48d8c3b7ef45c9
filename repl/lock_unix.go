//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package repl

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile waits for an exclusive lock on a file, which its Close gives up.
func lockFile(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}
