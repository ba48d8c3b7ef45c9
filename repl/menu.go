package repl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	prompt "github.com/c-bata/go-prompt"
)

// menuHeight is how many rows of a menu are shown at once; menuMax how many there are.
const (
	menuHeight = 8
	menuMax    = 100
)

// A Completion is what can replace the text from From up to the cursor.
type Completion struct {
	From  int
	Items []Candidate // the best first; each text once
	More  int         // how many more there are
	Note  string      // why there is nothing, or not everything, when that is worth saying
}

// A Candidate is a text to insert, and what it means.
type Candidate struct{ Text, About string }

// A menu is an open menu.
type menu struct {
	Completion
	start    Line // before the first Tab
	suggests []prompt.Suggest
	index    map[string]int // of the items, by the text of their suggestion
	selected int            // -1: none
}

// suggest is go-prompt's completer. It records the text that is about to be drawn.
func (e *Editor) suggest(d prompt.Document) []prompt.Suggest {
	e.shown = Line{d.Text, len(d.TextBeforeCursor())}
	if e.menu == nil {
		return nil
	}
	return e.menu.suggests
}

// complete handles the Tab key: it inserts what all candidates have in common and opens a
// menu.
func (e *Editor) complete() {
	if e.opts.Complete == nil {
		return
	}
	start := e.line
	c := e.opts.Complete(e.line)
	e.note = c.Note
	switch common := commonPrefix(c.Items); {
	case len(c.Items) == 0:
		if e.note == "" {
			e.note = "nothing to complete here"
		}
		return
	case len(c.Items) == 1 && c.More == 0:
		e.line = e.line.Replace(c.From, e.line.Cursor, c.Items[0].Text)
		return
	case c.More == 0 && len(common) > e.line.Cursor-c.From && // common to all candidates, and not only to the best
		strings.HasPrefix(common, e.line.Text[c.From:e.line.Cursor]):
		// a part of a quoted text may do harm
		if l := e.line.Replace(c.From, e.line.Cursor, common); Harmless(e.line.Text, l.Text) {
			e.line = l
		}
	}
	e.openMenu(c, start)
}

// openMenu shows a menu.
func (e *Editor) openMenu(c Completion, start Line) {
	if len(c.Items) > menuMax {
		c.More += len(c.Items) - menuMax
		c.Items = c.Items[:menuMax]
	}
	m := &menu{Completion: c, start: start, selected: -1, index: make(map[string]int, len(c.Items))}
	// go-prompt replaces the text between the last separator and the cursor. That is the range
	// when the separator is the character before it and does not occur in it; otherwise all of
	// the text is replaced.
	prefix, separator := "", noSeparator
	if c.From > 0 {
		_, size := utf8.DecodeLastRuneInString(e.line.Text[:c.From])
		left := e.line.Text[c.From-size : c.From]
		if strings.Contains(e.line.Text[c.From:e.line.Cursor], left) {
			prefix = e.line.Text[:c.From]
		} else {
			separator = left
		}
	}
	for i, item := range c.Items {
		m.suggests = append(m.suggests, prompt.Suggest{Text: prefix + item.Text, Description: item.About})
		m.index[strings.TrimSpace(prefix+item.Text)] = i
	}
	_ = prompt.OptionCompletionWordSeparator(separator)(e.prompt) // it only sets a field
	e.menu = m
	e.parser.setMenu(true)
}

func (e *Editor) closeMenu() {
	e.menu = nil
	e.parser.setMenu(false)
}

// refreshMenu keeps the menu open while what is typed narrows it.
func (e *Editor) refreshMenu(start Line) {
	c := e.opts.Complete(e.line)
	e.closeMenu()
	if len(c.Items) > 0 && c.From <= e.line.Cursor {
		e.openMenu(c, start)
	}
}

// present reads the rows of a frame: which are shown, and which is selected.
func (m *menu) present(texts []piece, v *view) {
	m.selected = -1
	shown := min(menuHeight, len(m.Items))
	if len(texts) < 3*shown {
		return
	}
	for i := range shown {
		at, ok := m.index[strings.TrimSpace(texts[3*i].text)]
		if !ok {
			continue
		}
		item := m.Items[at]
		v.menu = append(v.menu, menuRow{strings.TrimSpace(item.Text), item.About, texts[3*i].bold})
		if texts[3*i].bold {
			m.selected = at
		}
	}
	if more := len(m.Items) - shown + m.More; more > 0 {
		v.more = fmt.Sprintf("… %d more", more)
	}
	if m.selected >= 0 && m.From <= v.line.Cursor {
		v.line = v.line.Replace(m.From, v.line.Cursor, m.Items[m.selected].Text)
	}
}

// commonPrefix is what all candidates begin with.
func commonPrefix(items []Candidate) string {
	if len(items) == 0 {
		return ""
	}
	p := items[0].Text
	for _, it := range items[1:] {
		n := 0
		for n < len(p) && n < len(it.Text) && p[n] == it.Text[n] {
			n++
		}
		p = p[:n]
	}
	for !utf8.ValidString(p) {
		p = p[:len(p)-1]
	}
	return p
}
