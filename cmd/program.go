package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"github.com/rpcctl/rpcctl/formatters"
)

const (
	// programLimit is how long a program that prints a credential may take.
	programLimit = time.Minute
	// programGrace is how long its children may hold its output open after it. An
	// interrupt must not wait for them.
	programGrace = 300 * time.Millisecond
)

// runForToken runs a command of the user's and returns what it prints. What it
// says on standard error a person may have to read. It gets no standard input,
// which may be full of requests.
func runForToken(asking context.Context, env *Env, command string) (string, error) {
	ctx, cancel := context.WithTimeout(asking, programLimit)
	defer cancel()
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	c := exec.CommandContext(ctx, shell, flag, command)
	out := &boundedBuffer{limit: maxSecret}
	c.Stdout, c.Stderr = out, formatters.NewCleaner(env.Stderr)
	c.WaitDelay = programGrace
	err := c.Run()
	switch {
	case asking.Err() != nil:
		return "", asking.Err()
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("the program did not end within %s", programLimit)
	case ctx.Err() != nil:
		return "", ctx.Err()
	case out.over:
		return "", fmt.Errorf("the program printed more than %d bytes", maxSecret)
	case err != nil:
		return "", fmt.Errorf("the program failed: %w", err)
	}
	return out.kept.String(), nil
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
