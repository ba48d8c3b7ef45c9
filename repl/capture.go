package repl

import (
	"strconv"
	"strings"

	prompt "github.com/c-bata/go-prompt"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A capture is the console that go-prompt writes its frames to. It keeps the texts of a frame
// and which of them are bold, and drops cursor movement and colours. A frame begins with
// HideCursor; then come the prefix, the text, and for each row of the menu its text, its
// description and a piece of scroll bar. The selected row is bold. A flush without a frame
// whose last text ends in a line feed is the end of a prompt.
type capture struct {
	editor  *Editor
	inFrame bool
	bold    bool
	texts   []piece
}

type piece struct {
	text string
	bold bool
}

var _ prompt.ConsoleWriter = (*capture)(nil)

// HideCursor begins a frame.
func (c *capture) HideCursor() { c.inFrame, c.texts = true, c.texts[:0] }

// SetColor records what is bold.
func (c *capture) SetColor(_, _ prompt.Color, bold bool) { c.bold = bold }

// WriteStr records a text.
func (c *capture) WriteStr(s string) { c.texts = append(c.texts, piece{s, c.bold}) }

// Flush ends a frame or a prompt.
func (c *capture) Flush() error {
	texts := c.texts
	switch {
	case c.inFrame:
		c.editor.present(texts)
	case len(texts) > 0 && strings.HasSuffix(texts[len(texts)-1].text, "\n"):
		c.editor.ended()
	}
	c.inFrame, c.bold, c.texts = false, false, c.texts[:0]
	return nil
}

// The rest of the console is drawn by the screen.

func (*capture) WriteRaw([]byte)     {}
func (*capture) Write([]byte)        {}
func (*capture) WriteRawStr(string)  {}
func (*capture) EraseScreen()        {}
func (*capture) EraseUp()            {}
func (*capture) EraseDown()          {}
func (*capture) EraseStartOfLine()   {}
func (*capture) EraseEndOfLine()     {}
func (*capture) EraseLine()          {}
func (*capture) ShowCursor()         {}
func (*capture) CursorGoTo(int, int) {}
func (*capture) CursorUp(int)        {}
func (*capture) CursorDown(int)      {}
func (*capture) CursorForward(int)   {}
func (*capture) CursorBackward(int)  {}
func (*capture) AskForCPR()          {}
func (*capture) SaveCursor()         {}
func (*capture) UnSaveCursor()       {}
func (*capture) ScrollDown()         {}
func (*capture) ScrollUp()           {}
func (*capture) SetTitle(string)     {}
func (*capture) ClearTitle()         {}
