package credential

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/signals"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/fault"
)

// askPassword asks the person at the terminal for a password, without echo.
func askPassword(ctx context.Context, env *env.Env, prompt string) (string, error) {
	if env.ReadPassword == nil {
		return "", noTerminal()
	}
	return env.ReadPassword(ctx, formatters.CleanLine(prompt))
}

func noTerminal() error {
	return problem.Usage(errors.New("--basic: there is no terminal to ask for the password"),
		"--password-file FILE or --password-env NAME")
}

// AtTerminal asks for a secret at the terminal of the process, without echo. Standard
// input may be full of requests, and standard error a file, so it uses neither.
func AtTerminal(ctx context.Context, prompt string) (string, error) {
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
	// The echo stops before the question: nothing that is typed early is shown either.
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", noTerminal()
	}
	defer func() {
		_ = term.Restore(fd, before)
		_, _ = io.WriteString(out, "\n")
	}()
	defer signals.OnQuit(func() { _ = term.Restore(fd, before) })()
	if _, err := io.WriteString(out, prompt); err != nil {
		return "", err
	}
	type answer struct {
		password string
		err      error
	}
	answered := make(chan answer, 1)
	// Reading a terminal cannot be cut short. The goroutine ends with the process,
	// which an interrupt ends, or with the line that somebody types.
	go func() {
		defer fault.Exit()
		password, err := passwordLine(oneByOne{in})
		answered <- answer{password, err}
	}()
	select {
	case a := <-answered:
		return a.password, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// The keys that edit the answer, as a terminal in raw mode sends them.
const (
	keyInterrupt = 0x03 // Ctrl-C
	keyEnd       = 0x04 // Ctrl-D
	keyBack      = 0x08
	keyKill      = 0x15 // Ctrl-U
	keyDelete    = 0x7f
)

// oneByOne reads one character at a time, so that what is typed after the answer is left to
// the next reader of the terminal.
type oneByOne struct{ r io.Reader }

// ReadRune reads one character.
func (o oneByOne) ReadRune() (rune, int, error) {
	var b [utf8.UTFMax]byte
	for n := range b {
		if _, err := io.ReadFull(o.r, b[n:n+1]); err != nil {
			return 0, 0, err
		}
		if utf8.FullRune(b[:n+1]) {
			r, size := utf8.DecodeRune(b[:n+1])
			return r, size, nil
		}
	}
	return utf8.RuneError, len(b), nil
}

// passwordLine reads a line of keys. Ctrl-C returns context.Canceled.
func passwordLine(r io.RuneReader) (string, error) {
	var line []rune
	for {
		key, _, err := r.ReadRune()
		switch {
		case err != nil:
			return "", fmt.Errorf("reading the password: %w", err)
		case key == '\r' || key == '\n':
			return string(line), nil
		case key == keyInterrupt:
			return "", context.Canceled
		case key == keyEnd && len(line) == 0:
			return "", problem.Usage(errors.New("--basic: no password was typed"), "")
		case (key == keyBack || key == keyDelete) && len(line) > 0:
			line = line[:len(line)-1]
		case key == keyKill:
			line = line[:0]
		case key >= ' ' && key != keyDelete:
			line = append(line, key)
		}
	}
}
