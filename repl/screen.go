package repl

import (
	"io"
	"strings"
	"sync"

	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/internal/width"
)

// A device is what a screen needs of the terminal.
type device interface {
	io.Writer
	size() (cols, rows int)
}

// A view is what there is to draw while a prompt is open.
type view struct {
	prefix      string
	prefixStyle Style
	line        Line
	spans       []Span
	ghost       string // behind the text
	hint        string // below the text
	hintStyle   Style
	menu        []menuRow
	more        string // last row of the menu
}

type menuRow struct {
	text, about string
	selected    bool
}

// A Screen draws the prompt and all that is printed above it. Its methods may be called from
// any goroutine; each change is one write.
type Screen struct {
	dev    device
	colors *palette.Palette
	ascii  bool // no signs beyond ASCII

	mu     sync.Mutex
	open   bool // a prompt is there
	view   view
	rows   []row // as drawn
	y, x   int   // the position of the cursor, in rows drawn and columns
	cols   int   // columns of the window when it was drawn
	status string
}

// draw shows a view in place of the last one.
func (s *Screen) draw(v view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view, s.open = v, true
	var b strings.Builder
	s.erase(&b)
	s.render(&b)
	s.send(b.String())
}

// send writes a change so that the terminal shows it at once.
func (s *Screen) send(change string) {
	// a terminal that is gone is noticed by its reader
	_, _ = io.WriteString(s.dev, codeSyncOn+codeHideCursor+change+codeShowCursor+codeSyncOff)
}

// erase moves to where the drawing begins and clears from there.
func (s *Screen) erase(b *strings.Builder) {
	up(b, s.y)
	b.WriteString("\r" + codeEraseDown)
	s.rows, s.y, s.x = nil, 0, 0
}

// render draws the view from the cursor on.
func (s *Screen) render(b *strings.Builder) {
	cols, height := s.dev.size()
	l := newLayout(cols, "... ")
	s.cols = cols
	v := &s.view
	l.add(v.prefix, v.prefixStyle, nil, -1)
	l.add(v.line.Text, Plain, v.spans, v.line.Cursor)
	if v.ghost != "" {
		l.add(v.ghost, Dim, nil, -1)
	}
	rows, y := clip(l.rows, l.y, height-v.besides(height))
	room := height - len(rows)
	if v.hint != "" && room > 0 && height >= 6 {
		hint := newLayout(cols, "")
		hint.add(width.Truncate(v.hint, cols-1, s.ellipsis()), v.hintStyle, nil, -1)
		rows = append(rows, hint.rows...)
		room--
	}
	rows = append(rows, s.menuRows(cols, room)...)
	for i, r := range rows {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(r.string(s.colors, len(r.cells)))
	}
	up(b, len(rows)-1-y)
	// The cursor is placed by writing the text before it once more, since terminals differ in
	// the width of some characters.
	b.WriteString("\r" + rows[y].string(s.colors, l.x))
	s.rows, s.y, s.x = rows, y, 0
	for _, c := range rows[y].cells[:l.x] {
		s.x += c.width
	}
}

// besides returns how many rows of a window are reserved for the menu and the hint, however
// long the text is: none in a small window.
func (v *view) besides(height int) int {
	if len(v.menu) == 0 || height < 12 {
		return 0
	}
	return min(len(v.menu)+2, height/2)
}

// clip cuts rows to the height of the window, around the one with the cursor.
func clip(rows []row, y, height int) ([]row, int) {
	if len(rows) <= height {
		return rows, y
	}
	from := min(max(0, y-height/2), len(rows)-height)
	return append([]row(nil), rows[from:from+height]...), y - from
}

// leave ends the prompt. With keep, the text stays on the screen without the hint and the
// menu, and with tail behind it; otherwise nothing stays.
func (s *Screen) leave(keep bool, tail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return
	}
	var b strings.Builder
	s.erase(&b)
	if keep {
		s.commit(&b, tail)
	}
	s.open = false
	s.send(b.String())
}

// commit writes the text for good, whatever the height of the window.
func (s *Screen) commit(b *strings.Builder, tail string) {
	l := newLayout(s.cols, "... ")
	l.add(s.view.prefix, s.view.prefixStyle, nil, -1)
	l.add(s.view.line.Text, Plain, s.view.spans, -1)
	l.add(tail, Dim, nil, -1)
	for _, r := range l.rows {
		b.WriteString(r.string(s.colors, len(r.cells)) + "\r\n")
	}
}

// Print writes text above the prompt, or where the cursor is when there is no prompt. Text
// from outside must have been cleaned: text may not move the cursor. Print adds a missing line
// feed at the end.
func (s *Screen) Print(text string) {
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	text = strings.ReplaceAll(text, "\n", "\r\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	if !s.open {
		s.clearStatus(&b)
		_, _ = io.WriteString(s.dev, b.String()+text)
		return
	}
	s.erase(&b)
	b.WriteString(text)
	s.render(&b)
	s.send(b.String())
}

// abandon prints a line with a tail behind it, and a text below, as if it had been accepted.
// The prompt stays open.
func (s *Screen) abandon(l Line, tail, below string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	s.erase(&b)
	if s.view.line != l {
		s.view.line, s.view.spans = l, nil
	}
	s.commit(&b, tail)
	if below != "" {
		b.WriteString(s.colors.Paint(palette.Faint, below) + "\r\n")
	}
	s.view.line, s.view.spans, s.view.ghost, s.view.hint, s.view.menu = Line{}, nil, "", "", nil
	s.render(&b)
	s.send(b.String())
}

// Resize draws again after the size of the window has changed. Terminals break rows that have
// become too long, so the drawing may take more rows than before.
func (s *Screen) Resize() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return
	}
	cols, _ := s.dev.size()
	y := s.x / cols
	for _, r := range s.rows[:min(s.y, len(s.rows))] {
		y += max(1, (r.width+cols-1)/cols)
	}
	s.y = y
	var b strings.Builder
	s.erase(&b)
	s.render(&b)
	s.send(b.String())
}

// redraw draws the same view again, on a clean window.
func (s *Screen) redraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	b.WriteString(codeClear)
	s.y = 0
	s.render(&b)
	s.send(b.String())
}

// FreshLine moves to the beginning of a line: the next one, when a program has left the cursor
// inside of a line. Blanks up to the edge of the window find that out.
func (s *Screen) FreshLine() {
	s.mu.Lock()
	defer s.mu.Unlock()
	cols, _ := s.dev.size()
	_, _ = io.WriteString(s.dev, strings.Repeat(" ", cols-1)+"\r"+codeEraseDown)
}

// Status shows a row until the next output, while no prompt is open. An empty text removes it.
func (s *Screen) Status(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open || text == s.status {
		return
	}
	var b strings.Builder
	s.clearStatus(&b)
	if text != "" {
		cols, _ := s.dev.size()
		b.WriteString(s.colors.Paint(palette.Faint, width.Truncate(text, cols-1, s.ellipsis())))
		s.status = text
	}
	_, _ = io.WriteString(s.dev, b.String())
}

func (s *Screen) clearStatus(b *strings.Builder) {
	if s.status != "" {
		b.WriteString("\r" + codeEraseDown)
		s.status = ""
	}
}

// Output returns a writer that removes the status row before it writes to w.
func (s *Screen) Output(w io.Writer) io.Writer { return statusWriter{s, w} }

type statusWriter struct {
	s *Screen
	w io.Writer
}

func (o statusWriter) Write(p []byte) (int, error) {
	o.s.Status("")
	return o.w.Write(p)
}

// Styled returns text in a style, as this screen shows it.
func (s *Screen) Styled(style Style, text string) string { return s.colors.Paint(roles[style], text) }

// Size is the size of the window, in columns and rows.
func (s *Screen) Size() (cols, rows int) { return s.dev.size() }

// ASCII reports whether only ASCII is to be used.
func (s *Screen) ASCII() bool { return s.ascii }

func up(b *strings.Builder, n int) {
	if n > 0 {
		b.WriteString("\x1b[" + itoa(n) + "A")
	}
}
