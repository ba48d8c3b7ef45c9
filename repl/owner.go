package repl

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
)

// crashed is the exit status of a process that panics.
const crashed = 134

// A terminalOwner gives the terminal back to others, for a while or at the end of the process.
type terminalOwner struct{ term *terminal }

// Release restores the terminal's own settings for a program that runs on it; Hold takes the
// terminal again. Neither may be called while a prompt is open.
func (o *terminalOwner) Release() error { return o.term.restore() }

// Hold takes the terminal after Release.
func (o *terminalOwner) Hold() error { return o.term.quiet() }

// Suspend stops the process as Ctrl-Z does, with the terminal as it was found, and takes the
// terminal again when the process goes on. It must not be called while a prompt is open.
func (o *terminalOwner) Suspend() error {
	return errors.Join(o.term.restore(), o.term.suspend(), o.term.quiet())
}

// Crash ends the process after a panic, with the terminal as it was found: a goroutine that
// panics would otherwise leave it unusable. It does not return.
func (o *terminalOwner) Crash(cause any) {
	stack := debug.Stack()
	o.Restore()
	fmt.Fprintf(os.Stderr, "internal fault: %v\n%s", cause, stack)
	os.Exit(crashed)
}

// Restore restores the terminal, for a process that is about to end after a panic in any
// goroutine.
func (o *terminalOwner) Restore() {
	_, _ = o.term.Write([]byte("\r\n" + codePasteOff + codeShowCursor)) // the cause is printed even when this fails
	_ = o.term.release()
}

// Go runs a function in a goroutine, under Crash.
func (o *terminalOwner) Go(fn func()) {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				o.Crash(r)
			}
		}()
		fn()
	}()
}
