package shell

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/repl"
)

// Bounds on scripts.
const (
	statementMax = 16 << 20 // bytes of a statement, and of those that share its lines
	sourceDepth  = 64       // how deep scripts run each other
)

// runScript runs the statements of a reader as they come, and stops at the first that fails.
func runScript(s *shell, name string, r io.Reader) error {
	code := runStatements(s.ctx, s, name, r)
	if s.exitCode == nil && s.ctx.Err() == nil {
		if err := waitFor(s.ctx, s, &line{s: s}, nil, 0); err != nil && code == problem.OK {
			code = problem.Code(err)
		}
	}
	if s.exitCode != nil {
		code = max(code, *s.exitCode)
	}
	if s.ctx.Err() != nil && code == problem.OK {
		code = problem.Interrupted
	}
	return problem.Exit(code)
}

// scriptFile runs the statements of a file. Those of one that is still being written, such as
// a named pipe, run as they come.
func scriptFile(s *shell, name string) error {
	f, err := openScript(s.ctx, s, name)
	if err != nil {
		return err
	}
	defer f.Close()
	return runScript(s, name, f)
}

// source runs the statements of a file inside of the shell.
func source(ctx context.Context, s *shell, name string) error {
	f, err := openScript(ctx, s, name)
	if err != nil {
		return err
	}
	defer f.Close()
	defer closeScript(s)
	return problem.Exit(runStatements(ctx, s, name, f))
}

// openScript opens a script that is not running already: a script that runs itself would never
// end.
func openScript(ctx context.Context, s *shell, name string) (*os.File, error) {
	f, err := boundfile.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading the script: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the script: %w", err), f.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case slices.ContainsFunc(s.sources, func(o os.FileInfo) bool { return os.SameFile(o, info) }):
		err = problem.Usage(fmt.Errorf("%s: the script is running already, and would have no end", name), "")
	case len(s.sources) >= sourceDepth:
		err = problem.Usage(fmt.Errorf("%s: %d scripts run each other already", name, sourceDepth), "")
	default:
		s.sources = append(s.sources, info)
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

// closeScript notes that the script that was opened last has ended.
func closeScript(s *shell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources = s.sources[:len(s.sources)-1]
}

// A scriptRun is a script that is running.
type scriptRun struct {
	s      *shell
	name   string
	code   int // of the first statement that failed
	number int // of the line that comes next, from 0
	taken  repl.Collector
}

// runStatements runs the statements of a script, each as soon as all of it is there. What
// fails is printed with its place.
func runStatements(ctx context.Context, s *shell, name string, r io.Reader) int {
	run := &scriptRun{s: s, name: name}
	lines := newScriptLines(ctx, r)
	defer lines.stop()
	for {
		text, err := lines.next(ctx)
		if run.number == 0 && run.taken.Len() == 0 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if text != "" && run.take(text) {
			return run.code
		}
		switch {
		case err == io.EOF:
			run.runTaken()
			return run.code
		case ctx.Err() != nil:
			if _, isFile := r.(*os.File); isFile && name != "stdin" && err == ctx.Err() {
				s.explain(&line{s: s, env: s.env}, &boundfile.WaitError{Path: name, Open: true, Err: err})
			}
			return max(run.code, problem.Interrupted)
		case err != nil:
			s.explain(&line{s: s, env: s.env}, fmt.Errorf("reading the script: %w", err))
			run.failed(problem.Code(err))
			return run.code
		}
	}
}

// failed notes a failure, and reports whether it ends the script.
func (run *scriptRun) failed(code int) bool {
	if run.code == problem.OK {
		run.code = code
	}
	return !run.s.o.KeepGoing || run.s.exitCode != nil
}

// take reads a line, and runs the statements that it completes. It reports whether the script
// is over.
func (run *scriptRun) take(text string) bool {
	if at := notText(text); at >= 0 {
		before := run.taken.Take()
		return run.refuse(before+text, len(before)+at, "this byte is no text")
	}
	if run.taken.Len()+len(text) > statementMax {
		first, _, _ := strings.Cut(run.taken.Take()+text, "\n")
		return run.refuse(first[:min(len(first), 60)], 0,
			fmt.Sprintf("a statement of more than %s is too long", human.Bytes(statementMax)))
	}
	if !run.taken.Add(text) {
		return false
	}
	return run.runTaken()
}

// notText returns the offset of a byte that no text has, -1 for none.
func notText(text string) int {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return i
	}
	if utf8.ValidString(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// refuse prints what is wrong at a byte of a text, which ends the script.
func (run *scriptRun) refuse(text string, at int, what string) bool {
	run.explain(text, &repl.SyntaxError{Start: at, End: min(at+1, len(text)), Problem: what})
	run.failed(problem.BadUsage)
	return true
}

func (run *scriptRun) explain(text string, err *repl.SyntaxError) {
	s := run.s
	s.explain(&line{s: s, source: text, env: s.env, place: run.place(text, err.Start)}, err)
}

// runTaken runs the statements that were taken. It reports whether the script is over.
func (run *scriptRun) runTaken() bool {
	s, text := run.s, run.taken.Take()
	all, err := repl.Parse(text)
	for _, st := range all {
		if s.o.Echo {
			fmt.Fprintf(s.env.Stderr, "> %s\n", formatters.CleanLine(s.record.redact(text[st.Start:st.End])))
		}
		s.code = s.statement(text, st, run.place(text, st.Start))
		if s.exitCode != nil || s.ctx.Err() != nil {
			run.code = max(run.code, s.code)
			return true
		}
		if s.code != problem.OK && run.failed(s.code) {
			return true
		}
	}
	var bad *repl.SyntaxError
	if errors.As(err, &bad) {
		run.explain(text, bad)
		run.failed(problem.BadUsage)
		return true
	}
	run.number += strings.Count(text, "\n")
	return false
}

// place is where in the script a byte of a text is that was taken: FILE:12:5.
func (run *scriptRun) place(text string, offset int) string {
	before := text[:offset]
	column := offset - strings.LastIndexByte(before, '\n')
	return fmt.Sprintf("%s:%d:%d: ", run.name, run.number+strings.Count(before, "\n")+1, column)
}

// scriptLines are the lines of a reader, which are waited for no longer than a context lasts.
type scriptLines struct {
	lines chan scriptLine
	done  chan struct{}
}

// A scriptLine is a line with its line feed, or the end of one that is too long, and the error
// that follows it.
type scriptLine struct {
	text string
	err  error
}

func newScriptLines(ctx context.Context, r io.Reader) *scriptLines {
	l := &scriptLines{make(chan scriptLine), make(chan struct{})}
	go func() {
		defer fault.Exit()
		in := bufio.NewReader(r)
		for {
			text, err := readLine(in)
			select {
			case l.lines <- scriptLine{text, err}:
			case <-l.done:
				return
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return l
}

func (l *scriptLines) next(ctx context.Context) (string, error) {
	select {
	case got := <-l.lines:
		return got.text, got.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// stop lets go of the reader, after the read that is going on.
func (l *scriptLines) stop() { close(l.done) }

// readLine reads a line with its line feed. Of a line that is too long, or not text, it returns only
// the beginning.
func readLine(in *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		piece, err := in.ReadSlice('\n')
		b.Write(piece)
		if err != bufio.ErrBufferFull {
			return b.String(), err
		}
		if b.Len() > statementMax || bytes.IndexByte(piece, 0) >= 0 {
			return b.String(), nil
		}
	}
}
