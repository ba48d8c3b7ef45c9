//go:build !unix

package program

import "os/exec"

// wholeProgram returns a function that kills a program. Its descendants are not known here.
func wholeProgram(c *exec.Cmd) (kill func() error) {
	return func() error { return c.Process.Kill() }
}
