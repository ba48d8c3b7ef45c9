package repl

import "strings"

// A Collector collects a text line by line and finds out when the statements in it are
// complete. Its time is proportional to the text, since it reads each line once. The zero
// value is ready for use.
type Collector struct {
	text *strings.Builder
	open Missing // what the text lacks; 0: nothing
	nest nesting // of the document that the text ends in
	doc  bool    // it ends in one
}

// Add adds a line, with its line feed. It reports whether the statements are complete; Take
// then returns them.
func (c *Collector) Add(line string) (complete bool) {
	if c.text == nil {
		c.text = &strings.Builder{}
	}
	c.text.WriteString(line)
	switch {
	case c.doc:
		if _, closed := c.nest.read(line); !closed {
			return false
		}
	case c.open == '\'' || c.open == '"':
		if strings.IndexByte(line, byte(c.open)) < 0 {
			return false
		}
	}
	l := &lexer{text: strings.TrimSuffix(c.text.String(), "\n")}
	l.statements()
	c.open, c.doc, c.nest = l.open, l.within, l.nest
	if c.doc && strings.HasSuffix(line, "\n") {
		c.nest.read("\n")
	}
	return c.open == 0
}

// Len is how long the text is, in bytes.
func (c *Collector) Len() int {
	if c.text == nil {
		return 0
	}
	return c.text.Len()
}

// Take returns the text and forgets it.
func (c *Collector) Take() string {
	text := ""
	if c.text != nil {
		text = c.text.String()
	}
	*c = Collector{}
	return text
}
