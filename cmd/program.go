package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
)

const (
	// programLimit is how long a program that prints a credential may take.
	programLimit = time.Minute
	// programGrace is how long its children may hold its output open after it. An
	// interrupt must not wait for them.
	programGrace = 300 * time.Millisecond
)

// mayStart reports as an error of usage that no program may be started, as a shell with --no-shell
// has it: the one for a token may that the shell was begun with. what names for people what starts
// it; token is the command, "" for a program that is for something else.
func mayStart(env *env.Env, what, token string) error {
	if env.MayStart(token) {
		return nil
	}
	hint := ""
	if token != "" {
		hint = "give it before the word shell: that one runs"
	}
	return problem.Usage(fmt.Errorf("%s runs a program, and --no-shell forbids that", what), hint)
}

// newProgram makes a program of this machine, of its name and its arguments. All that rpcctl starts
// are made here, where it is known whether that may be.
func newProgram(ctx context.Context, env *env.Env, what, token string, words ...string) (*exec.Cmd, error) {
	if err := mayStart(env, what, token); err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, words[0], words[1:]...), nil
}

// runForToken runs a command of the user's and returns what it prints. What it
// says on standard error a person may have to read. It gets no standard input,
// which may be full of requests, and the environment variable RPCCTL_TARGET says for
// which target the token is. What cuts it short ends all that it has started, too.
func runForToken(ctx context.Context, env *env.Env, command string, t *invoke.Target) (string, error) {
	limited, cancel := context.WithTimeout(ctx, programLimit)
	defer cancel()
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	c, err := newProgram(limited, env, "auth-command", command, shell, flag, command)
	if err != nil {
		return "", err
	}
	c.Dir = env.ProgramDir
	out := &boundedBuffer{limit: maxSecret}
	c.Stdout, c.Stderr = out, formatters.NewCleaner(env.Stderr)
	if t != nil {
		c.Env = append(os.Environ(), "RPCCTL_TARGET="+t.String())
	}
	c.WaitDelay = programGrace
	kill, killed := wholeProgram(c), make(chan struct{})
	c.Cancel = func() error {
		defer close(killed)
		return kill()
	}
	err = c.Start()
	if err == nil {
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		select {
		case err = <-ended:
		case <-killed:
			// What is left of it may hold its output open, which nobody waits for: the
			// goroutine ends within the grace.
		}
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case diedOfInterrupt(err): // Ctrl-C reaches all on a terminal, and us maybe last
		return "", context.Canceled
	case limited.Err() != nil:
		return "", fmt.Errorf("the program did not end within %s", programLimit)
	case out.over:
		return "", fmt.Errorf("the program printed more than %d bytes", maxSecret)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // that is a child that stays, as a browser does
		return "", fmt.Errorf("the program failed: %w", err)
	}
	return out.kept.String(), nil
}

// diedOfInterrupt tells whether an interrupt is what ended a program.
func diedOfInterrupt(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	st, ok := exit.Sys().(syscall.WaitStatus)
	return ok && st.Signaled() && st.Signal() == syscall.SIGINT
}

// boundedBuffer is a buffer that takes so much and drops the rest.
type boundedBuffer struct {
	kept  bytes.Buffer
	limit int
	over  bool
}

// Write writes what there is room for. It never fails: the program is let finish.
func (b *boundedBuffer) Write(p []byte) (int, error) {
	room := b.limit - b.kept.Len()
	if len(p) > room {
		b.over = true
		b.kept.Write(p[:room])
		return len(p), nil
	}
	return b.kept.Write(p)
}
