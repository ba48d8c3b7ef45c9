package repl

import "errors"

// ErrNoTerminal means that there is no terminal to edit on: the process has no controlling
// terminal, or this system's is not supported.
var ErrNoTerminal = errors.New("no terminal")

// Codes that the editor sends, besides text and colours.
const (
	codeHideCursor = "\x1b[?25l"
	codeShowCursor = "\x1b[?25h"
	codeEraseDown  = "\x1b[J"
	codeClear      = "\x1b[H\x1b[2J"
	codePasteOn    = "\x1b[?2004h" // pasted text comes between marks
	codePasteOff   = "\x1b[?2004l"
	codeSyncOn     = "\x1b[?2026h" // the terminal shows what follows at once
	codeSyncOff    = "\x1b[?2026l"
)
