package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/rpcctl/rpcctl/internal/secret"
)

// brokenPipe is the error of writing to a program that has left.
var brokenPipe = syscall.EPIPE

// shellProgram is a command for the user's shell.
func (s *shell) shellProgram(ctx context.Context, command string) *exec.Cmd {
	c := exec.CommandContext(ctx, cmp.Or(s.env.Getenv("SHELL"), "/bin/sh"), "-c", command)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = time.Second
	return c
}

// giveTerminal lets a program have the terminal as it was found, and takeTerminal takes it
// again. A terminal that can not be set is noticed at the next prompt.
func (s *shell) giveTerminal() {
	if s.editor != nil {
		_ = s.editor.Release()
	}
}

func (s *shell) takeTerminal() {
	if s.editor != nil {
		_ = s.editor.Hold()
		s.editor.FreshLine()
	}
}

// programCode is the exit code of a program: as a shell has it, for a signal too.
func programCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return exitOK, nil
	case errors.As(err, &exit):
		if st, ok := exit.Sys().(syscall.WaitStatus); ok && st.Signaled() {
			return 128 + int(st.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return exitFailure, fmt.Errorf("running a program: %w", err)
}

// program runs a program of this machine.
func (s *shell) program(ctx context.Context, l *line, command string) error {
	if s.o.noShell {
		return usage(errors.New("shell runs a program, and --no-shell forbids that"), "")
	}
	c := s.shellProgram(ctx, command)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, s.env.Stdout, secret.Bare(s.env.Stderr)
	if !s.interactive {
		c.Stdin = nil
	}
	if l.redirect {
		c.Stdout = l.env.Stdout
	}
	s.giveTerminal()
	defer s.takeTerminal()
	code, err := programCode(c.Run())
	return errors.Join(err, left(code))
}

// editText has a text edited in the user's editor. The terminal is the editor's meanwhile.
func (s *shell) editText(text string) (string, error) {
	f, err := newEditFile("line.rpc", []byte(text+"\n"))
	if err != nil {
		return text, err
	}
	defer f.remove()
	err = f.editWith(s.dead, os.Stdin, s.env.Stdout, secret.Bare(s.env.Stderr), s.settings["editor"], s.env.Getenv("VISUAL"), s.env.Getenv("EDITOR"))
	if err != nil {
		return text, err
	}
	edited, err := os.ReadFile(f.path)
	return strings.TrimRight(string(edited), "\n"), err
}
