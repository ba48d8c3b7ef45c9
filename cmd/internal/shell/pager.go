package shell

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"os"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/internal/secret"
)

// pagesMax is how much output, in bytes, is collected for a pager.
const pagesMax = 16 << 20

// Exit codes of a shell whose command is not there, or is no program (POSIX, XCU 2.8.2).
const (
	notRunnable = 126
	noProgram   = 127
)

// pages collect the output of a statement until it is known whether the window is high enough
// for it. A nil *pages does nothing.
type pages struct {
	ctx    context.Context // of the pager
	c      *console
	kept   bytes.Buffer
	direct io.Writer // the terminal
	passed bool      // the output is printed as it comes
}

// Write keeps output, as far as there is room.
func (p *pages) Write(b []byte) (int, error) {
	if p.passed {
		return p.direct.Write(b)
	}
	p.kept.Write(b)
	if p.kept.Len() > pagesMax {
		p.skip()
	}
	return len(b), nil
}

// skip stops collecting: from now on output is printed as it comes, since somebody waits for
// it.
func (p *pages) skip() {
	if p == nil || p.passed {
		return
	}
	p.passed = true
	_, _ = p.direct.Write(p.kept.Bytes()) // an error is treated as for any other output to the terminal
	p.kept.Reset()
}

// show shows what was kept, in the pager when the window is not high enough.
func (p *pages) show() {
	if p == nil || p.passed {
		return
	}
	cols, rows := p.c.editor.Size()
	needed := 0
	for line := range bytes.Lines(p.kept.Bytes()) {
		needed += max(1, (len(line)+cols-1)/cols)
	}
	if needed < rows {
		p.skip()
		return
	}
	c, err := program.New(p.ctx, p.c.env, "a pager", "", "/bin/sh", "-c",
		cmp.Or(strings.TrimSpace(p.c.env.Getenv("PAGER")), "less"))
	if err != nil {
		p.skip()
		return
	}
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(p.kept.Bytes()), p.c.env.Stdout, secret.Unmasked(p.c.env.Stderr)
	c.Env = os.Environ()
	if p.c.env.Getenv("LESS") == "" {
		c.Env = append(c.Env, "LESS=FRX") // print colours, and no screen of its own
	}
	p.c.giveTerminal()
	code, err := program.ExitCode(c.Run())
	p.c.takeTerminal()
	if err != nil || code == noProgram || code == notRunnable {
		p.skip()
		return
	}
	p.passed = true
	p.kept.Reset()
}
