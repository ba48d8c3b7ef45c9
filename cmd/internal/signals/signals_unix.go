//go:build unix

package signals

import (
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/rpcctl/rpcctl/internal/fault"
)

// stopSignals returns the signals of Ctrl-Z.
func stopSignals() []os.Signal { return []os.Signal{syscall.SIGTSTP} }

// Window returns the signals that a terminal sends, besides that of Ctrl-C.
func Window() []os.Signal {
	return append(stopSignals(), syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGQUIT)
}

// IsQuit reports whether a signal is that of Ctrl-\.
func IsQuit(sig os.Signal) bool { return sig == syscall.SIGQUIT }

// Quit ends the process as SIGQUIT does by default: with the stacks of its goroutines.
func Quit() {
	signal.Reset(syscall.SIGQUIT)
	_ = syscall.Kill(os.Getpid(), syscall.SIGQUIT)
}

// OnQuit runs fn before SIGQUIT ends the process, until stop is called.
func OnQuit(fn func()) (stop func()) {
	quits, stopped := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(quits, syscall.SIGQUIT)
	go func() {
		defer fault.Exit()
		select {
		case <-quits:
			fn()
			Quit()
		case <-stopped:
		}
	}()
	return func() {
		signal.Stop(quits)
		close(stopped)
	}
}

// IsStop reports whether a signal is that of Ctrl-Z.
func IsStop(sig os.Signal) bool { return slices.Contains(stopSignals(), sig) }

// IsResize reports whether the prompt must be drawn again after a signal: the size of the
// window has changed, or the process was stopped and another may have written over it.
func IsResize(sig os.Signal) bool { return sig == syscall.SIGWINCH || sig == syscall.SIGCONT }
