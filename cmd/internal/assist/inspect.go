package assist

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/repl"
)

// Inspect colours a line, and says what is under the cursor.
func (a *Assistant) Inspect(l repl.Line) repl.Insight {
	in := repl.Insight{}
	if l.Text == "" {
		return in
	}
	for _, st := range repl.Lex(l.Text) {
		a.paint(&in, l, st)
	}
	in.Spans = append(in.Spans, repl.Brackets(l)...)
	slices.SortStableFunc(in.Spans, func(a, b repl.Span) int { return a.Start - b.Start })
	in.Spans = apart(in.Spans)
	in.Hint = a.hint(l)
	if warning := a.shell.Warning(); warning != "" {
		in.Hint = warning
	}
	return in
}

// apart drops spans that begin inside of the one before.
func apart(spans []repl.Span) []repl.Span {
	end := 0
	return slices.DeleteFunc(spans, func(p repl.Span) bool {
		if p.Start < end {
			return true
		}
		end = p.End
		return false
	})
}

// paint colours a statement.
func (a *Assistant) paint(in *repl.Insight, l repl.Line, st repl.Statement) {
	words := st.Words
	method := protoreflect.MethodDescriptor(nil)
	if typed := a.shell.Typing(); typed != nil {
		method = typed
	} else if len(words) > 0 {
		name, args := words[0], words[1:]
		if n := a.methodWord(words); n > 0 && n < len(words) {
			in.Spans = append(in.Spans, repl.Span{Start: name.Start, End: name.End, Style: repl.Name})
			for _, flag := range words[1:n] {
				in.Spans = append(in.Spans, repl.Span{Start: flag.Start, End: flag.End, Style: repl.Accent})
			}
			name, args = words[n], words[n+1:]
		}
		style := repl.Name
		switch ix := a.Index.Load(); {
		case len(words) == len(args)+1 && a.IsCommand(name.Text):
			words, args = nil, nil
		case strings.HasPrefix(name.Text, "$"), strings.HasPrefix(name.Text, "!"), strings.HasSuffix(name.Text, "?"):
			style = repl.Accent
		default:
			if method = a.methodNamed(ix, name.Text); method == nil && ix != nil && l.Cursor > name.End {
				style = repl.Wrong
			}
		}
		in.Spans = append(in.Spans, repl.Span{Start: name.Start, End: name.End, Style: style})
		words = args
	}
	var all complete.Walker
	if method != nil {
		r := complete.Request{Method: method, Types: a.Index.Load().Messages()}
		for _, w := range words {
			r.Words = append(r.Words, w.Text)
		}
		all = r.Walker()
	}
	for _, w := range words {
		paintWord(in, l, w, all)
	}
}

// paintWord colours a word of a message.
func paintWord(in *repl.Insight, l repl.Line, w repl.Word, all complete.Walker) {
	add := func(from, to int, style repl.Style) {
		in.Spans = append(in.Spans, repl.Span{Start: from, End: to, Style: style})
	}
	text := l.Text[w.Start:w.End]
	path, value, assigned := strings.Cut(text, "=")
	switch {
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		paintJSON(in, text, w.Start, nil, all)
	case strings.HasPrefix(text, "$"), strings.HasPrefix(text, "@"), strings.HasPrefix(text, "-"):
		add(w.Start, w.End, repl.Accent)
	case assigned:
		style := repl.Field
		steps := complete.WordPath(strings.TrimSuffix(path, ":"))
		if all.Root != nil {
			if at := all.Walk(steps, repl.WantValue); at.Field == nil && !at.TypeURL {
				style = repl.Wrong
			}
		}
		add(w.Start, w.Start+len(path), style)
		at := w.Start + len(path) + 1
		if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
			paintJSON(in, value, at, steps, all)
		} else if value != "" {
			add(at, w.End, valueStyle(value, false))
		}
	}
}

// paintJSON colours a document that begins at an offset.
func paintJSON(in *repl.Insight, text string, at int, base []repl.Step, all complete.Walker) {
	repl.ScanJSON(text, func(t repl.Token) {
		style := valueStyle(t.Text, t.Quoted)
		if t.Key {
			style = repl.Field
			if all.Root != nil && t.End < len(text) {
				parent := all.Walk(append(slices.Clone(base), t.Path...), repl.WantKey).Parent
				if parent != nil && complete.FieldNamed(parent, t.Text) == nil && !complete.ScalarForm(parent) &&
					!strings.HasPrefix(t.Text, "@") && !strings.HasPrefix(t.Text, "[") &&
					parent.ParentFile().Package() != "google.protobuf" {
					style = repl.Wrong
				}
			}
		}
		in.Spans = append(in.Spans, repl.Span{Start: at + t.Start, End: at + t.End, Style: style})
	})
}

func valueStyle(text string, quoted bool) repl.Style {
	if quoted || strings.HasPrefix(text, `"`) || strings.HasPrefix(text, `'`) {
		return repl.Quoted
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return repl.Scalar
	}
	if text == "true" || text == "false" || text == "null" || text == strings.ToUpper(text) {
		return repl.Scalar
	}
	return repl.Quoted
}

// hint is a line about what is under the cursor: the field, or the method.
func (a *Assistant) hint(l repl.Line) string {
	p := a.position(l)
	if !p.types || p.method == nil {
		if len(p.words) > 0 && !p.file && a.IsCommand(p.words[0].Text) {
			c, _, err := a.commands().Find([]string{p.words[0].Text})
			if err == nil && c.HasParent() {
				return c.Use + a.dot() + c.Short
			}
		}
		return ""
	}
	if f, ok := a.locate(&p); ok && (f.Want == repl.WantValue || f.Want == repl.WantColon) && f.Field != nil {
		return a.aboutField(f.Field)
	}
	text := string(p.method.Name()) + "(" + complete.Signature(p.method, ")"+a.env.Sign(" → ", " -> "))
	if c := complete.Comment(p.method); c != "" {
		text += a.dot() + c
	}
	return text
}

func (a *Assistant) aboutField(fd protoreflect.FieldDescriptor) string {
	text := string(fd.Name()) + ": " + complete.FieldType(fd) + ", field " + strconv.Itoa(int(fd.Number()))
	if c := complete.Comment(fd); c != "" {
		text += a.dot() + c
	}
	return text
}
