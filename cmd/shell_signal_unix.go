//go:build unix

package cmd

import (
	"os"
	"slices"
	"syscall"
)

// stopSignals are those of Ctrl-Z.
func stopSignals() []os.Signal { return []os.Signal{syscall.SIGTSTP} }

// windowSignals are those of a terminal, besides Ctrl-C.
func windowSignals() []os.Signal { return append(stopSignals(), syscall.SIGWINCH, syscall.SIGCONT) }

func isStop(sig os.Signal) bool { return slices.Contains(stopSignals(), sig) }

// isResize tells of a signal that the prompt must be drawn anew: the window has changed, or the
// process was stopped and somebody may have drawn over it.
func isResize(sig os.Signal) bool { return sig == syscall.SIGWINCH || sig == syscall.SIGCONT }
