package repl

import (
	"errors"
	"io"
	"strings"
)

// Fold returns the text with placeholders in place of long pastes, as it was typed: for a
// history.
func (e *Editor) Fold(text string) string { return e.pastes.folded(text) }

// Forget drops the pastes of a text that is no longer needed.
func (e *Editor) Forget() { e.pastes = nil }

// enter runs the text, or begins a new line where it is not complete.
func (e *Editor) enter() {
	text := e.pastes.expanded(e.line.Text)
	if e.opts.Incomplete == nil || e.force || !e.opts.Incomplete(text) {
		e.line = e.line.moveTo(len(e.line.Text))
		e.parser.inject(chunkEnter)
		return
	}
	row := e.line.Text[e.line.rowStart():e.line.rowEnd()]
	if e.line.rowStart() > 0 && strings.TrimSpace(row) == "" && e.line.rowEnd() == len(e.line.Text) {
		e.force = true
		e.note = "Enter again to run it as it is, Esc to go on"
		return
	}
	e.line = e.line.Insert("\n" + e.line.indent())
}

// cancel handles Ctrl-C: the text is dropped, and stays on the screen.
func (e *Editor) cancel() {
	if e.opts.Leave != nil && e.opts.Leave() {
		e.end(io.EOF, true)
		return
	}
	below := ""
	if e.line.Text == "" && e.opts.Cancel != nil {
		below = e.opts.Cancel()
	}
	if e.line.Text != "" {
		e.opts.History.Keep(e.line.Text)
	}
	e.abandon(e.line, "^C", below)
	e.line = Line{}
	e.pastes = nil
}

func (e *Editor) deleteOrLeave() {
	if e.line.Text == "" {
		e.end(io.EOF, true)
		return
	}
	e.line = e.line.deleteRight(e.pastes.atoms(e.line.Text))
}

// kill cuts a range.
func (e *Editor) kill(from, to int) {
	if from < to {
		e.killed = e.line.Text[from:to]
		e.line = e.line.Replace(from, to, "")
	}
}

// takeGhost takes the grey text, or its first word.
func (e *Editor) takeGhost(word bool) bool {
	ghost := e.opts.ghost(e.line)
	if ghost == "" {
		return false
	}
	end := len(ghost)
	if word {
		end = Line{ghost, 0}.wordRight()
	}
	e.line = e.line.Insert(ghost[:end])
	return true
}

// stop handles Ctrl-Z: the process is suspended, and goes on with the same text.
func (e *Editor) stop() {
	if e.opts.Background == nil || !e.opts.Background() {
		e.outside(e.term.suspend)
	}
}

// edit lets another program change the text.
func (e *Editor) edit() {
	if e.opts.Edit == nil {
		return
	}
	e.outside(func() error {
		text, err := e.opts.Edit(e.pastes.expanded(e.line.Text))
		if err == nil {
			e.line = Line{text, len(text)}
		}
		return err
	})
}

// outside runs a function with the terminal as it was found, and takes the terminal again.
func (e *Editor) outside(do func() error) {
	e.leave(false, "")
	_, perr := e.term.Write([]byte(codePasteOff))
	err := errors.Join(perr, e.term.restore(), do(), e.term.edit())
	_, perr = e.term.Write([]byte(codePasteOn))
	if err = errors.Join(err, perr); err != nil {
		e.note = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
}
