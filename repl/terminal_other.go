//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package repl

import "time"

// A terminal does not exist on this system: the shell reads lines like any program.
type terminal struct{}

func openTerminal() (*terminal, error)             { return nil, ErrNoTerminal }
func (*terminal) edit() error                      { return ErrNoTerminal }
func (*terminal) quiet() error                     { return ErrNoTerminal }
func (*terminal) restore() error                   { return ErrNoTerminal }
func (*terminal) release() error                   { return ErrNoTerminal }
func (*terminal) size() (cols, rows int)           { return 80, 24 }
func (*terminal) wait(time.Duration) (bool, error) { return false, ErrNoTerminal }
func (*terminal) wake()                            {}
func (*terminal) read([]byte) (int, error)         { return 0, ErrNoTerminal }
func (*terminal) Write([]byte) (int, error)        { return 0, ErrNoTerminal }
func (*terminal) suspend() error                   { return ErrNoTerminal }
func (*terminal) close() error                     { return nil }
