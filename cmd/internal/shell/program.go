package shell

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/internal/secret"
)

// brokenPipe is the error of writing to a program that has ended.
var brokenPipe = syscall.EPIPE

// runProgram runs a program of this machine: all that follows the first word.
func runProgram(ctx context.Context, s *shell, l *line) error {
	command := l.source[l.st.Words[1].Start:l.st.End]
	c, err := s.shellProgram(ctx, "shell", command)
	if err != nil {
		return err
	}
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, s.env.Stdout, secret.Unmasked(s.env.Stderr)
	if !s.interactive {
		c.Stdin = nil
	}
	if l.redirect {
		c.Stdout = l.env.Stdout
	}
	s.giveTerminal()
	defer s.takeTerminal()
	code, err := program.ExitCode(c.Run())
	return errors.Join(err, problem.Exit(code))
}

// editText has a text edited in the user's editor. The terminal is the editor's meanwhile.
func (s *shell) editText(text string) (string, error) {
	if err := program.MayStart(s.env, "edit", ""); err != nil {
		return text, err
	}
	f, err := program.NewEditFile("line.rpc", []byte(text+"\n"))
	if err != nil {
		return text, err
	}
	defer f.Remove()
	err = f.EditWith(s.control.Dead, s.env, os.Stdin, s.env.Stdout, secret.Unmasked(s.env.Stderr), s.settings["editor"],
		s.env.Getenv("VISUAL"), s.env.Getenv("EDITOR"))
	if err != nil {
		return text, err
	}
	edited, err := os.ReadFile(f.Path)
	return strings.TrimRight(string(edited), "\n"), err
}
