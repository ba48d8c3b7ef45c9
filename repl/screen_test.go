package repl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hinshun/vt10x"

	"github.com/rpcctl/rpcctl/internal/palette"
)

// A window is a terminal that only shows.
type window struct {
	vt vt10x.Terminal
}

func (w *window) Write(p []byte) (int, error) { return w.vt.Write(p) }
func (w *window) size() (cols, rows int)      { return w.vt.Size() }

func newWindow(cols, rows int) (*window, *Screen) {
	w := &window{vt10x.New(vt10x.WithSize(cols, rows))}
	return w, &Screen{dev: w, colors: palette.NewScreen(false)}
}

// show is the window with the cursor as a block.
func (w *window) show() string {
	var lines []string
	cursor := w.vt.Cursor()
	for y, line := range strings.Split(strings.TrimSuffix(w.vt.String(), "\n"), "\n") {
		cells := []rune(line)
		if y == cursor.Y && cursor.X < len(cells) {
			cells[cursor.X] = '█'
		}
		lines = append(lines, strings.TrimRight(string(cells), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func draw(text string) view {
	l := parseLine(text)
	return view{prefix: "> ", line: l}
}

func TestScreen(t *testing.T) {
	for name, c := range map[string]struct {
		cols, rows int
		do         func(w *window, s *Screen)
		want       string
	}{
		"line":          {20, 5, func(_ *window, s *Screen) { s.draw(draw("ab|c")) }, "> ab█"},
		"several lines": {20, 5, func(_ *window, s *Screen) { s.draw(draw("{\n|a\n}")) }, "> {\n... █\n... }"},
		"wrapped":       {10, 5, func(_ *window, s *Screen) { s.draw(draw("0123456789abc|")) }, "> 01234567\n89abc█"},
		"full row":      {10, 5, func(_ *window, s *Screen) { s.draw(draw("01234567|")) }, "> 01234567\n█"},
		"drawn again":   {20, 5, func(_ *window, s *Screen) { s.draw(draw("{\n1\n2|")); s.draw(draw("x|")) }, "> x█"},
		"menu and hint": {20, 8, func(_ *window, s *Screen) {
			v := draw("a|")
			v.hint, v.menu, v.more = "a hint", []menuRow{{"one", "first", false}, {"three", "third", true}}, "… 3 more"
			s.draw(v)
		}, "> a█\na hint\n  one    first\n› three  third\n  … 3 more"},
		"menu gives way": {20, 3, func(_ *window, s *Screen) {
			v := draw("a|")
			v.hint, v.menu = "a hint", []menuRow{{"one", "", false}, {"two", "", false}, {"three", "", true}}
			s.draw(v)
		}, "> a█\n  two\n› three"},
		"text gives way": {20, 3, func(_ *window, s *Screen) { s.draw(draw("1\n2\n3\n4|\n5\n6")) }, "... 3\n... 4█\n... 5"},
		"print above": {20, 6, func(_ *window, s *Screen) {
			s.draw(draw("{\n|a"))
			s.Print("one\ntwo")
			s.Print("three\n")
		}, "one\ntwo\nthree\n> {\n... █"},
		"left": {20, 6, func(_ *window, s *Screen) {
			v := draw("a|b")
			v.hint, v.ghost = "gone", "gone"
			s.draw(v)
			s.leave(true, "")
			s.Print("result")
		}, "> ab\nresult\n█"},
		"left without a trace": {20, 6, func(_ *window, s *Screen) { s.draw(draw("ab|")); s.leave(false, "") }, "█"},
		"abandoned": {20, 6, func(_ *window, s *Screen) {
			s.draw(draw("ab|"))
			s.abandon(Line{"abc", 3}, "^C", "below")
		}, "> abc^C\nbelow\n> █"},
		"narrower": {20, 8, func(w *window, s *Screen) {
			s.draw(draw("0123456789abc|d"))
			s.Print("above")
			w.vt.Resize(20, 8)
			s.Resize()
		}, "above\n> 0123456789abc█"},
		"status": {20, 4, func(w *window, s *Screen) {
			s.Status("running")
			s.Status("still running")
			_, _ = s.Output(w).Write([]byte("out\r\n"))
		}, "out\n█"},
		"controls": {30, 4, func(_ *window, s *Screen) { s.draw(draw("a\x1b[31mb\u202ec|")) }, `> a\u{1b}[31mb\u{202e}c█`},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := newWindow(c.cols, c.rows)
			c.do(w, s)
			if diff := cmp.Diff(c.want, w.show()); diff != "" {
				t.Errorf("%s\n%s", diff, w.show())
			}
		})
	}
}

func TestStyles(t *testing.T) {
	p := palette.NewScreen(true)
	l := newLayout(40, "")
	l.add("list x", Plain, []Span{{0, 4, Name}, {5, 6, Wrong}}, -1)
	if got, want := l.rows[0].string(p, 99), "\x1b[0;1mlist\x1b[m \x1b[0;4;31mx\x1b[m"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := l.rows[0].string(palette.NewScreen(false), 99); strings.Contains(got, "31") {
		t.Errorf("colour without colours: %q", got)
	}
}
