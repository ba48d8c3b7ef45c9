package repl

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file puts text from outside into a statement. A name of a schema, a value of a
// response, the name of a file: whatever it is, it is quoted so that it means itself.

// bareSigns are the signs that may be in a word without quotes, as letters and digits may.
const bareSigns = "@%+=:,./-_"

// IsPlain reports whether a text means itself as a word, wherever a word may stand.
func IsPlain(text string) bool {
	for _, r := range text {
		if r == utf8.RuneError || !strings.ContainsRune(bareSigns, r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) &&
			!unicode.Is(unicode.Mn, r) {
			return false
		}
	}
	return text != ""
}

// Quote returns a word that means text: text itself when IsPlain, else text in quotes, which a
// POSIX shell also reads. It returns false for a text that cannot be shown, or that the prompt
// would misread: one with control characters, marks that change the direction of writing, or
// signs of holes.
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

// QuoteFile is Quote for the name of a file behind a lead, such as @. A name that a program
// would take for an option gets its folder before it.
func QuoteFile(lead, dir, name string) (word string, ok bool) {
	if lead == "" && dir == "" && strings.HasPrefix(name, "-") {
		name = "./" + name
	}
	word, ok = Quote(name)
	return lead + dir + word, ok
}

// QuoteJSON returns text as a string of a document. Characters with a meaning there are
// escaped, so that every valid UTF-8 text has a form.
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

// hidden reports whether a character cannot be seen, or has a meaning to the prompt.
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
// statement, no operator and no expansion.
func Harmless(before, after string) bool {
	was, is := shapeOf(before), shapeOf(after)
	return is.statements <= max(1, was.statements) && is.operators <= was.operators &&
		is.expansions <= was.expansions && is.assigned <= was.assigned
}

// Sole reports whether a text is one complete statement with no operator and no assignment,
// whose expansions are all in typed, too.
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

// A shape is what in a text could run or reveal something.
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
