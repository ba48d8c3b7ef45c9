package assist

import (
	"context"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/othershells"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/rpcctl/rpcctl/repl"
)

// BuildRequest puts a request to fill in behind the method of a line, with the values that are
// typed already.
func (a *Assistant) BuildRequest(l repl.Line) (repl.Line, string) {
	typed := strings.TrimRight(l.Text, " ")
	p := a.position(repl.Line{Text: typed + " ", Cursor: len(typed) + 1})
	if p.method == nil {
		return l, "which method? Type its name first"
	}
	head, words := "", p.words
	if a.shell.Typing() == nil {
		head, words = a.apart(typed, words)
	}
	var parts []input.Part
	meant := map[string]bool{}
	for _, w := range words {
		if strings.HasPrefix(w.Text, "@") || w.Text == "-" || strings.HasPrefix(w.Text, "$") {
			return l, "what " + formatters.CleanLine(w.Text) +
				" stands for is known when the line runs; leave it out to fill the request in"
		}
		for _, e := range w.Expansions() {
			if e.Env {
				meant[e.Text] = true
			}
		}
		parts = append(parts, input.Part{Text: w.Text, Origin: "the line"})
	}
	ctx, cancel := context.WithTimeout(a.ctx, othershells.Limit) // of files: somebody waits at the keyboard
	defer cancel()
	text, err := complete.Fill(ctx, p.method, a.Index.Load().Resolver(), parts,
		complete.Form{ASCII: !a.env.Unicode(), Meant: meant})
	if err != nil {
		return l, formatters.CleanLine(human.FirstLine(err.Error()))
	}
	if !repl.Sole(repl.Fill(head+text), l.Text) {
		return l, complete.Untypeable
	}
	return complete.AtFirstHole(head + text), ""
}

// apart takes the words of the message out of a line: what is left is the method, with its flags.
func (a *Assistant) apart(typed string, words []repl.Word) (head string, message []repl.Word) {
	method := a.methodWord(words)
	places := a.places(words)
	for i, w := range words {
		if i > method && slices.Contains(places, i) {
			message = append(message, w)
			continue
		}
		head += typed[w.Start:w.End] + " "
	}
	return head, message
}

// Unfold returns what replaces the hole under the cursor, if the hole stands for a message.
func (a *Assistant) Unfold(l repl.Line) (string, bool) {
	before := l
	for _, h := range repl.Holes(l.Text) {
		if h.Start == l.Cursor {
			before = repl.Line{Text: l.Text[:h.Start] + l.Text[h.End:], Cursor: h.Start}
			if !strings.HasSuffix(repl.HoleName(l.Text, h), " …") {
				return "", false
			}
		}
	}
	p := a.position(before)
	f, ok := a.locate(&p)
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
	text, err := complete.Form{ASCII: !a.env.Unicode()}.Message(md, indent)
	return text, err == nil && repl.Harmless(before.Text, before.Insert(text).Text)
}

// Blank returns the hole for the value at the cursor.
func (a *Assistant) Blank(l repl.Line) string {
	p := a.position(l)
	f, ok := a.locate(&p)
	switch {
	case !ok || f.Want != repl.WantValue || f.Field == nil:
		return ""
	case f.Element && f.Field.IsMap():
		return complete.Form{ASCII: !a.env.Unicode()}.Hole(complete.HoleName(f.Field.MapValue()))
	}
	return complete.Form{ASCII: !a.env.Unicode()}.Value(f.Field)
}
