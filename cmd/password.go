package cmd

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"

	"github.com/rpcctl/rpcctl/formatters"
	"golang.org/x/term"
)

// askPassword asks the person at the terminal, without echo.
func (e *Env) askPassword(ctx context.Context, prompt string) (string, error) {
	if e.ReadPassword == nil {
		return "", noTerminal()
	}
	return e.ReadPassword(ctx, formatters.Clean(prompt, false))
}

func noTerminal() error {
	return usage(errors.New("--basic: there is no terminal to ask for the password"), "--password-file FILE or --password-env NAME")
}

// readPassword asks at the terminal itself: standard input may be full of
// requests, and standard error a file.
func readPassword(ctx context.Context, prompt string) (string, error) {
	input, output := "/dev/tty", "/dev/tty"
	if runtime.GOOS == "windows" {
		input, output = "CONIN$", "CONOUT$"
	}
	in, err := os.OpenFile(input, os.O_RDWR, 0)
	if err != nil {
		return "", noTerminal()
	}
	defer in.Close()
	out, err := os.OpenFile(output, os.O_WRONLY, 0)
	if err != nil {
		return "", noTerminal()
	}
	defer out.Close()
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", noTerminal()
	}
	if _, err := io.WriteString(out, prompt); err != nil {
		return "", err
	}
	type answer struct {
		password []byte
		err      error
	}
	answered := make(chan answer, 1)
	// Reading a terminal cannot be cut short. The goroutine ends with the process,
	// which an interrupt ends, or with the line that somebody types.
	go func() {
		password, err := term.ReadPassword(fd)
		answered <- answer{password, err}
	}()
	select {
	case a := <-answered:
		_, _ = io.WriteString(out, "\n")
		return string(a.password), a.err
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		_, _ = io.WriteString(out, "\n")
		return "", ctx.Err()
	}
}
