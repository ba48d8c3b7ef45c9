package repl

import (
	"encoding/json"
	"strings"
)

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
