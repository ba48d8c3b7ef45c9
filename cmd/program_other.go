//go:build !unix

package cmd

import "os/exec"

// wholeProgram returns what ends a program. What it has started is not known here.
func wholeProgram(c *exec.Cmd) (kill func() error) {
	return func() error { return c.Process.Kill() }
}
