package repl

import "strings"

// Options are what an Editor calls. Functions are called on one goroutine, while a prompt is
// open; those that are called at each key must return within a millisecond or so. nil
// functions are left out.
type Options struct {
	Prompt   func() (text string, style Style) // for each key
	Complete func(Line) Completion             // on Tab, and on each key while the menu is open
	Inspect  func(Line) Insight                // for each key that changes something
	// Incomplete reports whether a text continues on another line: Enter then begins one.
	Incomplete func(text string) bool
	History    *History
	// Keys are more keys. A function may change the line; it returns text to show above the
	// prompt, or "".
	Keys map[Key]func(Line) (Line, string)
	// Unfold returns what Tab puts in place of the hole under the cursor; ok is false when
	// there is nothing to unfold.
	Unfold func(Line) (text string, ok bool)
	// Blank returns the hole for the value at the cursor; "" for none.
	Blank func(Line) string
	// Quoted reports whether the value for a hole needs quotes.
	Quoted func(hole string) bool
	// Edit changes a text in another program, with the terminal as it was found.
	Edit func(text string) (string, error)
	// Cancel handles Ctrl-C on an empty line. It returns a text to show below.
	Cancel func() string
	// Leave reports whether Ctrl-C leaves, as Ctrl-D does, even when something was typed; nil:
	// it never does.
	Leave func() bool
	// Background handles Ctrl-Z. It returns false when the process is to be suspended.
	Background func() bool
	Colour     bool
	ASCII      bool // no signs beyond ASCII
	Live       bool // the menu opens by itself
	// Ghost shows the rest of the newest line of the history that begins with the text.
	Ghost bool
}

// An Insight is what is known of a line.
type Insight struct {
	Spans []Span // sorted, not overlapping
	Hint  string // one line, shown below the text
	Bad   bool   // the hint is about a mistake
}

// ghost returns the rest of the newest line of the history that begins with the text.
func (o *Options) ghost(l Line) string {
	if !o.Ghost || l.Text == "" || l.Cursor != len(l.Text) {
		return ""
	}
	rest, _, _ := strings.Cut(o.History.after(l.Text), "\n")
	return rest
}

// completes reports whether Tab completes what is being typed: a word has begun that is not
// yet a candidate.
func (o *Options) completes(l Line) bool {
	if o.Complete == nil {
		return false
	}
	c := o.Complete(l)
	if c.From >= l.Cursor || len(c.Items) == 0 {
		return false
	}
	typed := l.Text[c.From:l.Cursor]
	for _, item := range c.Items {
		if strings.TrimRight(item.Text, `" `) == strings.TrimRight(typed, `" `) {
			return false
		}
	}
	return true
}
