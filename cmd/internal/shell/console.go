package shell

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/repl"
)

// A console is where the shell talks to the person: at a prompt, above which it prints, or on
// standard error.
type console struct {
	env    *env.Env
	editor *repl.Editor // nil: a script, or plain lines
}

// say prints a text for the person: above the prompt when there is one.
func (c *console) say(text string) {
	if c.editor != nil {
		c.editor.Print(c.env.Secrets.Mask(text))
		return
	}
	fmt.Fprintln(c.env.Stderr, strings.TrimSuffix(text, "\n"))
}

// sayAside prints a line that is not as important as others.
func (c *console) sayAside(text string) { c.say(c.styled(repl.Dim, text)) }

// styled is text in a style of the editor's, when there is one.
func (c *console) styled(style repl.Style, text string) string {
	if c.editor == nil {
		return text
	}
	return c.editor.Styled(style, text)
}

func (c *console) dot() string { return c.env.Sign(" · ", " - ") }

// background runs a function in a goroutine. A panic in it must not leave the terminal
// unusable.
func (c *console) background(fn func()) {
	if c.editor != nil {
		c.editor.Go(fn)
		return
	}
	go func() {
		defer fault.Exit()
		fn()
	}()
}

// giveTerminal restores the terminal for a program to use, and takeTerminal takes it back. An
// error in setting it shows at the next prompt.
func (c *console) giveTerminal() {
	if c.editor != nil {
		_ = c.editor.Release()
	}
}

func (c *console) takeTerminal() {
	if c.editor != nil {
		_ = c.editor.Hold()
		c.editor.FreshLine()
	}
}

// shellProgram is a command for the user's shell. what describes for people what runs it.
func (c *console) shellProgram(ctx context.Context, what, command string) (*exec.Cmd, error) {
	p, err := program.New(ctx, c.env, what, "", cmp.Or(c.env.Getenv("SHELL"), "/bin/sh"), "-c", command)
	if err != nil {
		return nil, err
	}
	p.Cancel = func() error { return p.Process.Signal(os.Interrupt) }
	p.WaitDelay = time.Second
	return p, nil
}
