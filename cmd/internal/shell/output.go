package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/internal/outfile"
	"github.com/rpcctl/rpcctl/internal/secret"
)

// open opens the destination of a statement's output. finish closes it after the statement,
// which ended in err, and returns the exit code of a program that the output went to.
func (l *line) open(ctx context.Context) (finish func(err error) (int, error), err error) {
	switch {
	case l.st.Pipe != "":
		return l.openPipe(ctx)
	case l.st.To.End > 0:
		return l.openFile()
	}
	return func(error) (int, error) { return problem.OK, nil }, nil
}

// openFile opens the file behind > or >>. The file behind > gets its name only when it is
// whole; what was written before a failure is kept beside it.
func (l *line) openFile() (func(error) (int, error), error) {
	l.detour()
	if l.st.Append {
		out, err := outfile.Append(l.st.To.Text)
		if err != nil {
			return nil, err
		}
		l.env.Stdout = out
		return func(err error) (int, error) {
			if err != nil && out.Written > 0 {
				return problem.OK, errors.Join(out.Finish(),
					&outfile.PartialError{Text: "what came before is in " + l.st.To.Text})
			}
			return problem.OK, out.Finish()
		}, nil
	}
	f, err := outfile.Create(l.st.To.Text)
	if err != nil {
		return nil, err
	}
	l.env.Stdout = f
	return func(err error) (int, error) {
		if err != nil {
			return problem.OK, f.Keep()
		}
		return problem.OK, f.Finish()
	}, nil
}

// openPipe starts the program behind |, with the terminal restored for it.
func (l *line) openPipe(ctx context.Context) (func(error) (int, error), error) {
	c, err := l.s.shellProgram(ctx, "|", l.st.Pipe)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	c.Stdin, c.Stdout, c.Stderr = r, l.env.Stdout, secret.Unmasked(l.s.env.Stderr)
	l.s.giveTerminal()
	if err := c.Start(); err != nil {
		l.s.takeTerminal()
		return nil, errors.Join(fmt.Errorf("starting %q: %w", l.st.Pipe, err), r.Close(), w.Close())
	}
	_ = r.Close() // it is the program's now
	l.detour()
	l.env.Stdout = pipeWriter{w}
	return func(error) (int, error) {
		cerr := w.Close()
		code, werr := program.ExitCode(c.Wait())
		l.s.takeTerminal()
		return code, errors.Join(cerr, werr)
	}, nil
}

// detour notes that the output does not go to the terminal.
func (l *line) detour() {
	l.redirect = true
	l.env.StdoutTTY, l.env.Width = false, 0
}

// pipeWriter writes to a program. A program that has read enough is not a failure, unlike a
// full disk: it ends the output quietly, like a closed standard output.
type pipeWriter struct{ w io.Writer }

func (p pipeWriter) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if err != nil && strings.Contains(err.Error(), "broken pipe") {
		err = &os.PathError{Op: "write", Path: os.Stdout.Name(), Err: brokenPipe}
	}
	return n, err
}
