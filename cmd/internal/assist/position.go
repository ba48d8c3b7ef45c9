package assist

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/repl"
)

// A position is where in a line the cursor is.
type position struct {
	words  []repl.Word // before the one at the cursor
	word   repl.Word   // the one at the cursor, up to it; empty between words
	method protoreflect.MethodDescriptor
	types  bool // a message is typed here: the words of a call or of a conversation
	file   bool // the name of a file is typed here: after > and >>
	half   bool // the cursor is inside quotes, in the words of another program
	line   repl.Line
}

// text is the word at the cursor as it was typed.
func (p *position) text() string { return p.line.Text[p.word.Start:p.line.Cursor] }

// position finds out where the cursor is.
func (a *Assistant) position(l repl.Line) position {
	p := position{line: l, word: repl.Word{Start: l.Cursor, End: l.Cursor, Raw: true}}
	statements := repl.Lex(l.Before())
	if n := len(statements); n > 0 {
		st := statements[n-1]
		between := l.Text[st.End:l.Cursor]
		switch {
		case strings.Contains(between, "\n") && st.Missing == 0:
		case st.Pipe != "":
			p.file = true
			p.piped(l)
		case st.To.End == l.Cursor:
			p.file, p.word = true, st.To
		case strings.HasSuffix(strings.TrimRight(l.Before(), " "), ">"):
			p.file = true
		default:
			p.words = st.Words
			if k := len(st.Words); k > 0 && (st.Words[k-1].End == l.Cursor || st.Missing != 0) {
				p.words, p.word = st.Words[:k-1], st.Words[k-1]
			}
		}
	}
	if typed := a.shell.Typing(); typed != nil {
		p.method, p.types = typed, true
		return p
	}
	name := a.methodWord(p.words)
	ix := a.Index.Load()
	if len(p.words) > name && !p.file && (name > 0 || !a.IsCommand(p.words[0].Text)) {
		p.types = true
		p.method = a.methodNamed(ix, p.words[name].Text)
	}
	return p
}

// piped finds the word at the cursor in a command for a shell, whose quotes are that shell's.
func (p *position) piped(l repl.Line) {
	st := repl.Lex(l.Before())
	last := st[len(st)-1]
	begin := strings.LastIndexAny(l.Before(), " \t\n|") + 1
	word := l.Text[begin:l.Cursor]
	p.half = last.Missing != 0 || word != "" && !repl.IsPlain(word)
	p.word = repl.Word{Text: word, Start: begin, End: l.Cursor, Raw: true}
}

// methodWord is which of the words of a call names the method: the first, or behind call the first
// that is neither a flag nor the value of one. It is how many there are when none does.
func (a *Assistant) methodWord(words []repl.Word) int {
	if len(words) == 0 || words[0].Text != "call" {
		return 0
	}
	if at := a.places(words); len(at) > 1 {
		return at[1]
	}
	return len(words)
}

// places are the indexes of the words that are neither flags nor their values.
func (a *Assistant) places(words []repl.Word) []int {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return a.Flags().Positionals(texts)
}

// methodNamed is the method that a name stands for here, nil when that is not known.
func (a *Assistant) methodNamed(ix *complete.Index, name string) protoreflect.MethodDescriptor {
	if ix == nil {
		return nil
	}
	for _, used := range slices.Backward(a.shell.Used()) {
		if e := ix.Method(used + "." + name); e != nil {
			return e.Method
		}
	}
	if e := ix.Method(name); e != nil {
		return e.Method
	}
	return nil
}

// locate finds out where in the message the cursor is.
func (a *Assistant) locate(p *position) (f complete.Cursor, ok bool) {
	if p.method == nil {
		return f, false
	}
	if p.word.Raw {
		return a.request(p).Locate(p.text()), true
	}
	// Inside quotes only the value of the word counts: what is before it is as it was typed.
	f = a.request(p).Locate(p.word.Text)
	return f, f.Want == repl.WantValue && !f.JSON && strings.HasPrefix(p.text(), p.word.Text[:f.From])
}

// request is the request that is typed, with what the shell knows.
func (a *Assistant) request(p *position) *complete.Request {
	ix := a.Index.Load()
	r := &complete.Request{
		Method: p.method, Types: ix.Messages(), Now: a.env.Now, Seen: a.shell.Seen,
		Secret: func(name string) bool { return secret.Name(name) || ix.SecretField(name) },
	}
	for _, w := range p.words {
		r.Words = append(r.Words, w.Text)
	}
	r.Whole = wordAround(p.line) // what is behind the cursor counts, too
	return r
}

// wordAround is the whole word that the cursor is in.
func wordAround(l repl.Line) string {
	for _, st := range repl.Lex(l.Text) {
		for _, w := range st.Words {
			if w.Start < l.Cursor && l.Cursor <= w.End {
				return l.Text[w.Start:w.End]
			}
		}
	}
	return ""
}
