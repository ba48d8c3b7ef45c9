// Package program starts other programs of this machine, where that is allowed: editors,
// pagers, shells, and those that print a token.
package program

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
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/invoke"
)

const (
	// maxToken is the greatest token that a program may print, in bytes.
	maxToken = 64 << 10
	// programLimit is how long a program that prints a credential may take.
	programLimit = time.Minute
	// programGrace is how long the children of a program may hold its output open after its
	// end. An interrupt must not wait for them.
	programGrace = 300 * time.Millisecond
)

// MayStart returns a usage error when a program may not be started, which the flag --no-shell of
// a shell forbids. Only the program that prints a token, and that was given before the word
// shell, may start then. what names the reason for a person, such as "an editor"; token is the
// command line of a program that prints a token, "" for any other.
func MayStart(env *env.Env, what, token string) error {
	if env.MayStart(token) {
		return nil
	}
	hint := ""
	if token != "" {
		hint = "give it before the word shell: that one runs"
	}
	return problem.Usage(fmt.Errorf("%s runs a program, and --no-shell forbids that", what), hint)
}

// New returns a program of this machine that is ready to start, or the error of MayStart.
// words are its name and its arguments. All programs that rpcctl starts come from here.
func New(ctx context.Context, env *env.Env, what, token string, words ...string) (*exec.Cmd, error) {
	if err := MayStart(env, what, token); err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, words[0], words[1:]...), nil
}

// PrintedToken runs a command line of the user's and returns what it prints, at most maxToken
// bytes. Its standard error is shown, since it may tell a person what to do. It gets no standard
// input, which may be full of requests; the environment variable RPCCTL_TARGET names the target
// that the token is for. Ending ctx kills it together with all that it has started.
func PrintedToken(ctx context.Context, env *env.Env, command string, t *invoke.Target) (string, error) {
	limited, cancel := context.WithTimeout(ctx, programLimit)
	defer cancel()
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	c, err := New(limited, env, "auth-command", command, shell, flag, command)
	if err != nil {
		return "", err
	}
	c.Dir = env.ProgramDir
	out := &boundedBuffer{limit: maxToken}
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
		go func() {
			defer fault.Exit()
			ended <- c.Wait()
		}()
		select {
		case err = <-ended:
		case <-killed:
			// The program's children may still hold its output open. Nobody waits for them:
			// the goroutine ends within programGrace.
		}
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case diedOfInterrupt(err): // Ctrl-C on a terminal reaches every process, and may reach this one last
		return "", context.Canceled
	case limited.Err() != nil:
		return "", fmt.Errorf("the program did not end within %s", programLimit)
	case out.over:
		return "", fmt.Errorf("the program printed more than %d bytes", maxToken)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // a child stays, such as a browser
		return "", fmt.Errorf("the program failed: %w", err)
	}
	return out.kept.String(), nil
}

// diedOfInterrupt reports whether an interrupt ended a program.
func diedOfInterrupt(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	st, ok := exit.Sys().(syscall.WaitStatus)
	return ok && st.Signaled() && st.Signal() == syscall.SIGINT
}

// A boundedBuffer keeps the first bytes that are written to it and drops the rest.
type boundedBuffer struct {
	kept  bytes.Buffer
	limit int
	over  bool // more was written than is kept
}

// Write keeps what there is room for. It never fails, so that the program can finish.
func (b *boundedBuffer) Write(p []byte) (int, error) {
	room := b.limit - b.kept.Len()
	if len(p) > room {
		b.over = true
		b.kept.Write(p[:room])
		return len(p), nil
	}
	return b.kept.Write(p)
}

// ExitCode returns the exit code of a program from the error of running it, as a shell gives
// it, also for a program that a signal ended. err is set when the program did not run.
func ExitCode(failure error) (code int, err error) {
	var exit *exec.ExitError
	switch {
	case failure == nil:
		return problem.OK, nil
	case errors.As(failure, &exit):
		if st, ok := exit.Sys().(syscall.WaitStatus); ok && st.Signaled() {
			return 128 + int(st.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return problem.Failure, fmt.Errorf("running a program: %w", failure)
}
