package shell

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/othershells"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/rpcctl/rpcctl/repl"
	"github.com/spf13/cobra"
)

// buildRequest puts a request to fill in behind the method of a line, with the values that are
// typed already.
func (s *shell) buildRequest(l repl.Line) (repl.Line, string) {
	typed := strings.TrimRight(l.Text, " ")
	p := s.spot(repl.Line{Text: typed + " ", Cursor: len(typed) + 1})
	if p.method == nil {
		return l, "which method? Type its name first"
	}
	head, words := "", p.words
	if s.talking.Load() == nil {
		head, words = s.apart(typed, words)
	}
	var parts []input.Part
	meant := map[string]bool{}
	for _, w := range words {
		if strings.HasPrefix(w.Text, "@") || w.Text == "-" || strings.HasPrefix(w.Text, "$") {
			return l, "what " + formatters.CleanLine(w.Text) + " stands for is known when the line runs; leave it out to fill the request in"
		}
		for _, e := range w.Expansions() {
			if e.Env {
				meant[e.Text] = true
			}
		}
		parts = append(parts, input.Part{Text: w.Text, Origin: "the line"})
	}
	ctx, cancel := context.WithTimeout(s.ctx, othershells.Limit) // of files: somebody waits at the keyboard
	defer cancel()
	text, err := complete.Fill(ctx, p.method, s.index.Load().Resolver(), parts, complete.Form{ASCII: !s.env.Unicode(), Meant: meant})
	if err != nil {
		return l, formatters.CleanLine(human.FirstLine(err.Error()))
	}
	if !repl.Sole(repl.Fill(head+text), l.Text) {
		return l, complete.Untypeable
	}
	return complete.AtFirstHole(head + text), ""
}

// apart takes the words of the message out of a line: what is left is the method, with its flags.
func (s *shell) apart(typed string, words []repl.Word) (head string, message []repl.Word) {
	method := s.methodWord(words)
	places := s.places(words)
	for i, w := range words {
		if i > method && slices.Contains(places, i) {
			message = append(message, w)
			continue
		}
		head += typed[w.Start:w.End] + " "
	}
	return head, message
}

// FillIn is a shell for one call.
func FillIn(a *app.App, c *cobra.Command, line repl.Line, tree commandTree) error {
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	s := newShell(ctx, a.Env, &Options{Quiet: true}, baseFlags(c), tree)
	defer s.close()
	s.interactive = true
	s.own()
	if err := s.openEditor(a.Colored(true)); err != nil {
		return problem.Usage(errors.New("-i fills the request in at a terminal that can be drawn on"), "--edit writes it in $EDITOR")
	}
	s.once = true
	s.editor.Put(line)
	if err := s.editorLoop(); err != nil || s.called {
		return err
	}
	return problem.Exit(problem.Interrupted) // nothing was sent, which is no success
}

// unfold is the message in place of the hole under the cursor, when it is one.
func (s *shell) unfold(l repl.Line) (string, bool) {
	before := l
	for _, h := range repl.Holes(l.Text) {
		if h.Start == l.Cursor {
			before = repl.Line{Text: l.Text[:h.Start] + l.Text[h.End:], Cursor: h.Start}
			if !strings.HasSuffix(repl.HoleName(l.Text, h), " …") {
				return "", false
			}
		}
	}
	p := s.spot(before)
	f, ok := s.locate(&p)
	if !ok || f.Want != repl.WantValue || f.Field == nil {
		return "", false
	}
	md := f.Field.Message()
	if f.Field.IsMap() {
		md = f.Field.MapValue().Message()
	}
	if md == nil {
		return "", false
	}
	row := l.Text[strings.LastIndexByte(l.Before(), '\n')+1 : l.Cursor]
	indent := row[:len(row)-len(strings.TrimLeft(row, " "))]
	text, err := complete.Form{ASCII: !s.env.Unicode()}.Message(md, indent)
	return text, err == nil && repl.Harmless(before.Text, before.Insert(text).Text)
}

// blank is the hole for the value at the cursor.
func (s *shell) blank(l repl.Line) string {
	p := s.spot(l)
	f, ok := s.locate(&p)
	switch {
	case !ok || f.Want != repl.WantValue || f.Field == nil:
		return ""
	case f.Element && f.Field.IsMap():
		return complete.Form{ASCII: !s.env.Unicode()}.Hole(complete.HoleName(f.Field.MapValue()))
	}
	return complete.Form{ASCII: !s.env.Unicode()}.Value(f.Field)
}
