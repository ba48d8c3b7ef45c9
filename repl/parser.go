package repl

import (
	"bytes"
	"errors"
	"sync"
	"time"

	prompt "github.com/c-bata/go-prompt"
)

// escapeTime is how long after an escape the rest of a sequence may come: a terminal sends it
// in one piece, and only a network parts it.
const escapeTime = 25 * time.Millisecond

// hugeWindow is the size of the window that go-prompt is given, so that it neither wraps nor
// scrolls.
const hugeWindow = 65000

// errAgain is the error for go-prompt's reader when there is nothing to read. It waits and
// tries again.
var errAgain = errors.New("nothing to read")

// Chunks for go-prompt. chunkKeys is two bytes that no terminal sends and that are not UTF-8:
// the editor's function is bound to it. The others are keys of go-prompt.
var (
	chunkKeys  = []byte{0xff, 0x01}
	chunkEnter = []byte{'\r'}
	chunkAbort = []byte("\x1b[\x24;2~") // F24
	chunkNext  = []byte{'\t'}
	chunkPrev  = []byte("\x1b[Z")
)

func endsPrompt(chunk []byte) bool {
	return bytes.Equal(chunk, chunkEnter) || bytes.Equal(chunk, chunkAbort)
}

// A parser is the keyboard from which go-prompt reads.
type parser struct {
	term *terminal
	dec  decoder

	mu      sync.Mutex
	handled sync.Cond // of mu: handling has become false
	events  []event   // read and not handled
	chunks  [][]byte  // to return before any event
	// The lock-step: handling is set until the editor's function has run, and over from the
	// end of a prompt to the beginning of the next.
	handling, over bool
	aborting       bool // the prompt is about to end: what is typed belongs to the next one
	menu           bool // the menu is open: go-prompt handles its keys
	poked          bool // the editor's function is to run without an event
	lost           bool // the terminal is gone
	onPanic        func(any)
}

func newParser(t *terminal, onPanic func(any)) *parser {
	p := &parser{term: t, over: true, onPanic: onPanic}
	p.handled.L = &p.mu
	return p
}

// Setup begins a prompt.
func (p *parser) Setup() error {
	p.mu.Lock()
	p.over = false
	p.mu.Unlock()
	if err := p.term.edit(); err != nil {
		return err
	}
	_, err := p.term.Write([]byte(codePasteOn))
	return err
}

// TearDown ends a prompt. What is typed from now on waits for the next one.
func (p *parser) TearDown() error {
	if _, err := p.term.Write([]byte(codePasteOff)); err != nil {
		return err
	}
	return p.term.quiet()
}

// GetWinSize returns a window without end.
func (*parser) GetWinSize() *prompt.WinSize { return &prompt.WinSize{Row: hugeWindow, Col: hugeWindow} }

// Read returns the next chunk. It runs in a goroutine of go-prompt.
func (p *parser) Read() (chunk []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.onPanic(r)
		}
	}()
	for {
		p.mu.Lock()
		for p.handling && !p.aborting {
			p.handled.Wait()
		}
		chunk = p.take()
		over := p.over || p.aborting
		p.mu.Unlock()
		switch {
		case chunk != nil:
			return chunk, nil
		case over:
			return nil, errAgain
		}
		p.fill()
	}
}

// take returns the next chunk, nil when there is none.
func (p *parser) take() []byte {
	switch {
	case p.over:
		return nil
	case len(p.chunks) > 0:
		c := p.chunks[0]
		p.chunks = p.chunks[1:]
		p.over = endsPrompt(c)
		return c
	case p.aborting:
		return nil // what was typed belongs to the next prompt
	case p.menuKey() != nil:
		c := p.menuKey()
		p.events = p.events[1:]
		return c
	case len(p.events) > 0 || p.lost || p.poked:
		p.handling, p.poked = true, false
		return chunkKeys
	}
	return nil
}

// menuKey returns the chunk for a key that moves in the open menu, if that key comes next. It
// must not go through the editor's function: go-prompt takes every chunk but these as the end
// of a choice.
func (p *parser) menuKey() []byte {
	if !p.menu || len(p.events) == 0 {
		return nil
	}
	switch p.events[0].key {
	case "Tab", "Down", "C-n":
		return chunkNext
	case "S-Tab", "Up", "C-p":
		return chunkPrev
	}
	return nil
}

// fill waits for input and decodes it.
func (p *parser) fill() {
	var limit time.Duration
	if p.dec.pending() {
		limit = escapeTime
	}
	readable, err := p.term.wait(limit)
	var events []event
	switch {
	case err != nil:
		p.lose()
	case readable:
		var buf [4096]byte
		n, err := p.term.read(buf[:])
		if err != nil {
			p.lose()
		}
		if p.dec.pasting && onlyInterrupts(buf[:n]) {
			events = p.dec.feed(pasteEnd)
		}
		events = append(events, p.dec.feed(buf[:n])...)
	case limit > 0:
		events = p.dec.flush()
	}
	p.mu.Lock()
	p.events = append(p.events, events...)
	p.mu.Unlock()
}

// onlyInterrupts reports whether what was read is Ctrl-C and nothing else. A paste comes in
// larger pieces, so this is a person who wants to leave one whose end never came, since
// another program read it.
func onlyInterrupts(read []byte) bool {
	return len(read) > 0 && len(bytes.Trim(read, "\x03")) == 0
}

func (p *parser) lose() {
	p.mu.Lock()
	p.lost = true
	p.mu.Unlock()
}

// inject returns a chunk before all that was typed. It may be called from any goroutine.
func (p *parser) inject(chunk []byte) {
	p.mu.Lock()
	p.chunks = append(p.chunks, chunk)
	p.mu.Unlock()
	p.term.wake()
}

// abort ends the prompt, after the chunks before it.
func (p *parser) abort() {
	p.mu.Lock()
	p.aborting = true
	p.mu.Unlock()
	p.handled.Broadcast()
	p.inject(chunkAbort)
}

// event takes the next event for the editor's function. ok is false when there is none, or
// go-prompt gets something else first.
func (p *parser) event() (e event, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.events) == 0 || len(p.chunks) > 0 || p.menuKey() != nil {
		return event{}, false
	}
	e = p.events[0]
	p.events = p.events[1:]
	return e, true
}

// poke makes the editor's function run as if something had been typed.
func (p *parser) poke() {
	p.mu.Lock()
	p.poked = true
	p.mu.Unlock()
	p.term.wake()
}

// setMenu records whether the menu is open.
func (p *parser) setMenu(open bool) {
	p.mu.Lock()
	p.menu = open
	p.mu.Unlock()
}

// done records that the editor's function has run.
func (p *parser) done() {
	p.mu.Lock()
	p.handling = false
	p.mu.Unlock()
	p.handled.Broadcast()
}

// gone reports whether the terminal is gone and all that came from it is handled.
func (p *parser) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost && len(p.events) == 0
}

// drop forgets what is left of a prompt that ended in another way.
func (p *parser) drop() {
	p.mu.Lock()
	p.chunks, p.handling, p.aborting = nil, false, false
	p.mu.Unlock()
}
