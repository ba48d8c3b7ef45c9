package repl

import (
	"slices"
	"strings"
)

// A binding is what a key does.
type binding struct {
	keys []Key
	does string // for help; "" when it need not be told
	run  func(e *Editor)
}

// bindings are the keys of the editor.
func bindings() []binding {
	return []binding{
		{[]Key{"Enter"}, "run, or a new line where the text is not complete", (*Editor).enter},
		{[]Key{"M-Enter"}, "a new line", func(e *Editor) { e.line = e.line.Insert("\n" + e.line.indent()) }},
		{[]Key{"Tab"}, "complete; again: move in the menu; in a request to fill in: unfold, choose, or go on", (*Editor).complete},
		{[]Key{"S-Tab"}, "move back in the menu, or to the place before", func(*Editor) {}},
		{[]Key{"Esc"}, "close the menu", func(e *Editor) { e.force = false }},
		{[]Key{"C-c"}, "drop the text; in a call: cancel it", (*Editor).cancel},
		{[]Key{"C-d"}, "leave, on an empty line; else delete", (*Editor).deleteOrLeave},
		{[]Key{"C-z"}, "suspend the shell; in a call: to the background", (*Editor).stop},
		{[]Key{"C-r"}, "search the history", (*Editor).beginSearch},
		{[]Key{"Up", "C-p"}, "a line up, or the history that begins with what is typed", (*Editor).older},
		{[]Key{"Down", "C-n"}, "a line down, or newer history", (*Editor).newer},
		{[]Key{"Left", "C-b"}, "", func(e *Editor) { e.line = e.line.moveTo(e.line.charBefore(e.pastes.atoms(e.line.Text))) }},
		{[]Key{"Right", "C-f"}, "right; at the end: take the grey text", func(e *Editor) {
			if !e.takeGhost(false) {
				e.line = e.line.moveTo(e.line.right(e.pastes.atoms(e.line.Text)))
			}
		}},
		{[]Key{"C-Left", "M-Left", "M-b"}, "a word left", func(e *Editor) { e.line = e.line.moveTo(e.line.wordLeft()) }},
		{[]Key{"C-Right", "M-Right", "M-f"}, "a word right; at the end: a word of the grey text", func(e *Editor) {
			if !e.takeGhost(true) {
				e.line = e.line.moveTo(e.line.wordRight())
			}
		}},
		{[]Key{"Home", "C-a"}, "to the start of the line", func(e *Editor) { e.line = e.line.moveTo(e.line.rowStart()) }},
		{[]Key{"End", "C-e"}, "to the end of the line; there: take the grey text", func(e *Editor) {
			if !e.takeGhost(false) {
				e.line = e.line.moveTo(e.line.rowEnd())
			}
		}},
		{[]Key{"M-<", "C-Home"}, "to the start of the text", func(e *Editor) { e.line = e.line.moveTo(0) }},
		{[]Key{"M->", "C-End"}, "to the end of the text", func(e *Editor) { e.line = e.line.moveTo(len(e.line.Text)) }},
		{[]Key{"Backspace"}, "", func(e *Editor) {
			e.line = e.line.Replace(e.line.charBefore(e.pastes.atoms(e.line.Text)), e.line.Cursor, "")
		}},
		{[]Key{"Delete"}, "", func(e *Editor) { e.line = e.line.deleteRight(e.pastes.atoms(e.line.Text)) }},
		{[]Key{"C-w"}, "cut the word before the cursor, up to a blank", func(e *Editor) { e.kill(e.line.blankLeft(), e.line.Cursor) }},
		{[]Key{"M-Backspace"}, "cut the word before the cursor", func(e *Editor) { e.kill(e.line.wordLeft(), e.line.Cursor) }},
		{[]Key{"M-d"}, "cut the word after the cursor", func(e *Editor) { e.kill(e.line.Cursor, e.line.wordRight()) }},
		{[]Key{"C-k"}, "cut up to the end of the line", func(e *Editor) { e.kill(e.line.Cursor, e.line.rowEnd()) }},
		{[]Key{"C-u"}, "cut back to the start of the line", func(e *Editor) { e.kill(e.line.rowStart(), e.line.Cursor) }},
		{[]Key{"C-y"}, "put back what was cut", func(e *Editor) { e.line = e.line.Insert(e.killed) }},
		{[]Key{"C-_"}, "undo", func(e *Editor) { e.line = e.undo.last(e.line) }},
		{[]Key{"C-l"}, "clear the window", func(e *Editor) { e.redraw() }},
		{[]Key{"C-x C-e"}, "edit the text in $EDITOR", (*Editor).edit},
	}
}

// A Help says what a key does.
type Help struct{ Keys, Does string }

// KeyHelp says what the keys of every editor do.
func KeyHelp() []Help {
	var help []Help
	for _, b := range bindings() {
		if b.does == "" {
			continue
		}
		var names []string
		for _, k := range b.keys {
			names = append(names, k.String())
		}
		help = append(help, Help{strings.Join(names, ", "), b.does})
	}
	return help
}

// String is the name of the key as help shows it: Ctrl-A, Alt-B.
func (k Key) String() string {
	s := string(k)
	s = strings.ReplaceAll(strings.ReplaceAll(s, "C-", "Ctrl-"), "M-", "Alt-")
	return strings.ReplaceAll(s, "S-", "Shift-")
}

// handle does what an event asks for.
func (e *Editor) handle(ev event) {
	e.note = ""
	if e.search != nil && e.searchKey(ev) || e.menuKey(ev) {
		return
	}
	before, open := e.line, e.menu
	e.forget(ev)
	if open != nil && open.selected < 0 && len(Holes(open.start.Text)) > len(Holes(e.line.Text)) {
		e.line = open.start // the hole of the menu stays until something replaces it
	}
	e.closeMenu()
	e.run(ev)
	if ev.key != "C-_" {
		e.undo.record(before, e.line, ev)
	}
	e.narrow(ev, open)
}

// menuKey handles an event that has a meaning for the open menu only: Esc restores the text,
// and Enter keeps the chosen candidate. It returns false for all other events.
func (e *Editor) menuKey(ev event) bool {
	switch {
	case e.menu == nil:
		return false
	case ev.key == "Esc":
		e.line, e.passed = e.menu.start, e.menu.start
		e.closeMenu()
	case ev.key == "Enter" && e.menu.selected >= 0: // go-prompt has just inserted the candidate
		e.closeMenu()
		e.holeBehind()
	default:
		return false
	}
	return true
}

// forget drops what lasts only until the next key.
func (e *Editor) forget(ev event) {
	switch ev.key {
	case "Up", "Down", "C-p", "C-n":
	default:
		e.recall = nil
	}
	if ev.key != "Enter" && ev.key != "C-c" {
		e.force = false
	}
}

// narrow opens the menu again after text was typed or deleted, when it was open with nothing
// chosen. It also opens the menu by itself when the options ask for that.
func (e *Editor) narrow(ev event, open *menu) {
	typed := ev.key == ""
	if !typed && ev.key != "Backspace" || e.menu != nil || e.opts.Complete == nil {
		return
	}
	switch {
	case open != nil && (open.selected < 0 || e.opts.Live && typed):
		e.refreshMenu(open.start)
	case open == nil && e.opts.Live && typed:
		e.refreshMenu(e.line)
	}
}

// run runs the function of an event.
func (e *Editor) run(ev event) {
	key := ev.key
	if e.chord != "" {
		key, e.chord = e.chord+" "+key, ""
		if ev.key == "" {
			key += Key(ev.text)
		}
	}
	switch {
	case e.holeKey(key, ev.text):
		return
	case key == "":
		e.line = e.line.typed(ev.text)
		return
	case key == keyPaste:
		e.line = e.line.Insert(e.pastes.fold(ev.text))
		return
	case key == "C-x":
		e.chord = key
		return
	}
	if fn, ok := e.opts.Keys[key]; ok {
		line, above := fn(e.line)
		e.line = line
		if above != "" {
			e.Print(above)
		}
		return
	}
	for _, b := range bindings() {
		if slices.Contains(b.keys, key) {
			b.run(e)
			return
		}
	}
}
