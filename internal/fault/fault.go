// Package fault ends the process after a panic, which is a fault of rpcctl itself: with
// what happened, where to report it, and an exit code of its own, whichever goroutine it
// was. Exit is deferred first in every goroutine that rpcctl starts.
package fault

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"
)

// Code is the exit code: that of a process which the system aborted, to a shell.
const Code = 134

// restore gives the terminal of the process back. The process has one terminal, hence one
// function.
var restore atomic.Pointer[func()]

// Before sets a function that runs before the process ends after a panic, in whichever
// goroutine and whatever that holds, so it must not wait for locks. Nil: none.
func Before(fn func()) {
	if fn == nil {
		restore.Store(nil)
		return
	}
	restore.Store(&fn)
}

// mask takes secrets out of the report; nil: it reports nothing
var mask atomic.Pointer[func(string) string]

// Mask sets the function that takes the secrets out of the report of a panic.
func Mask(fn func(text string) string) { mask.Store(&fn) }

// Exit ends the process when the goroutine that deferred it panics.
func Exit() {
	if cause := recover(); cause != nil {
		if fn := restore.Load(); fn != nil {
			(*fn)()
		}
		Tell(os.Stderr, cause)
		os.Exit(Code)
	}
}

// Tell reports a panic, from the deferred function that recovered it.
func Tell(w io.Writer, cause any) {
	text := fmt.Sprintf(
		"rpcctl: internal fault: %v\n%shint: this is a fault of rpcctl; please report it with all of the above: https://github.com/rpcctl/rpcctl/issues\n",
		cause, debug.Stack())
	if fn := mask.Load(); fn != nil {
		text = (*fn)(text)
	}
	_, _ = io.WriteString(w, text) // there is nobody left to tell
}
