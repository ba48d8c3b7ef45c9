//go:build unix

package cmd

import (
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/rpcctl/rpcctl/internal/fault"
)

// stopSignals are those of Ctrl-Z.
func stopSignals() []os.Signal { return []os.Signal{syscall.SIGTSTP} }

// windowSignals are those of a terminal, besides Ctrl-C.
func windowSignals() []os.Signal {
	return append(stopSignals(), syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGQUIT)
}

func isQuit(sig os.Signal) bool { return sig == syscall.SIGQUIT }

// quit ends the process as SIGQUIT does when nobody takes it: with what it is at.
func quit() {
	signal.Reset(syscall.SIGQUIT)
	_ = syscall.Kill(os.Getpid(), syscall.SIGQUIT)
}

// onQuit has a function run before SIGQUIT ends the process, until stop is called.
func onQuit(fn func()) (stop func()) {
	quits, stopped := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(quits, syscall.SIGQUIT)
	go func() {
		defer fault.Exit()
		select {
		case <-quits:
			fn()
			quit()
		case <-stopped:
		}
	}()
	return func() {
		signal.Stop(quits)
		close(stopped)
	}
}

func isStop(sig os.Signal) bool { return slices.Contains(stopSignals(), sig) }

// isResize tells of a signal that the prompt must be drawn anew: the window has changed, or the
// process was stopped and somebody may have drawn over it.
func isResize(sig os.Signal) bool { return sig == syscall.SIGWINCH || sig == syscall.SIGCONT }
