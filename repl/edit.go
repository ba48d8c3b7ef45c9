package repl

import (
	"errors"
	"fmt"
	"strings"
)

// pasteLimit is the length of a paste, in bytes, beyond which a placeholder stands for it:
// go-prompt goes over the whole text many times for each key.
const pasteLimit = 8 << 10

// A paste is a text that is kept aside, and what stands for it.
type paste struct{ mark, text string }

// insert puts typed text into the line.
func (e *Editor) insert(s string) {
	if strings.HasPrefix(s, "}") || strings.HasPrefix(s, "]") {
		e.line = e.line.outdent()
	}
	e.line = e.line.Insert(s)
}

// paste puts a paste into the line. It is never run.
func (e *Editor) paste(s string) {
	s = strings.TrimRight(s, "\n")
	if len(s) > pasteLimit {
		mark := fmt.Sprintf(pasteMark+"%d: %s, %d lines]", len(e.pastes)+1, sizeOf(len(s)), strings.Count(s, "\n")+1)
		e.pastes = append(e.pastes, paste{mark, s})
		s = mark
	}
	e.line = e.line.Insert(s)
}

func sizeOf(n int) string {
	if n < 10<<20 {
		return fmt.Sprintf("%d KB", (n+1023)>>10)
	}
	return fmt.Sprintf("%d MB", n>>20)
}

// atoms are the texts that are one character to the cursor.
func (e *Editor) atoms() []string {
	var marks []string
	for _, p := range e.pastes {
		marks = append(marks, p.mark)
	}
	for _, h := range Holes(e.line.Text) {
		marks = append(marks, e.line.Text[h.Start:h.End])
	}
	return marks
}

// expand puts pastes in place of what stands for them.
func (e *Editor) expand(text string) string {
	for _, p := range e.pastes {
		text = strings.Replace(text, p.mark, p.text, 1)
	}
	return text
}

// Fold is the text with placeholders in place of great pastes, as it was typed: for a history.
func (e *Editor) Fold(text string) string {
	for _, p := range e.pastes {
		text = strings.Replace(text, p.text, p.mark, 1)
	}
	return text
}

// Forget drops the pastes of a text that is done with.
func (e *Editor) Forget() { e.pastes = nil }

// enter runs the text, or begins a new line where it is not complete.
func (e *Editor) enter() {
	text := e.expand(e.line.Text)
	if e.opts.Incomplete == nil || e.force || !e.opts.Incomplete(text) {
		e.line = e.line.at(len(e.line.Text))
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

// cancel is Ctrl-C: the text is dropped, and stays on the screen.
func (e *Editor) cancel() {
	if e.opts.Leave != nil && e.opts.Leave() {
		e.leaveEOF()
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
		e.leaveEOF()
		return
	}
	e.deleteRight()
}

func (e *Editor) deleteRight() {
	e.line = e.line.at(e.line.Cursor).Replace(e.line.Cursor, e.line.right(e.atoms()), "")
}

// kill cuts a range.
func (e *Editor) kill(from, to int) {
	if from < to {
		e.killed = e.line.Text[from:to]
		e.line = e.line.Replace(from, to, "")
	}
}

// takeBack undoes the last change.
func (e *Editor) takeBack() {
	if n := len(e.undo); n > 0 {
		e.line = e.undo[n-1]
		e.undo = e.undo[:n-1]
		e.typing = false
	}
}

// takeGhost takes the grey text, or its first word.
func (e *Editor) takeGhost(word bool) bool {
	ghost := e.ghost(e.line)
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

// stop is Ctrl-Z: the process is suspended, and goes on with the text as it was.
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
		text, err := e.opts.Edit(e.expand(e.line.Text))
		if err == nil {
			e.line = Line{text, len(text)}
		}
		return err
	})
}

// outside does something with the terminal as it was found, and takes it again.
func (e *Editor) outside(do func() error) {
	e.leave(false, "")
	_, perr := e.term.Write([]byte(codePasteOff))
	err := errors.Join(perr, e.term.restore(), do(), e.term.edit())
	_, perr = e.term.Write([]byte(codePasteOn))
	if err = errors.Join(err, perr); err != nil {
		e.note = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
}
