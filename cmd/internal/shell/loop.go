package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/interrupts"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/cmd/internal/version"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/repl"
)

// plainLoop reads lines as any program does.
func plainLoop(s *shell) error {
	env, getenv := *s.env, s.env.Getenv
	env.Getenv = func(name string) string {
		if name == "TERM" {
			return "dumb" // whatever it is: nothing that this mode prints is coloured
		}
		return getenv(name)
	}
	s.env = &env
	s.record.open()
	banner(s)
	s.loadSchema()
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewReader(s.env.Stdin)
		for {
			text, err := readLine(in)
			if text != "" {
				lines <- text
			}
			if err != nil {
				return
			}
		}
	}()
	var taken repl.Collector
	for s.left == nil && s.control.Dying() == 0 {
		prompt, _ := s.promptText()
		if taken.Len() > 0 {
			prompt = "... "
		}
		fmt.Fprint(s.env.Stdout, prompt)
		select {
		case text, ok := <-lines:
			if !ok {
				fmt.Fprintln(s.env.Stdout)
				return problem.Exit(s.farewell())
			}
			if taken.Len()+len(text) > statementMax {
				taken.Take()
				s.say(fmt.Sprintf("a statement of more than %s is too long", human.Bytes(statementMax)))
				continue
			}
			if taken.Add(text) {
				s.take(strings.TrimRight(taken.Take(), "\n"))
			}
		case <-s.control.Nudged:
			if s.control.Dying() == 0 {
				fmt.Fprintln(s.env.Stdout)
				taken.Take()
			}
		}
	}
	return problem.Exit(s.farewell())
}

// take runs a text that a person gave, and remembers it.
func (s *shell) take(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	code := s.run(text)
	s.record.remember(text, s.target(), code, s.settings["history"] == "off")
}

// openEditor takes the terminal.
func (s *shell) openEditor(colour bool) error {
	s.colour = colour
	editor, err := repl.Open(repl.Options{
		Prompt:     s.promptText,
		Complete:   s.assistant.Complete,
		Inspect:    s.assistant.Inspect,
		Incomplete: repl.Incomplete,
		History:    s.record.history,
		Keys:       s.assistant.Keys(),
		Unfold:     s.assistant.Unfold,
		Blank:      s.assistant.Blank,
		Quoted:     complete.QuotedHole,
		Edit:       s.editText,
		Cancel:     s.cancelTalk,
		Leave:      func() bool { return s.once && s.talking.Load() == nil },
		Background: s.leaveTalk,
		Colour:     colour,
		ASCII:      !s.env.Unicode(),
		Ghost:      true,
	})
	if err != nil {
		return err
	}
	s.editor = editor
	s.control.SetEditor(editor)
	fault.Before(editor.Restore) // a call's own goroutines know nothing of the terminal
	return nil
}

// editorLoop reads statements with the editor.
func editorLoop(s *shell) (err error) {
	defer func() { err = errors.Join(err, s.editor.Close()) }()
	defer func() {
		if r := recover(); r != nil {
			s.editor.Crash(r)
		}
	}()
	banner(s)
	s.load()
	s.editor.Go(s.record.open)
	var asked time.Time // when Ctrl-D met running jobs
	for s.left == nil && s.control.Dying() == 0 {
		text, err := s.editor.Read()
		switch {
		case errors.Is(err, repl.ErrHangUp):
			if s.control.Dying() == 0 {
				s.control.Die(interrupts.HangUp)
			}
			continue
		case errors.Is(err, repl.ErrAborted):
			s.suspendIfAsked()
			continue
		case err == io.EOF:
			if running := s.jobs.running(); len(running) > 0 && s.env.Now().Sub(asked) > interrupts.PressTime {
				asked = s.env.Now()
				for _, w := range running {
					s.say(fmt.Sprintf("[%%%d] %s is running", w.number, formatters.CleanLine(w.name)))
				}
				s.say("Ctrl-D again cancels them and leaves")
				continue
			}
			return problem.Exit(s.farewell())
		case err != nil:
			return err
		}
		folded := s.editor.Fold(text)
		s.editor.Forget()
		if strings.TrimSpace(text) == "" {
			continue
		}
		code := s.run(text)
		s.record.remember(folded, s.target(), code, s.settings["history"] == "off")
		if s.once && s.called {
			return problem.Exit(code)
		}
		if s.unsent != "" { // Up finds it
			s.record.history.Keep(s.record.redact(s.unsent))
			s.unsent = ""
		}
	}
	return problem.Exit(s.farewell())
}

// farewell is the exit code of the shell.
func (s *shell) farewell() int {
	if s.control.Dying() != 0 {
		return s.control.Dying()
	}
	if s.left != nil {
		return *s.left
	}
	return problem.OK
}

// banner is the first line.
func banner(s *shell) {
	if s.o.Quiet {
		return
	}
	where := s.target()
	if where == "" {
		where = "no target yet: target host:port sets one"
	}
	keys := "help, Ctrl-D leaves"
	if s.editor != nil {
		keys = "Tab completes, " + keys
	}
	s.say(strings.Join([]string{"rpcctl " + version.String(), formatters.CleanLine(where), keys}, s.dot()))
}

// promptText is what stands before the text.
func (s *shell) promptText() (string, repl.Style) {
	if w := s.talking.Load(); w != nil {
		return w.talk.prompt(w), repl.Accent
	}
	where, style := formatters.CleanLine(shownTarget(s.target())), repl.Accent
	if s.code != problem.OK {
		style = repl.Bad
	}
	if where == "" {
		where = "(not connected)"
	}
	if used := s.using(); used != "" {
		where = used[strings.LastIndexByte(used, '.')+1:] + "@" + where
	}
	if s.editor != nil {
		cols, _ := s.editor.Size()
		if limit := max(10, cols/3); repl.Width(where) > limit {
			where = s.env.Sign("…", "...") + where[len(where)-limit:]
		}
	}
	if s.production.Load() {
		where, style = "PRODUCTION "+where, repl.Bad
	}
	if n := len(s.jobs.running()); n > 0 {
		where += fmt.Sprintf(" [%d]", n)
	}
	return where + "> ", style
}

// load reads the schema behind the prompt, and tells what there is.
func (s *shell) load() { s.background(s.loadSchema) }

// loadSchema opens the first session and makes the index.
func (s *shell) loadSchema() {
	began := s.env.Now()
	env := *s.env
	a := newLineApp(&env, s, nil)
	source, types, err := s.schema(s.ctx, a)
	if a.Session != nil && a.Session.Settings().Target != nil {
		where := a.Session.Settings().Target.String()
		s.reached.Store(&where) // a context may have said where
		s.production.Store(a.Globals.Production())
		if s.editor != nil {
			s.editor.Refresh()
		}
	}
	if errors.Is(err, session.ErrNoTarget) {
		return
	}
	if err != nil {
		s.say("no schema: " + formatters.CleanLine(human.FirstLine((&problem.Reporter{Env: &env}).Explain(err))))
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	ix, err := complete.NewIndex(ctx, source, types)
	if err != nil {
		text := human.FirstLine((&problem.Reporter{Env: &env}).Explain(err))
		for _, h := range a.Reporter().Hints(err) {
			text += "; " + h
		}
		s.say("no schema: " + formatters.CleanLine(text))
		return
	}
	s.assistant.Index.Store(ix)
	if s.o.Quiet {
		return
	}
	s.sayAside(fmt.Sprintf("schema: %s, %s, %s", human.Count(len(ix.Services), "service"), human.Count(len(ix.Methods), "method"), human.Duration(s.env.Now().Sub(began))))
}

// suspendIfAsked suspends the shell when a signal has asked for that at the prompt.
func (s *shell) suspendIfAsked() {
	if s.control.TakeStop() {
		if err := s.editor.Suspend(); err != nil {
			s.say("suspending: " + formatters.CleanLine(err.Error()))
		}
	}
}
