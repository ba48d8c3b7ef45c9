package shell

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/internal/outfile"
	"github.com/rpcctl/rpcctl/repl"
)

// run runs the statements of a text, one after the other, and stops at the first that fails.
// It returns the exit code of the last.
func (s *shell) run(text string) int {
	statements, err := repl.Parse(repl.Fill(text)) // holes that are not filled in are not sent
	for _, st := range statements {
		if s.code = s.statement(text, st, ""); s.code != problem.OK || s.exitCode != nil || s.control.Dying() != 0 {
			return s.code
		}
	}
	if err != nil {
		s.code = problem.BadUsage
		s.explain(&line{s: s, source: text, env: s.env}, err)
	}
	return s.code
}

// statement runs one statement, and prints what went wrong. where is the place of the
// statement, "" for one that was typed.
func (s *shell) statement(source string, st repl.Statement, where string) int {
	l := &line{s: s, source: source, st: st, place: where, messages: -1}
	env := *s.env
	env.Stdin = strings.NewReader("")
	if s.editor != nil {
		env.Stdout, env.Stderr = s.editor.Output(s.env.Stdout), s.editor.Output(s.env.Stderr)
		env.Width, _ = s.editor.Size()
	}
	l.env = &env
	if strings.Contains(source[st.Start:st.End], repl.Redacted) {
		if code, ok := askSecrets(s.ctx, s, l); !ok {
			return code
		}
	}
	if st.Background && (st.Pipe != "" || st.To.End > 0) {
		inBackground(s, l)
		return problem.OK
	}
	ctx, release := s.control.Begin()
	defer release()
	return s.perform(ctx, l)
}

// perform runs a statement with its output where it belongs, and returns its exit code.
func (s *shell) perform(ctx context.Context, l *line) int {
	finish, err := l.open(ctx)
	if err != nil {
		return s.failed(l, err)
	}
	s.page(l)
	err = s.command(ctx, l)
	l.pages.show()
	code, ferr := finish(err)
	err = errors.Join(err, ferr)
	if err == nil || problem.ClosedPipe(err) && code != problem.OK { // the program failed before it had read everything
		return code
	}
	return s.failed(l, err)
}

func (s *shell) failed(l *line, err error) int {
	err = problem.Overdue(err)
	var ended *problem.ExitError
	if errors.As(err, &ended) {
		var partial *outfile.PartialError // the statement that ran inside has printed the rest
		if errors.As(err, &partial) {
			s.tell(l, "", []string{partial.Error()})
		}
		return ended.Code
	}
	s.explain(l, err)
	return problem.Code(err)
}

// command decides what a statement is, and runs it.
func (s *shell) command(ctx context.Context, l *line) error {
	words := slices.Clone(l.st.Words)
	first, alone := words[0].Text, len(words) == 1 && words[0].Raw
	switch {
	case alone && strings.HasPrefix(first, "!"):
		return bang(s, first[1:])
	case alone && strings.HasPrefix(first, "$"):
		return printValue(s, l, first)
	case first == "?" && words[0].Raw:
		words = []repl.Word{{Text: "help", Start: words[0].Start, End: words[0].End}}
	case alone && strings.HasSuffix(first, "?"):
		return about(ctx, s, l, strings.TrimSuffix(first, "?"))
	}
	if run := prefixed(first, len(words)-1); run != nil {
		return run(ctx, s, l)
	}
	return s.byCommand(ctx, l, words)
}

// prefixed returns the function for a first word that acts on the statement behind it, n words
// on; nil for other words.
func prefixed(first string, n int) func(context.Context, *shell, *line) error {
	switch {
	case n < 1:
	case first == "time":
		return timed
	case first == "watch" && n > 1:
		return watch
	case first == "shell":
		return runProgram
	}
	return nil
}

// printValue prints what an expression stands for, or sets the variable that the statement assigns.
func printValue(s *shell, l *line, expression string) error {
	v, err := s.vars.Evaluate(expression)
	if err != nil {
		return err
	}
	if l.st.Assign != "" {
		return s.vars.Assign(l.st.Assign, v)
	}
	return v.Print(l.env.Stdout, s.env.Secrets)
}

// newTree builds the commands of the command line that are those of the shell too, and its own.
func (s *shell) newTree(l *line, a *app.App) *cobra.Command {
	root := s.tree(a)
	for _, c := range root.Commands() {
		if c.Name() == "shell" || c.Name() == "completion" {
			root.RemoveCommand(c)
		}
	}
	root.AddCommand(builtins(s, l)...)
	return root
}

// byCommand runs a statement by the commands of the command line, or as the call of a method.
func (s *shell) byCommand(ctx context.Context, l *line, words []repl.Word) error {
	a := s.newApp(l.env, l)
	l.app = a
	root := s.newTree(l, a)
	root.SetHelpCommand(helpCommand(s, l))
	if err := l.expand(words); err != nil {
		return err
	}
	if l.args[0] == "cancel" { // for other commands -a is the flag of the target
		for i, arg := range l.args {
			if arg == "-a" {
				l.args[i] = "--all"
			}
		}
	}
	at := flags.Of(root).Positionals(l.args)
	if len(at) > 0 && !usage.IsCommand(root, l.args[at[0]]) && l.args[at[0]] != "help" {
		l.args = slices.Insert(l.args, at[0], "call")
		l.words = slices.Insert(l.words, at[0], -1)
		at = flags.Of(root).Positionals(l.args)
	}
	prefix := s.baseFor(flags.Of(root), l.args, at)
	if len(at) > 1 && l.args[at[0]] == "call" {
		ready, cancel := app.Limited(ctx, lineTimeout(s, l.args))
		defer cancel()
		name, err := s.qualify(ready, l.args[at[1]])
		if err != nil {
			return err
		}
		l.args[at[1]] = name
		l.messages = len(at) - 2
		for _, name := range []string{"output", "timeout"} {
			if v, ok := s.settings[name]; ok {
				prefix = append(prefix, "--"+name+"="+v)
			}
		}
	}
	if v, ok := s.settings["color"]; ok {
		prefix = append(prefix, "--color="+v)
	} else if l.redirect {
		prefix = append(prefix, "--color=never")
	}
	root.SetArgs(flags.Arrange(root, append(prefix, l.args...)))
	return root.ExecuteContext(ctx)
}

// lineTimeout is the limit that a line sets for its call, 0 for none.
func lineTimeout(s *shell, args []string) time.Duration {
	var limit flags.Seconds
	_ = limit.Set(cmp.Or(s.settings["timeout"], "0")) // it was checked when it was set
	for i, arg := range args {
		name, value, whole := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || name != "timeout" && name != "max-time" {
			continue
		}
		if !whole && i+1 < len(args) {
			value = args[i+1]
		}
		_ = limit.Set(value) // the command reports what is wrong with it
	}
	return limit.Duration()
}

// commandsToLookAt builds the commands for a look at their names and flags.
func (s *shell) commandsToLookAt() *cobra.Command {
	l := &line{s: s, env: s.env}
	root := s.newTree(l, s.newApp(s.env, l))
	root.AddCommand(helpCommand(s, l))
	return root
}

// unpaged are the commands that go on, or that run others.
var unpaged = []string{"watch", "time", "source", "shell", "fg", "wait", "edit", "exit"}

// page collects the output of a statement for the pager, when the settings ask for that and it
// goes to the window.
func (s *shell) page(l *line) {
	if s.settings["pager"] != "auto" || s.editor == nil || !s.interactive || l.redirect ||
		slices.Contains(unpaged, l.st.Words[0].Text) {
		return
	}
	l.pages = &pages{ctx: s.ctx, c: &s.console, direct: l.env.Stdout}
	l.env.Stdout = l.pages
}
