//go:build !unix

package signals

import "os"

// Window returns no signals: on this system terminals send none.
func Window() []os.Signal { return nil }

// IsStop reports false: there is no signal for it here, as for the others below.
func IsStop(os.Signal) bool { return false }

// IsResize reports false.
func IsResize(os.Signal) bool { return false }

// IsQuit reports false.
func IsQuit(os.Signal) bool { return false }

// Quit does nothing.
func Quit() {}

// OnQuit does nothing.
func OnQuit(func()) (stop func()) { return func() {} }
