package repl

import (
	"errors"
	"sync"
	"sync/atomic"

	prompt "github.com/c-bata/go-prompt"

	"github.com/rpcctl/rpcctl/internal/palette"
)

// ErrAborted is what Read returns after Abort. The next Read begins with what was typed.
var ErrAborted = errors.New("the prompt was ended")

// ErrHangUp is what Read returns when the terminal is gone.
var ErrHangUp = errors.New("the terminal is gone")

// An Editor is a prompt on the terminal. One goroutine reads; Print, Abort and the methods of
// Screen may be called from any.
type Editor struct {
	*Screen
	terminalOwner
	opts   Options
	parser *parser
	prompt *prompt.Prompt

	// What follows belongs to the goroutine in Read, and to go-prompt's function that it runs.
	line      Line // as the function of a key sees it
	shown     Line // as go-prompt is about to draw it
	last      Line // as it was drawn
	seen      Line // what insight is about
	insight   Insight
	note      string // shown instead of the hint until the next key
	undo      undoStack
	killed    string
	chord     Key // the first key of two
	force     bool
	closing   int  // the length of the text from a quote on that was inserted for a hole
	passed    Line // the line whose hole has shown its menu, and keeps its value
	menu      *menu
	search    *search
	recall    *recall
	pastes    pastes
	endedByUs bool // go-prompt got the end of the prompt

	ending atomic.Pointer[ending]
	endMu  sync.Mutex // held while ending changes, and the parser with it
	next   nextLine
}

// An ending is why a prompt ends other than with a text.
type ending struct {
	err  error
	keep bool // what is drawn stays
}

// Open takes the controlling terminal of the process. The error wraps ErrNoTerminal when there
// is none. Close gives it back.
func Open(o Options) (*Editor, error) {
	t, err := openTerminal()
	if err != nil {
		return nil, err
	}
	e := &Editor{
		opts: o, terminalOwner: terminalOwner{t},
		Screen: &Screen{dev: t, colors: palette.NewScreen(o.Colour), ascii: o.ASCII},
	}
	e.parser = newParser(t, e.Crash)
	if e.opts.History == nil {
		e.opts.History = &History{}
	}
	e.prompt = prompt.New(func(string) {}, e.suggest,
		prompt.OptionParser(e.parser),
		prompt.OptionWriter(&capture{editor: e}),
		prompt.OptionLivePrefix(func() (string, bool) { p, _ := e.prefix(); return p, true }),
		prompt.OptionMaxSuggestion(menuHeight),
		prompt.OptionShowCompletionAtStart(), // so that the text at the start is drawn, too
		prompt.OptionAddASCIICodeBind(prompt.ASCIICodeBind{ASCIICode: chunkKeys, Fn: e.keys}),
		// Only the chunk that ends a prompt does: with any other, go-prompt would keep the
		// choice in its menu for the next prompt, which has no such row.
		prompt.OptionAddKeyBind(prompt.KeyBind{Key: prompt.F24, Fn: func(*prompt.Buffer) { e.endedByUs = true }}),
		prompt.OptionSetExitCheckerOnInput(func(string, bool) bool { return e.endedByUs }),
	)
	if err := t.quiet(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return e, nil
}

// Read reads a text. It returns io.EOF when a person leaves, ErrAborted after Abort, and
// ErrHangUp when the terminal is gone.
func (e *Editor) Read() (string, error) {
	e.begin()
	e.opts.History.touch()
	e.reset()
	_ = prompt.OptionHistory(nil)(e.prompt) // it would keep every text; the history is our own
	text := e.prompt.Input()
	if end := e.ending.Swap(nil); end != nil {
		return "", end.err
	}
	e.last = Line{}
	return e.pastes.expanded(text), nil
}

// begin prepares a prompt. A prompt that was ended before it began ends at once.
func (e *Editor) begin() {
	e.endMu.Lock()
	defer e.endMu.Unlock()
	e.endedByUs = false
	e.parser.drop()
	if e.ending.Load() != nil {
		e.parser.abort()
	}
}

// reset forgets what belongs to the last text.
func (e *Editor) reset() {
	e.seen, e.insight = Line{Cursor: -1}, Insight{}
	e.note, e.chord, e.force = "", "", false
	e.undo, e.search, e.recall = undoStack{}, nil, nil
	e.closing, e.passed = 0, Line{Cursor: -1}
	e.closeMenu()
	if e.next.waiting() {
		e.parser.poke()
	}
}

// Put puts a text into the next prompt, in place of what is there.
func (e *Editor) Put(l Line) { e.next.put(l) }

// Take returns what was typed when the last prompt was aborted, and clears it from the next.
func (e *Editor) Take() string {
	e.Put(Line{})
	return e.pastes.expanded(e.last.Text)
}

// SetLive sets whether the menu opens by itself. It must not be called while a prompt is open.
func (e *Editor) SetLive(live bool) { e.opts.Live = live }

// Refresh draws the prompt again, since the text before it has changed.
func (e *Editor) Refresh() { e.parser.poke() }

// Abort makes the current Read, or else the next one, return ErrAborted.
func (e *Editor) Abort() { e.end(ErrAborted, false) }

// HangUp makes the current Read, or else the next one, return ErrHangUp.
func (e *Editor) HangUp() { e.end(ErrHangUp, true) }

func (e *Editor) end(err error, keep bool) {
	e.endMu.Lock()
	defer e.endMu.Unlock()
	e.ending.CompareAndSwap(nil, &ending{err, keep})
	e.parser.abort()
}

// Close gives the terminal back as it was found. It may be called more than once.
func (e *Editor) Close() error {
	e.Status("")
	return e.term.release()
}

// prefix is what stands before the text.
func (e *Editor) prefix() (string, Style) {
	if e.search != nil {
		return e.search.prefix(), Accent
	}
	if e.opts.Prompt == nil {
		return "> ", Plain
	}
	return e.opts.Prompt()
}

// present draws a frame from go-prompt.
func (e *Editor) present(texts []piece) {
	if len(texts) < 2 {
		return
	}
	_, style := e.prefix()
	v := view{prefix: texts[0].text, prefixStyle: style, line: e.shown}
	e.last = e.shown
	if e.menu != nil {
		e.menu.present(texts[2:], &v)
	}
	if e.search == nil && (v.line != e.seen) && e.opts.Inspect != nil {
		e.insight, e.seen = e.opts.Inspect(v.line), v.line
	}
	if e.search == nil {
		v.spans, v.hint, v.hintStyle = withHoles(e.insight.Spans, v.line), e.insight.Hint, Dim
		if e.insight.Bad {
			v.hintStyle = Bad
		}
	}
	if e.note != "" {
		v.hint, v.hintStyle = e.note, Accent
	}
	if e.search == nil && e.menu == nil {
		v.ghost = e.opts.ghost(v.line)
	}
	e.draw(v)
}

// ended is called when go-prompt ends a prompt.
func (e *Editor) ended() {
	if end := e.ending.Load(); end != nil {
		e.leave(end.keep, "")
		return
	}
	e.leave(true, "")
}

// keys is go-prompt's function for our chunk: it handles all events that have come.
func (e *Editor) keys(b *prompt.Buffer) {
	defer e.parser.done()
	defer func() {
		if r := recover(); r != nil {
			e.Crash(r)
		}
	}()
	doc := b.Document()
	e.line = Line{doc.Text, len(doc.TextBeforeCursor())}
	before := e.line
	if l, ok := e.next.take(); ok {
		e.line = l
	}
	for {
		ev, ok := e.parser.event()
		if !ok {
			break
		}
		e.handle(ev)
	}
	if e.parser.gone() {
		e.end(ErrHangUp, true)
	}
	if e.line != before {
		store(b, e.line)
	}
}

// store puts a line into go-prompt's buffer.
func store(b *prompt.Buffer, l Line) {
	doc := b.Document()
	before := len([]rune(doc.TextBeforeCursor()))
	if n := len([]rune(doc.Text)) - before; n > 0 {
		b.Delete(n)
	}
	if before > 0 {
		b.DeleteBeforeCursor(before)
	}
	b.InsertText(l.Before(), false, true)
	b.InsertText(l.After(), false, false)
}
