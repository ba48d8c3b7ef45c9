package shell

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/width"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/rpcctl/rpcctl/repl"
)

// A flaw is a place in a statement and what is wrong with it.
type flaw struct {
	start, end int
	text       string
}

// explain prints what went wrong with a statement. When the fault has a place in what was
// typed, a mark stands under it, and the text comes back into the prompt with the cursor
// there.
func (s *shell) explain(l *line, err error) {
	if problem.ClosedPipe(err) {
		return
	}
	flaws := l.flaws(err)
	for i := range flaws {
		flaws[i].text = l.conceal(flaws[i].text)
	}
	if len(flaws) == 0 {
		a := l.app
		if a == nil {
			a = s.newApp(l.env, l)
		}
		s.tell(l, l.conceal(a.Reporter().Explain(err)), a.Reporter().Hints(err))
		return
	}
	if s.editor == nil || !s.interactive || l.st.Background { // the prompt has another line by then
		for _, f := range flaws {
			excerpt := l.excerpt(f)
			s.tell(l, f.text+"\n  "+strings.ReplaceAll(excerpt.Caret(98), "\n", "\n  ")+"\n", nil)
		}
		return
	}
	for _, f := range flaws {
		s.underline(l, f)
	}
	s.giveBack(s.editor.Fold(l.source), flaws[0].end)
}

// flawedMax is the length of a text, in bytes, beyond which it does not come back into the
// prompt: somebody who types on without looking would make it longer and longer, and each key
// slower.
const flawedMax = 4 << 10

// giveBack puts a flawed text into the next prompt.
func (s *shell) giveBack(text string, cursor int) {
	if len(text) > flawedMax {
		s.unsent = text
		s.say("this text is too long to come back into the prompt: Up recalls it")
		return
	}
	s.editor.Put(repl.Line{Text: text, Cursor: min(cursor, len(text))})
}

// tell prints an error and the next steps.
func (s *shell) tell(l *line, text string, hints []string) {
	mark := ""
	if s.interactive {
		mark = s.styled(repl.Bad, s.env.Sign("✗ ", "x "))
	}
	var b strings.Builder
	b.WriteString(l.place + mark + text)
	for _, h := range hints {
		b.WriteString("hint: " + formatters.CleanLine(s.asTypedHere(h)) + "\n")
	}
	fmt.Fprint(l.env.Stderr, b.String())
}

// asTypedHere takes the name of the program off the commands in a text: in the shell they go
// without it.
func (s *shell) asTypedHere(text string) string {
	return regexp.MustCompile(`\brpcctl [a-z]+`).ReplaceAllStringFunc(text, func(m string) string {
		if name := strings.TrimPrefix(m, "rpcctl "); s.assistant.IsCommand(name) {
			return name
		}
		return m
	})
}

// lineAt is the line of the source that an offset is in.
func (l *line) lineAt(offset int) string {
	begin := strings.LastIndexByte(l.source[:offset], '\n') + 1
	text, _, _ := strings.Cut(l.source[begin:], "\n")
	return text
}

// excerpt is the line of a flaw without the secrets in it.
func (l *line) excerpt(f flaw) input.Place {
	begin := strings.LastIndexByte(l.source[:min(f.start, l.st.Start)], '\n') + 1
	end := max(f.start, f.end, l.st.End)
	if i := strings.IndexByte(l.source[end:], '\n'); i >= 0 {
		end += i
	} else {
		end = len(l.source)
	}
	text, at := repl.RedactAround(l.source[begin:end], repl.Span{Start: f.start - begin, End: f.end - begin},
		l.s.policy())
	begin = strings.LastIndexByte(text[:at.Start], '\n') + 1
	text, _, _ = strings.Cut(text[begin:], "\n")
	return input.Place{Text: text, Start: at.Start - begin, End: min(at.End-begin, len(text))}
}

// underline marks a flaw under the text that still stands above, or under a copy of its line
// when that is not where it was typed.
func (s *shell) underline(l *line, f flaw) {
	prompt, _ := s.promptText()
	cols, _ := s.editor.Size()
	begin := strings.LastIndexByte(l.source[:f.start], '\n') + 1
	text := l.lineAt(f.start)
	from, to := f.start-begin, min(max(f.end-begin, f.start-begin+1), len(text))
	indent := width.Of(prompt) + width.Of(text[:from])
	marks := max(1, width.Of(text[from:max(from, to)]))
	if strings.Contains(l.source, "\n") || width.Of(prompt)+width.Of(text) >= cols {
		p := input.Place{Text: text, Start: from, End: to}
		number := strings.Count(l.source[:f.start], "\n") + 1
		s.say(fmt.Sprintf("line %d: %s\n  %s", number, f.text, strings.ReplaceAll(p.Caret(cols-2), "\n", "\n  ")))
		return
	}
	mark := strings.Repeat(" ", indent) + s.styled(repl.Bad, strings.Repeat("~", marks))
	if indent+marks+1+width.Of(f.text) < cols {
		s.say(mark + " " + f.text)
		return
	}
	s.say(mark + "\n" + f.text)
}

// flaws returns the places in the statement that an error is about, at most five.
func (l *line) flaws(err error) []flaw {
	var (
		bad    *input.Error
		syntax *repl.SyntaxError
		placed *placedError
		name   *discovery.UnknownError
	)
	switch {
	case errors.As(err, &syntax):
		return []flaw{{syntax.Start, syntax.End, formatters.CleanLine(syntax.Problem)}}
	case errors.As(err, &placed):
		return []flaw{{
			placed.start, placed.end,
			formatters.CleanLine(strings.Join(append([]string{placed.Error()}, problem.Hints(err)...), "; ")),
		}}
	case errors.As(err, &bad) && bad.Name == "" && l.messages >= 0:
		return l.inputFlaws(bad)
	case errors.As(err, &name) && l.messages >= 0 && name.Kind == discovery.KindMethod:
		return l.nameFlaw(name)
	}
	return nil
}

// nameFlaw is a first word that is neither a command nor a method.
func (l *line) nameFlaw(e *discovery.UnknownError) []flaw {
	word, ok := l.positional(1)
	if !ok {
		return nil
	}
	text := "no such command or method"
	if l.args[0] == "call" && l.words[0] >= 0 {
		text = "no such method"
	}
	near := slices.Clone(e.Near)
	if len(near) == 0 {
		near = l.s.assistant.NearCommands(word.Text)
	}
	for i, n := range near { // in the form to be typed: the method alone
		near[i] = n[strings.LastIndexAny(n, "/.")+1:]
	}
	if len(near) > 0 {
		text += "; did you mean " + formatters.CleanLine(strings.Join(near, " or ")) + "?"
	}
	return []flaw{{word.Start, word.End, text}}
}

// positional returns the word of the statement that became an argument, by the number of the
// argument among those that are no flags; the command is 0.
func (l *line) positional(n int) (repl.Word, bool) {
	at := l.s.assistant.Flags().Positionals(l.args)
	if n >= len(at) || l.words[at[n]] < 0 {
		return repl.Word{}, false
	}
	return l.st.Words[l.words[at[n]]], true
}

// inputFlaws are the places of faults in the words of a message.
func (l *line) inputFlaws(e *input.Error) []flaw {
	var flaws []flaw
	for _, f := range e.Faults {
		word, ok := l.positional(2 + f.Place.Part)
		if !ok {
			return nil
		}
		start, end := word.Start, word.End
		if !l.expanded[slices.IndexFunc(l.st.Words, func(w repl.Word) bool { return w.Start == word.Start })] {
			at := int(f.Place.Offset)
			start = word.Place(at)
			end = word.Place(at+max(f.Place.Length, 1)-1) + 1
		}
		text := formatters.CleanLine(f.Problem)
		if f.Path != "" && !strings.Contains(text, f.Path) {
			text = formatters.CleanLine(f.Path) + ": " + text
		}
		if f.Suggestion != "" && !strings.Contains(text, f.Suggestion) {
			text += "; did you mean " + formatters.CleanLine(f.Suggestion) + "?"
		}
		flaws = append(flaws, flaw{start, max(start, end), text})
		if f.Also != nil {
			if other, ok := l.positional(2 + f.Also.Part); ok {
				flaws = append(flaws, flaw{
					other.Place(int(f.Also.Offset)),
					other.Place(int(f.Also.Offset)+max(f.Also.Length, 1)-1) + 1, "and here",
				})
			}
		}
	}
	return flaws
}
