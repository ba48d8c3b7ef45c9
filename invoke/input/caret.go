package input

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// tabStop is how far apart terminals set their tab stops.
const tabStop = 8

// minExcerpt is the least width of an excerpt, in columns: less shows nothing of use.
const minExcerpt = 16

// A cell is a piece of a line as it is shown.
type cell struct {
	text string
	col  int // where it begins
	cols int // how wide it is
}

// Caret returns the line and, under the fault, a line of marks, with a newline between
// them and none at the end. Neither is wider than width columns (at least 16): a long
// line is cut around the fault. Tabs are spaces, and control and direction characters
// escapes, so that the marks stand right wherever it is printed. It returns "" when the
// place has no text.
func (p *Place) Caret(width int) string {
	if p.Text == "" {
		return ""
	}
	cells, from, to := layout(p.Text, p.Start, p.End)
	total := from
	if n := len(cells); n > 0 {
		total = cells[n-1].col + cells[n-1].cols
	}
	if to == from {
		to++
	}
	room := max(width, minExcerpt)
	left, right := 0, max(total, to)
	if right > room || p.CutLeft || p.CutRight {
		room -= 2 // for the two ellipses
		mark := min(to-from, room)
		left = max(0, min(from-(room-mark)/2, right-room))
		right = left + room
	}
	return draw(cells, left, right, from, to, p.CutLeft, p.CutRight)
}

// draw writes the cells between two columns and the marks under from up to to.
func draw(cells []cell, left, right, from, to int, cutLeft, cutRight bool) string {
	var line, marks strings.Builder
	shift := left
	if left > 0 || cutLeft {
		line.WriteString("…")
		shift--
	}
	// A wide character on the edge is left out, and its column stays empty; so is what the
	// ellipsis would cover.
	first := true
	for _, c := range cells {
		switch {
		case c.col < left, first && c.cols == 0 && shift < left:
		case c.col+c.cols > right:
			cutRight = true
		default:
			if first {
				line.WriteString(strings.Repeat(" ", c.col-left))
				first = false
			}
			line.WriteString(c.text)
		}
	}
	if cutRight {
		line.WriteString("…")
	}
	begin := max(from, left)
	marks.WriteString(strings.Repeat(" ", begin-shift))
	marks.WriteString(strings.Repeat("~", max(1, min(to, right)-begin)))
	return line.String() + "\n" + marks.String()
}

// layout cuts a line into cells. It also returns the columns of the bytes start and end.
func layout(text string, start, end int) (cells []cell, from, to int) {
	col, joined := 0, false
	from, to = -1, -1
	for i, n := 0, 0; i < len(text); i += n {
		r, size := utf8.DecodeRuneInString(text[i:])
		n = size
		if i >= start && from < 0 {
			from = col
		}
		if i >= end && to < 0 {
			to = col
		}
		shown, cols := glyph(text[i:i+n], r, col)
		if joined && r != utf8.RuneError && unicode.Is(unicode.So, r) {
			cols = 0 // a picture behind a joiner is drawn over the one before
		}
		joined = r == zeroWidthJoiner
		cells = append(cells, cell{shown, col, cols})
		col += cols
	}
	if from < 0 {
		from = col
	}
	if to < 0 {
		to = col
	}
	return cells, from, to
}

const zeroWidthJoiner = '\u200d'

// glyph is how one rune is shown, and how many columns that takes.
func glyph(s string, r rune, col int) (string, int) {
	switch {
	case r == '\t':
		n := tabStop - col%tabStop
		return strings.Repeat(" ", n), n
	case r == utf8.RuneError && len(s) == 1:
		return "\ufffd", 1
	case hostile(r):
		e := escape(r)
		return e, len(e)
	case r == zeroWidthJoiner || r == '\u200c' || unicode.In(r, unicode.Mn, unicode.Me):
		return s, 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return s, 2
	}
	return s, 1
}

// hostile reports whether a rune must not reach a terminal: it is a control character, changes
// the direction of text, or cannot be seen.
func hostile(r rune) bool {
	switch {
	case transcode.Hidden(r):
		return true
	case r < 0x300, r == zeroWidthJoiner, r == '\u200c':
		return r == '\u00ad'
	}
	return unicode.Is(unicode.Cf, r)
}

func escape(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// clean returns s with nothing in it that a terminal would obey, on one line.
func clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return hostile(r) || r == utf8.RuneError }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hostile(r) {
			b.WriteString(escape(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
