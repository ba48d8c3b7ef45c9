package repl

import (
	"strings"

	"github.com/rpcctl/rpcctl/internal/width"
)

// menuRows sets the menu, as far as there is room.
func (s *Screen) menuRows(cols, room int) []row {
	menu := s.view.menu
	if len(menu) == 0 || room < 1 {
		return nil
	}
	if len(menu) > room { // around the selected one
		sel := 0
		for i, m := range menu {
			if m.selected {
				sel = i
			}
		}
		from := min(max(0, sel-room/2), len(menu)-room)
		menu = menu[from : from+room]
	}
	wide := 0
	for _, m := range menu {
		wide = max(wide, width.Of(m.text))
	}
	wide = min(wide, max(8, cols*2/3))
	var rows []row
	for _, m := range menu {
		l := newLayout(cols, "")
		mark, style, about := "  ", Accent, Dim
		if m.selected {
			mark, style, about = s.pointer(), Chosen, Chosen
		}
		text := width.Truncate(m.text, wide, s.ellipsis())
		l.add(mark+text+strings.Repeat(" ", wide-width.Of(text)), style, nil, -1)
		if left := cols - wide - 6; left > 4 && m.about != "" {
			l.add("  "+width.Truncate(m.about, left, s.ellipsis()), about, nil, -1)
		}
		rows = append(rows, l.rows[0])
	}
	if s.view.more != "" && len(menu) < room {
		l := newLayout(cols, "")
		l.add("  "+width.Truncate(s.view.more, cols-3, ""), Dim, nil, -1)
		rows = append(rows, l.rows[0])
	}
	return rows
}

func (s *Screen) ellipsis() string {
	if s.ascii {
		return "..."
	}
	return "…"
}

func (s *Screen) pointer() string {
	if s.ascii {
		return "> "
	}
	return "› "
}
