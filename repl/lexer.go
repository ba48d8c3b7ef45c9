package repl

import (
	"strings"
	"unicode/utf8"
)

// A lexer reads a text from byte i on.
type lexer struct {
	text      string
	i         int
	open      Missing
	documents []Span  // the documents that were read, the last one maybe not to its end
	nest      nesting // of the last of them
	within    bool    // the text ends in that one
}

func (l *lexer) rest() string { return l.text[l.i:] }

// blanks skips blanks, and line ends behind a backslash.
func (l *lexer) blanks() {
	for l.i < len(l.text) {
		switch {
		case strings.IndexByte(" \t\r", l.text[l.i]) >= 0:
			l.i++
		case strings.HasPrefix(l.rest(), "\\\n"):
			l.i += 2
		default:
			return
		}
	}
}

func (l *lexer) comment() {
	if n := strings.IndexByte(l.rest(), '\n'); n >= 0 {
		l.i += n
		return
	}
	l.i = len(l.text)
}

// statement reads a statement up to the end of its line.
func (l *lexer) statement() Statement {
	s := Statement{Start: l.i}
	l.open = 0
	s.Assign = l.assignment()
	for l.open == 0 {
		s.End = l.i
		l.blanks()
		if l.i >= len(l.text) || l.text[l.i] == '\n' {
			break
		}
		if l.text[l.i] == '#' {
			l.comment()
			break
		}
		if l.operator(&s) {
			continue
		}
		s.Words = append(s.Words, l.word())
	}
	if l.open != 0 {
		s.End = l.i
	}
	s.Missing = l.open
	return s
}

// assignment reads "$name =", which a method or an expression follows.
func (l *lexer) assignment() string {
	if l.text[l.i] != '$' {
		return ""
	}
	n := l.i + 1
	for n < len(l.text) && inWord(rune(l.text[n])) {
		n++
	}
	name := l.text[l.i+1 : n]
	after := strings.TrimLeft(l.text[n:], " \t")
	if name == "" || !strings.HasPrefix(after, "=") {
		return ""
	}
	l.i = len(l.text) - len(after) + 1
	return name
}

// operator reads an operator and what belongs to it.
func (l *lexer) operator(s *Statement) bool {
	start := l.i
	switch rest := l.rest(); {
	case rest[0] == '|':
		l.i++
		s.Pipe = strings.TrimSpace(l.command())
		if before, ok := strings.CutSuffix(s.Pipe, " &"); ok && l.open == 0 {
			s.Pipe, s.Background = strings.TrimSpace(before), true
		}
		s.End = l.i
	case rest[0] == '>':
		s.Append = strings.HasPrefix(rest, ">>")
		l.i = start + 1
		if s.Append {
			l.i++
		}
		l.blanks()
		if l.i < len(l.text) && l.text[l.i] != '\n' && l.text[l.i] != '#' {
			s.To = l.word()
		}
	case rest[0] == '&' && (len(rest) == 1 || strings.IndexByte(" \t\r\n#", rest[1]) >= 0):
		l.i++
		s.Background = true
	default:
		return false
	}
	if s.operators++; s.operator.End == 0 {
		s.operator = Span{Start: start, End: start + 1}
	}
	return true
}

// command reads a command for a shell: up to the end of the line that is in no quotes.
func (l *lexer) command() string {
	start, quote := l.i, byte(0)
	for ; l.i < len(l.text); l.i++ {
		c := l.text[l.i]
		switch {
		case quote == 0 && c == '\n':
			return l.text[start:l.i]
		case c == '\\' && quote != '\'':
			l.i = min(l.i+1, len(l.text)-1)
		case quote == c:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		}
	}
	l.open = Missing(quote)
	return l.text[start:l.i]
}

// word reads a word.
func (l *lexer) word() Word {
	w := Word{Start: l.i, Raw: true}
	var b strings.Builder // of a word with quotes
	take := func(from, to int, hidden bool) {
		if w.Raw {
			return
		}
		for i := from; i < to; i++ {
			w.places, w.hidden = append(w.places, i), append(w.hidden, hidden)
		}
		b.WriteString(l.text[from:to])
	}
	unquoted := func() { // the text read so far was unquoted
		if to := l.i; w.Raw {
			w.Raw = false
			take(w.Start, to, false)
		}
	}
	pathEnded := false // an = was read: brackets are text now
	for l.i < len(l.text) && l.open == 0 {
		c, from := l.text[l.i], l.i
		soFar := b.String()
		if w.Raw {
			soFar = l.text[w.Start:from]
		}
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			return l.finish(w, b.String())
		case (c == '{' || c == '[') && l.document(soFar, pathEnded):
			l.balanced()
			take(from, l.i, false)
		case c == '"' && strings.HasSuffix(soFar, ":=") && !pathEnded:
			l.quoted('"', true)
			take(from, l.i, false)
		case c == '\'':
			unquoted()
			l.quoted('\'', false)
			end := l.i
			if l.open == 0 {
				end--
			}
			take(from+1, max(from+1, end), true)
		case c == '"':
			unquoted()
			l.doubleQuoted(take)
		case c == '\\':
			unquoted()
			l.backslash(take)
		default:
			_, size := utf8.DecodeRuneInString(l.rest())
			l.i += size
			take(from, l.i, false)
			if c == '=' && !pathEnded {
				pathEnded = !l.valueFollows(soFar + "=")
			}
		}
	}
	return l.finish(w, b.String())
}

// valueFollows reports whether the text after the first = is read like a document.
func (l *lexer) valueFollows(soFar string) bool {
	rest := l.rest()
	return strings.HasPrefix(rest, "{") || strings.HasSuffix(soFar, ":=") &&
		(strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, `"`))
}

// document reports whether a bracket begins something that ends with its partner: a document
// at the beginning of a word, a part of a path, or a value.
func (l *lexer) document(soFar string, pathEnded bool) bool {
	if soFar == "" {
		return true
	}
	if pathEnded {
		return false
	}
	return l.text[l.i] == '[' || strings.HasSuffix(soFar, "=")
}

func (l *lexer) finish(w Word, text string) Word {
	w.Text, w.End = text, l.i
	if w.Raw {
		w.Text = l.text[w.Start:w.End]
	}
	return w
}

// balanced reads up to the bracket that closes the one at i, in JSON with comments and single
// quotes.
func (l *lexer) balanced() {
	l.nest = nesting{}
	n, closed := l.nest.read(l.rest())
	l.documents = append(l.documents, Span{Start: l.i, End: l.i + n})
	l.i += n
	if !closed {
		l.open, l.within = l.nest.missing(), true
	}
}

// quoted reads a string up to and with its closing quote. With escapes set, a backslash makes
// the next character literal.
func (l *lexer) quoted(quote byte, escapes bool) {
	for l.i++; l.i < len(l.text); l.i++ {
		switch c := l.text[l.i]; {
		case c == '\\' && escapes:
			l.i++
		case c == quote:
			l.i++
			return
		}
	}
	l.i, l.open = len(l.text), Missing(quote)
}

// doubleQuoted reads "..." in a word: a backslash is literal, except before a quote, a
// backslash, a dollar sign, a backquote and a line end.
func (l *lexer) doubleQuoted(take func(from, to int, hidden bool)) {
	for l.i++; l.i < len(l.text); l.i++ {
		c := l.text[l.i]
		if c == '"' {
			l.i++
			return
		}
		hidden := c == '\\' && l.i+1 < len(l.text) && strings.IndexByte("\"\\$`\n", l.text[l.i+1]) >= 0
		if hidden {
			l.i++
			if l.text[l.i] == '\n' {
				continue
			}
		}
		take(l.i, l.i+1, hidden)
	}
	l.i, l.open = len(l.text), '"'
}

// backslash reads a backslash outside of quotes, and the character behind it.
func (l *lexer) backslash(take func(from, to int, hidden bool)) {
	if l.i+1 >= len(l.text) {
		l.i, l.open = len(l.text), '\\'
		return
	}
	_, size := utf8.DecodeRuneInString(l.text[l.i+1:])
	if l.text[l.i+1] != '\n' {
		take(l.i+1, l.i+1+size, true)
	}
	l.i += 1 + size
}
