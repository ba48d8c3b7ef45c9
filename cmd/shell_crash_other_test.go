//go:build !unix

package cmd_test

// crashingEditor needs a terminal, which this system's tests do not have.
func crashingEditor() {}
