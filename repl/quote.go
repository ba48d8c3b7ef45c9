package repl

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file is how text from outside gets into a statement. A name of a schema, the value of an
// answer, the name of a file: whatever it is, it is written so that it means itself.

// bareSigns are what may stand in a word without quotes, besides letters and digits.
const bareSigns = "@%+=:,./-_"

// IsPlain reports whether a text means itself as a word, wherever a word can stand.
func IsPlain(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || !strings.ContainsRune(bareSigns, r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) &&
			!unicode.Is(unicode.Mn, r) {
			return false
		}
	}
	return text != ""
}

// Quote returns a word that means text: text itself where that is Bare, else in quotes, as a
// POSIX shell reads them too. It returns false for a text that cannot be shown as it is, or that
// the prompt would take for its own: one with control characters, marks that change the
// direction of writing, or signs of holes.
func Quote(text string) (word string, ok bool) {
	switch {
	case IsPlain(text):
		return text, true
	case !showable(text):
		return "", false
	}
	return quoted(text), true
}

// quoted returns a text in single quotes.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// QuoteFile is Quote for the name of a file behind a lead, such as @. A name that a program would
// take for an option has its folder before it.
func QuoteFile(lead, dir, name string) (word string, ok bool) {
	if lead == "" && dir == "" && strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	word, ok = Quote(name)
	return lead + dir + word, ok
}

// QuoteJSON returns text as a string of a document. What could be taken for something else there
// is escaped, so that every valid UTF-8 text has a form.
func QuoteJSON(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '$' && strings.HasPrefix(text[i:], "${"), hidden(r):
			b.WriteString(escapeJSON(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func escapeJSON(r rune) string {
	if r < 0x10000 {
		return fmt.Sprintf(`\u%04x`, r)
	}
	r -= 0x10000
	return fmt.Sprintf(`\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
}

// PlainJSON reports whether a text is a string of a document as it stands, between quotes of a
// kind.
func PlainJSON(text string, quote byte) bool {
	return QuoteJSON(text) == `"`+text+`"` && strings.IndexByte(text, quote) < 0
}

// showable reports whether a text can stand in a prompt.
func showable(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, hidden) < 0 && !strings.Contains(text, pasteMark)
}

// hidden reports whether a character cannot be seen, or is the prompt's own.
func hidden(r rune) bool {
	switch {
	case r == '\u200c', r == '\u200d': // they join the letters and pictures of ordinary text
		return false
	case strings.ContainsRune(holeSigns+noSeparator, r):
		return true
	}
	return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp)
}

// Harmless reports whether a change of a text that nobody typed, such as a completion, adds no
// statement, no operator and nothing that stands for something else.
func Harmless(before, after string) bool {
	was, is := shapeOf(before), shapeOf(after)
	return is.statements <= max(1, was.statements) && is.operators <= was.operators &&
		is.expansions <= was.expansions && is.assigned <= was.assigned
}

// Sole reports whether a text is one complete statement with no operator and no assignment, in
// which what stands for something else stands in typed, too.
func Sole(text, typed string) bool {
	s := shapeOf(text)
	if s.statements != 1 || s.operators > 0 || s.assigned > 0 || Incomplete(text) {
		return false
	}
	known := map[string]bool{}
	for _, st := range Lex(typed) {
		for _, w := range st.Words {
			for _, e := range w.Expansions() {
				known[e.Text] = true
			}
		}
	}
	for _, w := range Lex(text)[0].Words {
		for _, e := range w.Expansions() {
			if !known[e.Text] {
				return false
			}
		}
	}
	return true
}

// A shape is what of a text could make something run, or reveal something.
type shape struct{ statements, operators, expansions, assigned int }

func shapeOf(text string) (s shape) {
	for _, st := range Lex(text) {
		s.statements++
		if st.Assign != "" {
			s.assigned++
		}
		s.operators += st.operators
		for _, w := range append(st.Words, st.To) {
			s.expansions += len(w.Expansions())
		}
	}
	return s
}
