package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/outfile"
	"github.com/rpcctl/rpcctl/repl"
)

// bang recalls a line: !! the last one, !12 by its number, !text the newest that begins so.
func bang(s *shell, what string) error {
	text := ""
	switch n, err := strconv.Atoi(what); {
	case err == nil:
		text = s.record.history.Line(n - 1)
	case what == "!":
		text = s.record.history.Line(s.record.history.Len() - 1)
	default:
		_, text = s.record.history.Find(func(line string) bool { return strings.HasPrefix(line, what) })
	}
	if text == "" {
		return problem.Usage(fmt.Errorf("!%s: no such line", what), "history lists them")
	}
	if s.editor != nil && s.settings["history-verify"] != "off" {
		s.editor.Put(repl.Line{Text: text, Cursor: len(text)})
		return nil
	}
	fmt.Fprintln(s.env.Stderr, formatters.CleanLine(text))
	return problem.Exit(s.run(text))
}

// editLine puts a line of the history into the user's editor, and what comes out into the
// prompt.
func editLine(s *shell, which string) error {
	n := s.record.history.Len()
	if which != "" {
		var err error
		if n, err = strconv.Atoi(which); err != nil {
			return problem.Usage(fmt.Errorf("%q is not the number of a line", which), "history lists them")
		}
	}
	if s.editor == nil {
		return problem.Usage(errors.New("there is no prompt to edit for"), "")
	}
	s.giveTerminal()
	text, err := s.editText(s.record.history.Line(n - 1))
	s.takeTerminal()
	if err == nil {
		s.editor.Put(repl.Line{Text: text, Cursor: len(text)})
	}
	return err
}

// save writes lines of the history as a script.
func save(s *shell, args []string) error {
	from, to := 1, s.record.history.Len()
	if len(args) == 2 {
		a, b, isRange := strings.Cut(args[1], "..")
		if !isRange {
			b = a
		}
		var err, berr error
		from, err = strconv.Atoi(a)
		to, berr = strconv.Atoi(b)
		if err != nil || berr != nil || from < 1 {
			return problem.Usage(fmt.Errorf("%q is no range of lines, such as 3..7", args[1]),
				"history shows their numbers")
		}
	}
	f, err := outfile.Create(args[0])
	if err != nil {
		return err
	}
	for i := from; i <= min(to, s.record.history.Len()); i++ {
		if _, err := fmt.Fprintln(f, s.record.history.Line(i-1)); err != nil {
			return errors.Join(err, f.Abandon())
		}
	}
	return f.Finish()
}

// rest runs what follows the first words of a statement as a statement of its own.
func rest(ctx context.Context, s *shell, l *line, skip int) int {
	inner := *l
	inner.st.Words = l.st.Words[skip:]
	inner.ran = false
	if err := s.command(ctx, &inner); err != nil {
		return s.failed(&inner, err)
	}
	return problem.OK
}

// timed is the command time.
func timed(ctx context.Context, s *shell, l *line) error {
	began := s.env.Now()
	code := rest(ctx, s, l, 1)
	fmt.Fprintf(l.env.Stderr, "%s\n", s.env.Now().Sub(began).Round(10*time.Microsecond))
	return problem.Exit(code)
}

// watch is the command watch: it ends with Ctrl-C, or when the line fails.
func watch(ctx context.Context, s *shell, l *line) error {
	var every flags.Seconds
	if err := every.Set(l.st.Words[1].Text); err != nil || every <= 0 {
		return problem.Usage(fmt.Errorf("watch: %q is no length of time", l.st.Words[1].Text),
			"the form is: watch 2s LINE")
	}
	tick := time.NewTicker(every.Duration())
	defer tick.Stop()
	for {
		if code := rest(ctx, s, l, 2); code != problem.OK {
			return problem.Exit(code)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
