//go:build !unix

package cmd

import "os"

// Nothing is known here of stopping, nor of windows that change.

func stopSignals() []os.Signal    { return nil }
func windowSignals() []os.Signal  { return nil }
func isStop(os.Signal) bool       { return false }
func isResize(os.Signal) bool     { return false }
func isQuit(os.Signal) bool       { return false }
func quit()                       {}
func onQuit(func()) (stop func()) { return func() {} }
