package shell

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/interrupts"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
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
			return "dumb" // whatever the terminal is: this mode prints no colours
		}
		return getenv(name)
	}
	s.env = &env
	s.record.open()
	banner(s)
	s.loadSchema()
	lines := make(chan string)
	go func() {
		defer fault.Exit()
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
	for s.exitCode == nil && s.control.Dying() == 0 {
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

// take runs a text that a person entered, and remembers it.
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
	fault.Before(editor.Restore) // the goroutines of a call know nothing of the terminal
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
	for s.exitCode == nil && s.control.Dying() == 0 {
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
			if !leaves(s, &asked) {
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

// leaves reports whether Ctrl-D ends the shell. With jobs that run it has to be pressed again: asked
// is when it was pressed before.
func leaves(s *shell, asked *time.Time) bool {
	running := s.jobs.running()
	if len(running) == 0 || s.env.Now().Sub(*asked) <= interrupts.PressTime {
		return true
	}
	*asked = s.env.Now()
	for _, w := range running {
		s.say(fmt.Sprintf("[%%%d] %s is running", w.number, formatters.CleanLine(w.name)))
	}
	s.say("Ctrl-D again cancels them and leaves")
	return false
}

// farewell is the exit code of the shell.
func (s *shell) farewell() int {
	if s.control.Dying() != 0 {
		return s.control.Dying()
	}
	if s.exitCode != nil {
		return *s.exitCode
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

// suspendIfAsked suspends the shell when a signal has asked for that at the prompt.
func (s *shell) suspendIfAsked() {
	if s.control.TakeStop() {
		if err := s.editor.Suspend(); err != nil {
			s.say("suspending: " + formatters.CleanLine(err.Error()))
		}
	}
}
