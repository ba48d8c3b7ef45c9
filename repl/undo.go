package repl

import "strings"

// An undoStack keeps the lines before each change.
type undoStack struct {
	lines  []Line
	typing bool // the last change was typed text
}

// record keeps the line before a change. Characters that are typed one after the other are one
// change, up to a blank.
func (u *undoStack) record(before, after Line, ev event) {
	if after.Text == before.Text {
		return
	}
	typed := ev.key == ""
	if !typed || !u.typing || strings.ContainsAny(ev.text, " \n") {
		u.lines = append(u.lines, before)
	}
	u.typing = typed
}

// last removes the newest line and returns it, or now when there is none.
func (u *undoStack) last(now Line) Line {
	n := len(u.lines)
	if n == 0 {
		return now
	}
	before := u.lines[n-1]
	u.lines, u.typing = u.lines[:n-1], false
	return before
}
