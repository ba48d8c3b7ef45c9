package repl

import (
	"encoding/json"
	"slices"
	"strings"
)

// A hole is a place in a document that is to be filled in: ‹int32›, or <int32> where there are
// no signs beyond ASCII. It is one character to the cursor, typing replaces it, and what is
// not filled in is not there when the text is run: Fill takes it out.
const holeSigns = "‹›"

// Hole is the text of a hole.
func Hole(what string, ascii bool) string {
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

// HoleName is what stands in a hole.
func HoleName(text string, at Span) string {
	return strings.Trim(text[at.Start:at.End], "‹›<>")
}

// walkDocuments calls visit for what the documents in a text are made of: a hole, h; a string or
// another word, w; and { } [ ] , : themselves.
func walkDocuments(text string, visit func(at, end int, kind byte)) {
	depth := 0
	for i := 0; i < len(text); {
		c, end := text[i], i+1
		switch {
		case c == '"' || c == '\'':
			end = stringEnd(text, i)
			if depth > 0 {
				visit(i, end, 'w')
			}
		case c == '{' || c == '[':
			depth++
			visit(i, end, c)
		case depth == 0:
		case c == '}' || c == ']':
			depth--
			visit(i, end, c)
		case c == ',' || c == ':':
			visit(i, end, c)
		case strings.HasPrefix(text[i:], "//"):
			end = i + len(lineOf(text[i:]))
		case holeEnd(text, i) > 0:
			end = holeEnd(text, i)
			visit(i, end, 'h')
		case strings.IndexByte(" \t\r\n", c) < 0:
			for end < len(text) && strings.IndexByte(" \t\r\n,:{}[]\"'<", text[end]) < 0 && !strings.HasPrefix(text[end:], holeSigns[:3]) {
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

// stringEnd is where a string ends, which is on its line.
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

// holeEnd is where a hole ends that begins at i, 0 when none does. A secret that the history has
// left out is none.
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

// frame is a bracket that is open, while holes are looked for.
type frame struct {
	start   int // of the entry that the cursor is in
	hollow  bool
	filled  bool // the entry has something besides holes
	dropped []entry
	kept    int
}

// hollow are the entries of a text that nobody filled in: those with a hole, and what has
// nothing inside but one of them; where whole is set, or but any number.
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

// Fill is the text as it is run: blanks stand in place of all that was not filled in, so that
// every other byte keeps its place.
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

// Compact is a filled text on as few lines as it has words for.
func Compact(text string) string {
	var rows []string
	for line := range strings.Lines(Fill(text)) {
		if line = strings.TrimSpace(line); line != "" {
			rows = append(rows, line)
		}
	}
	return strings.Join(rows, " ")
}

// holeAt is the hole that the cursor stands on.
func (e *Editor) holeAt() (Span, bool) {
	for _, h := range Holes(e.line.Text) {
		if h.Start <= e.line.Cursor && e.line.Cursor < h.End {
			return h, true
		}
	}
	return Span{}, false
}

// holeKey handles an event in a text with holes. It returns false for one that means what it
// always does.
func (e *Editor) holeKey(key Key, text string) bool {
	if !strings.ContainsAny(e.line.Text, "‹<") {
		return false
	}
	at, on := e.holeAt()
	switch {
	case key == "Tab":
		return e.holeTab(at, on)
	case key == "S-Tab":
		return e.jump(false)
	case key == "" && on:
		e.fillHole(at, text)
	case key == "" && text == `"` && e.closing > 0 && len(e.line.After()) == e.closing:
		e.line.Cursor++ // over the quote that is there already
	case key == keyPaste && on && len(text) <= pasteLimit:
		e.fillHole(at, text)
	case key == "C-d" && on:
		e.dropEntry(at)
	case key == "Up" || key == "Down" || key == "C-p" || key == "C-n":
		return e.holeRow(key == "Up" || key == "C-p")
	default:
		return false
	}
	return true
}

// holeTab unfolds the hole under the cursor, opens the menu for it, or goes to the next one.
func (e *Editor) holeTab(at Span, on bool) bool {
	if !on {
		if len(Holes(e.line.Text)) == 0 || e.completes() {
			return false
		}
		return e.jump(true)
	}
	if e.opts.Unfold != nil {
		if text, ok := e.opts.Unfold(e.line); ok {
			start := at.Start
			e.line = e.line.Replace(at.Start, at.End, text+e.another(at)).at(start)
			e.jumpFrom(start)
			return true
		}
	}
	if e.opts.Complete != nil && e.line != e.passed {
		start := e.line
		more := e.another(at)
		without := start.Replace(at.Start, at.End, more).at(at.Start)
		if c := e.opts.Complete(without); len(c.Items) > 0 {
			e.line = without
			e.openMenu(c, start)
			return true
		}
	}
	return e.jump(true)
}

// completes tells whether Tab is about what is being typed: something has begun, and is not yet
// what it could become.
func (e *Editor) completes() bool {
	if e.opts.Complete == nil {
		return false
	}
	c := e.opts.Complete(e.line)
	if c.From >= e.line.Cursor || len(c.Items) == 0 {
		return false
	}
	typed := e.line.Text[c.From:e.line.Cursor]
	for _, item := range c.Items {
		if strings.TrimRight(item.Text, `" `) == strings.TrimRight(typed, `" `) {
			return false
		}
	}
	return true
}

// jump goes to the next hole, or the one before, around the ends.
func (e *Editor) jump(forward bool) bool {
	holes := Holes(e.line.Text)
	if len(holes) == 0 {
		return false
	}
	to := holes[0].Start
	if !forward {
		to = holes[len(holes)-1].Start
	}
	for _, h := range holes {
		if forward && h.Start > e.line.Cursor {
			to = h.Start
			break
		}
		if !forward && h.Start < e.line.Cursor {
			to = h.Start
		}
	}
	if !forward && holes[0].Start >= e.line.Cursor {
		to = holes[len(holes)-1].Start
	}
	e.line.Cursor = to
	return true
}

// holeRow goes a line up or down, and on it to its hole.
func (e *Editor) holeRow(up bool) bool {
	if e.recall != nil {
		return false
	}
	l, ok := e.line.down()
	if up {
		l, ok = e.line.up()
	}
	if !ok {
		return false
	}
	for _, h := range Holes(l.Text) {
		if h.Start >= l.rowStart() && h.End <= l.rowEnd() {
			l.Cursor = h.Start
			break
		}
	}
	e.line = l
	return true
}

// fillHole puts what was typed in place of a hole: in quotes where it wants them.
func (e *Editor) fillHole(at Span, text string) {
	name, more := HoleName(e.line.Text, at), e.another(at)
	e.line = e.line.Replace(at.Start, at.End, more).at(at.Start)
	if e.opts.Quoted == nil || !e.opts.Quoted(name) || strings.HasPrefix(text, `"`) || strings.HasPrefix(text, "'") || strings.HasPrefix(text, "$") {
		e.line = e.line.Insert(text)
		return
	}
	quoted, err := json.Marshal(text)
	if err != nil { // a string always can be
		quoted = []byte(`"` + text + `"`)
	}
	e.line = e.line.Insert(string(quoted))
	e.line.Cursor--
	e.closing = len(e.line.After())
}

// another is what goes behind a hole when it is filled in, as the last one of a list or map: one
// more like it.
func (e *Editor) another(at Span) string {
	hole, rest := e.line.Text[at.Start:at.End], strings.TrimLeft(e.line.Text[at.End:], " \n")
	before := strings.TrimRight(e.line.Text[:at.Start], " \n")
	switch {
	case strings.HasPrefix(rest, "]") && (strings.HasSuffix(before, "[") || strings.HasSuffix(before, ",")):
		return ", " + hole
	case strings.HasPrefix(rest, ": "):
		n := len(e.line.Text) - len(rest) + 2
		end := holeEnd(e.line.Text+" ", n)
		if end > 0 && strings.HasPrefix(e.line.Text[end:], "}") {
			value := e.line.Text[n:end]
			e.line.Text = e.line.Text[:end] + ", " + hole + ": " + value + e.line.Text[end:]
		}
	}
	return ""
}

// holeBehind puts a hole behind a key that was chosen in a text with holes, and the cursor on it.
func (e *Editor) holeBehind() {
	if e.opts.Blank == nil || len(Holes(e.line.Text)) == 0 || !strings.HasSuffix(e.line.Before(), `": `) {
		return
	}
	if rest := strings.TrimLeft(e.line.After(), " \n"); strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, "}") {
		at := e.line.Cursor
		e.line = e.line.Insert(e.opts.Blank(e.line)).at(at)
		e.jumpFrom(at)
	}
}

// jumpFrom goes to the first hole from a place on.
func (e *Editor) jumpFrom(at int) {
	for _, h := range Holes(e.line.Text) {
		if h.Start >= at {
			e.line.Cursor = h.Start
			return
		}
	}
}

// dropEntry takes the field or element of a hole away, which has a line of its own.
func (e *Editor) dropEntry(at Span) {
	for _, h := range hollow(e.line.Text, false) {
		if h.start <= at.Start && at.End <= h.end {
			e.line = e.line.Replace(h.start, h.end, "")
			e.jump(true)
			return
		}
	}
	e.line = e.line.Replace(at.Start, at.End, "")
}

// withHoles are spans with those of the holes over them; the one under the cursor is marked.
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
