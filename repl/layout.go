package repl

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"

	"github.com/rpcctl/rpcctl/internal/palette"
)

// A Style is how a piece of text is shown.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Dim
	Good
	Bad
	Accent
	Name   // of a command, a method
	Field  // of a message
	Quoted // a string
	Scalar // a number, an enum value, true, false
	Marked // the bracket under the cursor and its partner
	Chosen // the selected row of the menu
	Wrong  // an unknown name
)

// roles are the roles of the styles in the palette.
var roles = [...]palette.Role{
	Plain: palette.Plain, Dim: palette.Faint, Good: palette.String, Bad: palette.Bad, Accent: palette.Key,
	Name: palette.Strong, Field: palette.Field,
	Quoted: palette.String, Scalar: palette.Number, Marked: palette.Matched, Chosen: palette.Chosen,
	Wrong: palette.Wrong,
}

// A Span is a range of bytes of a text and its style.
type Span struct {
	Start, End int
	Style      Style
}

// A cell is what is drawn as one character.
type cell struct {
	text  string
	width int // columns
	style Style
}

// A row is a line of the window. It ends before the last column would be passed.
type row struct {
	cells []cell
	width int
}

// string returns the first upTo cells of the row, with colours.
func (r row) string(colors *palette.Palette, upTo int) string {
	var b strings.Builder
	at := Plain
	for _, c := range r.cells[:min(upTo, len(r.cells))] {
		if c.style != at {
			b.WriteString(colors.Begin(roles[c.style]))
			at = c.style
		}
		b.WriteString(c.text)
	}
	if at != Plain {
		b.WriteString(colors.End())
	}
	return b.String()
}

// A layout is text set in rows, and the cell that the cursor stands on.
type layout struct {
	rows   []row
	y, x   int // the row of the cursor, and the number of cells before it
	margin string
	cols   int
}

func newLayout(cols int, margin string) *layout {
	return &layout{rows: make([]row, 1), cols: max(cols, 4), margin: margin}
}

// add appends text. cursor is the number of bytes before the cursor, -1 when it is elsewhere;
// spans are sorted and do not overlap.
func (l *layout) add(text string, style Style, spans []Span, cursor int) {
	for i, rest, state := 0, text, -1; rest != ""; {
		if i == cursor {
			l.mark()
		}
		var c string
		var width int
		c, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		for len(spans) > 0 && spans[0].End <= i {
			spans = spans[1:]
		}
		s := style
		if len(spans) > 0 && spans[0].Start <= i {
			s = spans[0].Style
		}
		l.put(c, width, s)
		i += len(c)
		if i > cursor && cursor > i-len(c) { // inside of a character
			l.mark()
		}
	}
	if cursor == len(text) {
		l.mark()
	}
}

// mark records that the cursor is here. A cursor behind the last column is on the next row.
func (l *layout) mark() {
	if l.rows[len(l.rows)-1].width >= l.cols {
		l.rows = append(l.rows, row{})
	}
	l.y = len(l.rows) - 1
	l.x = len(l.rows[l.y].cells)
}

// put appends one character.
func (l *layout) put(c string, width int, s Style) {
	if c == "\n" || c == "\r\n" {
		l.rows = append(l.rows, row{})
		for _, m := range l.margin {
			l.put(string(m), 1, Dim)
		}
		return
	}
	if c == "\t" {
		c, width = "  ", 2
	} else if shown := visible(c); shown != c {
		c, width = shown, len(shown)
	}
	r := &l.rows[len(l.rows)-1]
	if r.width+width > l.cols {
		l.rows = append(l.rows, row{})
		r = &l.rows[len(l.rows)-1]
	}
	r.cells = append(r.cells, cell{c, width, s})
	r.width += width
}

// visible returns a character as it can be shown: a character that a terminal would obey, or
// that would turn the direction of text, becomes an escape.
func visible(c string) string {
	for _, r := range c {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) || r == '\u2028' || r == '\u2029' {
			return fmt.Sprintf(`\u{%x}`, r)
		}
	}
	return c
}
