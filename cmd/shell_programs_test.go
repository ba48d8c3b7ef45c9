//go:build unix

package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// In a shell with --no-shell neither the keys nor a setting start a program.
func TestShellWithoutProgramsStartsNone(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	without := func(_ *screen, c *exec.Cmd, _ *pty.Winsize) { c.Args = append(c.Args, "--no-shell") }
	s := openShell(t, environment("EDITOR="+program), environment("VISUAL="+program), environment("PAGER="+program), without)
	s.send("SayHello \x18\x05")
	s.waitFor("--no-shell forbids that")
	s.send("\x15set editor=" + program + "\r")
	s.waitPrompt()
	s.send("edit\r")
	s.waitFor("edit runs a program, and --no-shell forbids that")
	s.waitPrompt()
	s.send("set pager=auto\r")
	s.waitPrompt()
	s.send("describe Lab\r")
	s.waitFor("rpc Subscribe")
	s.waitPrompt()
	if _, err := os.Stat(ran); err == nil {
		t.Errorf("a program was started:\n%s", s.text())
	}
}

// All programs are started in one place, which knows of --no-shell. The other place is for
// what ends one.
func TestProgramsAreMadeInOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	makers := []string{"program.go", "program_unix.go"}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") || slices.Contains(makers, name) {
			continue
		}
		for _, call := range []string{"exec.Command", "exec.Cmd{", "os.StartProcess", "syscall.Exec", "syscall.ForkExec"} {
			if strings.Contains(string(text), call) {
				t.Errorf("%s has %s", name, call)
			}
		}
	}
}
