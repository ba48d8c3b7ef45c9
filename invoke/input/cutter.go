package input

import (
	"bytes"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// jsonCutter finds the ends of JSON values.
type jsonCutter struct{ transcode.Splitter }

func (c *jsonCutter) feed(p []byte) (int, bool) { return c.Feed(p) }
func (c *jsonCutter) pending() (bool, int)      { return c.Pending(), 0 }
func (c *jsonCutter) announced() int64          { return 0 }

// wholeCutter takes everything as one document.
type wholeCutter struct{}

func (wholeCutter) feed(p []byte) (int, bool) { return len(p), false }
func (wholeCutter) pending() (bool, int)      { return true, 0 }
func (wholeCutter) announced() int64          { return 0 }

// separator stands between the messages of a prototext stream, as with other clients.
const separator = 0x1e

// textCutter ends prototext documents at a separator, which it takes.
type textCutter struct{ seen bool }

func (c *textCutter) feed(p []byte) (int, bool) {
	if i := bytes.IndexByte(p, separator); i >= 0 {
		c.seen = false
		return i + 1, true
	}
	c.seen = c.seen || len(bytes.Trim(p, whiteSpace)) > 0
	return len(p), false
}

func (c *textCutter) pending() (bool, int) { return c.seen, 0 }
func (*textCutter) announced() int64       { return 0 }

// rawCutter ends messages after the length that stands before each as a varint
// (https://protobuf.dev/programming-guides/encoding/#varints).
type rawCutter struct {
	length    uint64
	shift     uint
	body      bool   // the length has been read
	remaining uint64 // of the body
	header    int64
}

// maxVarint is the most bytes that a varint of 64 bits takes.
const maxVarint = 10

func (c *rawCutter) feed(p []byte) (int, bool) {
	for i, b := range p {
		if c.body {
			n := min(c.remaining, uint64(len(p)-i))
			c.remaining -= n
			return i + int(n), c.end()
		}
		c.length |= uint64(b&0x7f) << c.shift
		c.shift += 7
		c.header++
		switch {
		case c.header == maxVarint && b > 1:
			*c = rawCutter{} // more than 64 bits, which decoding will report
			return i + 1, true
		case b < 0x80:
			c.body, c.remaining = true, c.length
			if c.remaining == 0 {
				return i + 1, c.end()
			}
		}
	}
	return len(p), false
}

// end reports whether the body is whole, and if so is ready for the next message.
func (c *rawCutter) end() bool {
	if c.remaining > 0 {
		return false
	}
	*c = rawCutter{}
	return true
}

func (c *rawCutter) pending() (bool, int) { return c.header > 0, 0 }

func (c *rawCutter) announced() int64 {
	if !c.body {
		return 0
	}
	return int64(min(c.length, 1<<62))
}

// yamlCutter ends documents after a line that is "---" or begins so with white space
// after it, or a line "..." (YAML 1.2.2, section 9.1). The marker is part of what it
// takes; what follows it on the line belongs to the next document.
type yamlCutter struct {
	line    int  // how many bytes of the line there were
	mark    byte // the character that the line consists of so far, at most three times; 0 for neither
	blank   bool // the line has only white space, or a comment, so far
	comment bool
	seen    bool // a line that was neither blank nor a comment
	marker  int  // how many bytes of the document cut last are its marker
}

func (c *yamlCutter) feed(p []byte) (int, bool) {
	for i, b := range p {
		if c.line == 3 && c.mark != 0 && isSpace(b) {
			*c = yamlCutter{marker: 4, line: 4}
			if b == '\n' {
				c.line = 0
			}
			return i + 1, true
		}
		c.step(b)
	}
	return len(p), false
}

func (c *yamlCutter) step(b byte) {
	if b == '\n' {
		c.seen = c.seen || !c.blank && c.line > 0
		c.line, c.mark, c.blank, c.comment = 0, 0, false, false
		return
	}
	switch {
	case c.line == 0:
		c.blank = isSpace(b) || b == '#'
		c.comment = b == '#'
		c.mark = 0
		if b == '-' || b == '.' {
			c.mark = b
		}
	case c.blank && !c.comment:
		c.blank = isSpace(b) || b == '#'
		c.comment = b == '#'
	}
	if b != c.mark {
		c.mark = 0
	}
	c.line++
}

// pending keeps the current line: its blanks may indent a mapping.
func (c *yamlCutter) pending() (bool, int) { return c.seen || c.line > 0 && !c.blank, c.line }
func (*yamlCutter) announced() int64       { return 0 }

// markerAtEnd returns the length of the marker that ends a document at the end of the
// input, with no white space after it.
func (c *yamlCutter) markerAtEnd() int {
	if c.line == 3 && c.mark != 0 {
		return 3
	}
	return 0
}

// whiteSpace has no meaning between the tokens of any format.
const whiteSpace = " \t\r\n"

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// leading returns how many bytes of a document are white space and comments before it.
// Comments begin with line, and end with the line, or begin with block, and end with a star
// and a slash; "" is none. within is set when the document begins inside of a comment that
// ends with the line, and open when what was counted ends inside of one.
func leading(doc []byte, line, block string, within bool) (n int, open bool) {
	for n < len(doc) {
		rest := doc[n:]
		switch {
		case within, line != "" && bytes.HasPrefix(rest, []byte(line)):
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				return len(doc), true
			}
			within = false
			n += end + 1
		case isSpace(rest[0]):
			n++
		case block != "" && bytes.HasPrefix(rest, []byte(block)):
			end := bytes.Index(rest[len(block):], []byte("*/"))
			if end < 0 {
				return n, false
			}
			n += end + len(block) + 2
		default:
			return n, false
		}
	}
	return n, within
}
