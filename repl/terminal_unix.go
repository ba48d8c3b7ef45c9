//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package repl

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A terminal is the controlling terminal of the process, with its original settings. It has
// its own file, so that redirected standard streams do not matter. Its methods may be called
// from any goroutine; reading is for one at a time.
type terminal struct {
	fd    int
	found unix.Termios
	pulse [2]int // a pipe that ends a wait

	mu       sync.Mutex
	released bool // given back for good
}

func openTerminal() (*terminal, error) {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: opening /dev/tty: %w", ErrNoTerminal, err)
	}
	t := &terminal{fd: fd}
	found, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: reading its settings: %w", ErrNoTerminal, err), unix.Close(fd))
	}
	t.found = *found
	if err := unix.Pipe(t.pulse[:]); err != nil {
		return nil, errors.Join(fmt.Errorf("making a pipe: %w", err), unix.Close(fd))
	}
	for _, end := range t.pulse {
		unix.CloseOnExec(end)
		if err := unix.SetNonblock(end, true); err != nil {
			return nil, fmt.Errorf("making a pipe: %w", err)
		}
	}
	return t, nil
}

// edit sets the terminal for editing: every byte arrives as it is typed, and none has an
// effect.
func (t *terminal) edit() error {
	s := t.found
	s.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	s.Oflag &^= unix.OPOST
	s.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	s.Cc[unix.VMIN], s.Cc[unix.VTIME] = 1, 0
	return t.set(&s)
}

// quiet sets the terminal for the time of a call: keys that send signals do so. Everything
// else that is typed is not shown, not changed, not dropped by a signal, and stays for the
// next prompt.
func (t *terminal) quiet() error {
	s := t.found
	s.Iflag &^= unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	s.Oflag |= unix.OPOST | unix.ONLCR
	s.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN
	s.Lflag |= unix.ISIG | unix.NOFLSH
	s.Cc[unix.VMIN], s.Cc[unix.VTIME] = 1, 0
	return t.set(&s)
}

// restore restores the original settings of the terminal.
func (t *terminal) restore() error { return t.set(&t.found) }

// release restores the terminal for good: later changes are ignored.
func (t *terminal) release() error {
	err := t.restore()
	t.mu.Lock()
	t.released = true
	t.mu.Unlock()
	return err
}

// set changes the settings once all output is written, and drops no input.
func (t *terminal) set(s *unix.Termios) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.released {
		return nil
	}
	for {
		err := unix.IoctlSetTermios(t.fd, setTermios, s)
		if err != unix.EINTR {
			return err
		}
	}
}

// size is the size of the window; 80 by 24 when it is not known.
func (t *terminal) size() (cols, rows int) {
	w, err := unix.IoctlGetWinsize(t.fd, unix.TIOCGWINSZ)
	if err != nil || w.Col == 0 || w.Row == 0 {
		return 80, 24
	}
	return int(w.Col), int(w.Row)
}

// wait waits until there is something to read, wake is called, or the time is over. A limit of
// 0 means none. It uses select, since poll does not support terminals on some versions of
// macOS.
func (t *terminal) wait(limit time.Duration) (readable bool, err error) {
	var fds unix.FdSet
	fds.Set(t.fd)
	fds.Set(t.pulse[0])
	var tv *unix.Timeval
	if limit > 0 {
		v := unix.NsecToTimeval(limit.Nanoseconds())
		tv = &v
	}
	n, err := unix.Select(max(t.fd, t.pulse[0])+1, &fds, nil, nil, tv)
	if err == unix.EINTR || n == 0 && err == nil {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("waiting for a key: %w", err)
	}
	if fds.IsSet(t.pulse[0]) {
		var drop [64]byte
		_, _ = unix.Read(t.pulse[0], drop[:]) // its only use is to end the wait
	}
	return fds.IsSet(t.fd), nil
}

// wake ends a wait, or else the next one.
func (t *terminal) wake() {
	_, _ = unix.Write(t.pulse[1], []byte{0}) // a full pipe wakes as well
}

// read reads what was typed. io.EOF means that the terminal is gone.
func (t *terminal) read(p []byte) (int, error) {
	for {
		n, err := unix.Read(t.fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, nil
		case err != nil || n <= 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// Write writes all of p.
func (t *terminal) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		n, err := unix.Write(t.fd, p[done:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN: // another program made the terminal non-blocking
			time.Sleep(time.Millisecond)
			continue
		case err != nil:
			return done, fmt.Errorf("writing to the terminal: %w", err)
		}
		done += n
	}
	return len(p), nil
}

// suspend stops the process as Ctrl-Z does outside of an editor, and returns when it goes on.
// It stops the whole group, so that a script that started the process does not go on alone. It
// sends SIGSTOP, since the Go runtime swallows SIGTSTP once somebody was notified of it; so it
// has to check itself whether anybody could continue the process. Stopping every thread takes
// a moment, so the end of the stop is noticed by SIGCONT.
func (t *terminal) suspend() error {
	if orphaned() {
		return errors.New("there is no shell to go back to")
	}
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if err := syscall.Kill(0, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("suspending: %w", err)
	}
	select {
	case <-continued:
	case <-time.After(stopTime):
	}
	return nil
}

// orphaned reports whether nobody in this session watches our process group (POSIX, XBD
// 3.264), as far as its leader can find out.
func orphaned() bool {
	if unix.Getpgrp() != unix.Getpid() {
		return false // another process leads the group, and a shell started it
	}
	parent := unix.Getppid()
	ours, err := unix.Getsid(0)
	theirs, perr := unix.Getsid(parent)
	group, gerr := unix.Getpgid(parent)
	return err != nil || perr != nil || gerr != nil || ours != theirs || group == unix.Getpgrp()
}

// stopTime is how long a stop may take to happen.
const stopTime = 500 * time.Millisecond

func (t *terminal) close() error {
	return errors.Join(unix.Close(t.fd), unix.Close(t.pulse[0]), unix.Close(t.pulse[1]))
}
