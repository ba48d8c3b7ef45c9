package repl

import (
	"encoding/json"
	"strings"
)

// holeKey handles an event in a text with holes. It returns false for an event with its usual
// meaning.
func (e *Editor) holeKey(key Key, text string) bool {
	if !strings.ContainsAny(e.line.Text, "‹<") {
		return false
	}
	at, on := e.line.hole()
	switch key {
	case "Tab":
		return e.holeTab(at, on)
	case "S-Tab":
		return e.moved(e.line.nextHole(false))
	case "Up", "C-p":
		return e.recall == nil && e.moved(e.line.holeRow(true))
	case "Down", "C-n":
		return e.recall == nil && e.moved(e.line.holeRow(false))
	case "":
		return e.typedAtHole(at, on, text)
	case keyPaste:
		if on = on && len(text) <= pasteLimit; on {
			e.fillHole(at, text)
		}
		return on
	case "C-d":
		if on {
			e.line = e.line.dropEntry(at)
		}
		return on
	}
	return false
}

// typedAtHole inserts a text that was typed: into the hole under the cursor, or over the quote
// that ends what was typed into one.
func (e *Editor) typedAtHole(at Span, on bool, text string) bool {
	switch {
	case on:
		e.fillHole(at, text)
	case text == `"` && e.closing > 0 && len(e.line.After()) == e.closing:
		e.line.Cursor++ // the quote is there
	default:
		return false
	}
	return true
}

// holeTab unfolds the hole under the cursor, opens the menu for it, or goes to the next one.
func (e *Editor) holeTab(at Span, on bool) bool {
	if !on {
		if len(Holes(e.line.Text)) == 0 || e.opts.completes(e.line) {
			return false
		}
		return e.moved(e.line.nextHole(true))
	}
	if e.opts.Unfold != nil {
		if text, ok := e.opts.Unfold(e.line); ok {
			l, more := e.line.another(at)
			e.line = l.Replace(at.Start, at.End, text+more).moveTo(at.Start).holeFrom(at.Start)
			return true
		}
	}
	if e.opts.Complete != nil && e.line != e.passed {
		start := e.line
		var more string
		e.line, more = e.line.another(at)
		without := start.Replace(at.Start, at.End, more).moveTo(at.Start)
		if c := e.opts.Complete(without); len(c.Items) > 0 {
			e.line = without
			e.openMenu(c, start)
			return true
		}
	}
	return e.moved(e.line.nextHole(true))
}

// moved sets a line whose cursor has moved, if ok.
func (e *Editor) moved(l Line, ok bool) bool {
	if ok {
		e.line = l
	}
	return ok
}

// fillHole replaces a hole by what was typed, in quotes when the hole needs them.
func (e *Editor) fillHole(at Span, text string) {
	name := HoleName(e.line.Text, at)
	l, more := e.line.another(at)
	e.line = l.Replace(at.Start, at.End, more).moveTo(at.Start)
	if e.opts.Quoted == nil || !e.opts.Quoted(name) || strings.HasPrefix(text, `"`) || strings.HasPrefix(text, "'") ||
		strings.HasPrefix(text, "$") {
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

// holeBehind puts a hole, and the cursor on it, behind a key that was chosen in a text with
// holes.
func (e *Editor) holeBehind() {
	if e.opts.Blank == nil || len(Holes(e.line.Text)) == 0 || !strings.HasSuffix(e.line.Before(), `": `) {
		return
	}
	if rest := strings.TrimLeft(e.line.After(), " \n"); strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, "}") {
		at := e.line.Cursor
		e.line = e.line.Insert(e.opts.Blank(e.line)).moveTo(at).holeFrom(at)
	}
}
