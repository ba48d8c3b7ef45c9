package repl

import (
	"slices"
	"strings"
	"unicode"
)

// Hole returns the text of a hole: a place in a document to be filled in, ‹int32›, or <int32>
// when only ASCII is shown. The cursor moves over it as one character, typing replaces it, and
// Fill removes those that were not filled in. Characters that have a meaning at the
// prompt are replaced: the text may come from a schema.
func Hole(what string, ascii bool) string {
	what = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-.,:@…", r) || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '?'
	}, what)
	if ascii {
		return "<" + what + ">"
	}
	return "‹" + what + "›"
}

// Holes are the holes of a text, in their order. They are only in documents, and not in strings.
func Holes(text string) []Span {
	var holes []Span
	walkDocuments(text, func(at, end int, kind byte) {
		if kind == 'h' {
			holes = append(holes, Span{Start: at, End: end, Style: Accent})
		}
	})
	return holes
}

// HoleName returns the text inside a hole.
func HoleName(text string, at Span) string {
	return strings.Trim(text[at.Start:at.End], "‹›<>")
}

// walkDocuments calls visit for each token of the documents in a text: a hole, h; a string or
// another word, w; and { } [ ] , : themselves.
func walkDocuments(text string, visit func(at, end int, kind byte)) {
	l := &lexer{text: text}
	l.statements()
	for _, d := range l.documents {
		walkDocument(text[:d.End], d.Start, visit)
	}
}

// walkDocument is walkDocuments for the document from i to the end of a text.
func walkDocument(text string, i int, visit func(at, end int, kind byte)) {
	for i < len(text) {
		c, end := text[i], i+1
		switch {
		case c == '"' || c == '\'':
			end = stringEnd(text, i)
			visit(i, end, 'w')
		case strings.IndexByte("{[}],:", c) >= 0:
			visit(i, end, c)
		case strings.HasPrefix(text[i:], "//"):
			end = i + len(lineOf(text[i:]))
		case strings.HasPrefix(text[i:], "/*"):
			if n := strings.Index(text[i+2:], "*/"); n >= 0 {
				end = i + n + 4
			} else {
				end = len(text)
			}
		case holeEnd(text, i) > 0:
			end = holeEnd(text, i)
			visit(i, end, 'h')
		case strings.IndexByte(" \t\r\n", c) < 0:
			for end < len(text) && strings.IndexByte(" \t\r\n,:{}[]\"'<", text[end]) < 0 &&
				!strings.HasPrefix(text[end:], holeSigns[:3]) {
				end++
			}
			visit(i, end, 'w')
		}
		i = end
	}
}

// lineOf is the rest of a line.
func lineOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// stringEnd returns where a string ends, which is on its line.
func stringEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch text[i] {
		case quote:
			return i + 1
		case '\n':
			return i
		case '\\':
			i++
		}
	}
	return len(text)
}

// holeEnd returns where the hole that begins at i ends, 0 when none does. A secret that the
// history has left out is not a hole.
func holeEnd(text string, i int) int {
	closing := "›"
	switch {
	case strings.HasPrefix(text[i:], Redacted):
		return 0
	case text[i] == '<':
		closing = ">"
	case !strings.HasPrefix(text[i:], "‹"):
		return 0
	}
	n := strings.Index(lineOf(text[i:]), closing)
	if n < 0 {
		return 0
	}
	return i + n + len(closing)
}

// An entry is an element of a list or a field of an object, with the comma behind it.
type entry struct{ start, end int }

// A frame is a bracket that is open, during the search for holes.
type frame struct {
	start   int // start of the entry that the cursor is in
	hollow  bool
	filled  bool // the entry has something other than holes
	dropped []entry
	kept    int
}

// hollow returns the entries of a text that were not filled in: those with a hole, and those
// that contain only one such entry or, with whole set, only such entries.
func hollow(text string, whole bool) []entry {
	var all []entry
	stack := []frame{{}}
	closeEntry := func(end int) {
		f := &stack[len(stack)-1]
		switch {
		case f.hollow:
			f.dropped = append(f.dropped, entry{f.start, end})
		case f.filled:
			f.kept++
		}
		f.start, f.hollow, f.filled = end, false, false
	}
	walkDocuments(text, func(at, end int, kind byte) {
		f := &stack[len(stack)-1]
		switch kind {
		case 'h':
			f.hollow = true
		case 'w':
			f.filled = true
		case ',':
			closeEntry(end)
		case '{', '[':
			f.filled = true
			stack = append(stack, frame{start: end})
		case '}', ']':
			if len(stack) == 1 {
				return
			}
			closeEntry(at)
			inner := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if n := len(inner.dropped); inner.kept == 0 && len(stack) > 1 && (n == 1 || whole && n > 0) {
				stack[len(stack)-1].hollow = true // all of it goes
			} else {
				all = append(all, inner.dropped...)
			}
		}
	})
	return all
}

// Fill returns the text as it is run: with blanks in place of all that was not filled in, so
// that every other byte keeps its place.
func Fill(text string) string {
	if !strings.ContainsAny(text, "‹<") {
		return text
	}
	filled := []byte(text)
	for _, e := range hollow(text, true) {
		for i := e.start; i < e.end; i++ {
			if filled[i] != '\n' {
				filled[i] = ' '
			}
		}
	}
	return string(filled)
}

// Compact returns a filled text on as few lines as possible.
func Compact(text string) string {
	var rows []string
	for line := range strings.Lines(Fill(text)) {
		if line = strings.TrimSpace(line); line != "" {
			rows = append(rows, line)
		}
	}
	return strings.Join(rows, " ")
}

// withHoles returns spans with those of the holes over them; the hole under the cursor is
// marked.
func withHoles(spans []Span, l Line) []Span {
	holes := Holes(l.Text)
	if len(holes) == 0 {
		return spans
	}
	var all []Span
	for _, s := range spans {
		if !slices.ContainsFunc(holes, func(h Span) bool { return s.Start < h.End && h.Start < s.End }) {
			all = append(all, s)
		}
	}
	for _, h := range holes {
		if h.Start <= l.Cursor && l.Cursor < h.End {
			h.Style = Chosen
		}
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b Span) int { return a.Start - b.Start })
	return all
}
