// Package yaml prints JSON as YAML while the JSON passes through.
//
// No library is used, as each takes a value of all of a document: this one holds only what is not
// written yet, so that a message may have any size, and keeps the order of keys.
package yaml

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/internal/palette"
)

const (
	// maxDepth is the depth from which everything is in flow style: in block
	// style the indentation of what nests deep would be most of the text.
	maxDepth = 50
	// maxWord is the length from which a string is always quoted, and a key
	// takes the form with a question mark, as YAML 1.2.2 section 8.2.2 demands
	// beyond 1024 characters.
	maxWord = 1000
)

// A Printer is a writer that turns the compact JSON that passes through it
// into YAML 1.2 in block style, with keys in their order. The strings that stay in
// quotes are those of the JSON, which YAML reads alike.
type Printer struct {
	colors *palette.Palette
	b      []byte
	spill  func(b []byte) []byte

	levels  []level // the open objects and arrays
	token   []byte  // a string or scalar that is not complete
	quoted  bool    // in a string
	long    bool    // of which the beginning has been printed
	escaped bool    // after a backslash
	keyed   bool    // after a key and its colon
}

// A level is an object or array that is open.
type level struct {
	object   bool
	flow     bool
	key      bool // an object's next string is a key
	explicit bool // the last key is printed after a question mark
	inline   bool // the first member stands in the line of a dash, or is the first of all
	count    int  // of members that have begun
}

// NewPrinter returns a Printer. Spill writes the text of a large document that is there so far,
// and returns what is to be appended to; nil keeps all of the text.
func NewPrinter(colors *palette.Palette, spill func(b []byte) []byte) *Printer {
	return &Printer{colors: colors, spill: spill}
}

// Start begins a document, which is appended to b.
func (y *Printer) Start(b []byte) {
	*y = Printer{colors: y.colors, spill: y.spill, b: b, levels: y.levels[:0], token: y.token[:0]}
}

// Text returns the text so far, of a document that cannot be finished.
func (y *Printer) Text() []byte { return y.b }

// Finish ends the document and returns its text.
func (y *Printer) Finish() []byte {
	y.endWord()
	return append(y.b, '\n')
}

// Write takes a piece of the JSON of one document.
func (y *Printer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if y.quoted {
			rest = rest[y.inString(rest):]
			continue
		}
		switch c := rest[0]; c {
		case '{', '[':
			y.openLevel(c == '{')
		case '}', ']':
			y.endWord()
			y.closeLevel(c)
		case ',':
			y.endWord()
			l := &y.levels[len(y.levels)-1]
			l.key = l.object
		case ':':
			y.levels[len(y.levels)-1].key = false
		case '"':
			y.quoted = true
			y.token = append(y.token, c)
		default:
			y.token = append(y.token, c)
		}
		rest = rest[1:]
	}
	if len(y.b) >= batch.FlushSize && y.spill != nil {
		y.b = y.spill(y.b)
	}
	return len(p), nil
}

// inString takes the next part of a string and returns its length.
func (y *Printer) inString(p []byte) int {
	n := len(p)
	if y.escaped {
		n, y.escaped = 1, false
	} else if i := bytes.IndexAny(p, `"\`); i >= 0 {
		n = i + 1
		y.quoted = p[i] != '"'
		y.escaped = p[i] == '\\'
	}
	y.token = append(y.token, p[:n]...)
	if !y.quoted {
		y.endString()
	} else if len(y.token) > maxWord {
		y.longString()
		if len(y.b) >= batch.FlushSize && y.spill != nil {
			y.b = y.spill(y.b)
		}
	}
	return n
}

// longString prints the part that is there of a string too long for a plain word.
func (y *Printer) longString() {
	if !y.long {
		y.long = true
		l := y.innermost()
		if l != nil && l.key {
			l.explicit = !l.flow
		}
		y.beginScalar()
		if l != nil && l.key && l.explicit {
			y.b = append(y.b, "? "...)
		}
	}
	y.b = append(y.b, y.token...)
	y.token = y.token[:0]
}

// endString prints a string, or the rest of a long one.
func (y *Printer) endString() {
	l := y.innermost()
	key := l != nil && l.key
	if y.long || len(y.token) > maxWord {
		y.longString()
	} else {
		y.beginScalar()
		text, role := y.token, palette.String
		if key {
			role = palette.Key
		}
		if (l == nil || !l.flow) && isPlain(text[1:len(text)-1]) {
			text = text[1 : len(text)-1]
		}
		y.paint(text, role)
	}
	y.token, y.long = y.token[:0], false
	if !key {
		return
	}
	if l.explicit {
		y.newline(len(y.levels) - 1)
		l.explicit = false
	}
	y.b = append(y.b, ':')
	y.keyed = true
}

// endWord prints a number, true, false or null that has ended.
func (y *Printer) endWord() {
	if len(y.token) == 0 {
		return
	}
	y.beginScalar()
	role := palette.Number
	if c := y.token[0]; c >= 'a' && c <= 'z' {
		role = palette.Word
	} else {
		y.token = number(y.token)
	}
	y.paint(y.token, role)
	y.token = y.token[:0]
}

// number spells a number so that every reader takes it for the same number: a
// negative zero, an exponent, and what is beyond 64 bits need a fraction.
func number(n []byte) []byte {
	e := bytes.IndexAny(n, "eE")
	switch {
	case bytes.IndexByte(n, '.') >= 0:
		return n
	case e >= 0:
		return append(n[:e:e], ".0"+string(n[e:])...)
	case string(n) == "-0", len(n) > len("-9223372036854775808"), len(n) >= 19 && !fits64(string(n)):
		return append(n, ".0"...)
	}
	return n
}

func fits64(n string) bool {
	_, signed := strconv.ParseInt(n, 10, 64)
	_, unsigned := strconv.ParseUint(n, 10, 64)
	return signed == nil || unsigned == nil
}

func (y *Printer) paint(text []byte, role palette.Role) {
	if y.colors == nil {
		y.b = append(y.b, text...)
		return
	}
	y.b = append(append(append(y.b, y.colors.Begin(role)...), text...), y.colors.End()...)
}

func (y *Printer) innermost() *level {
	if len(y.levels) == 0 {
		return nil
	}
	return &y.levels[len(y.levels)-1]
}

// beginScalar prints what stands before a key or a scalar.
func (y *Printer) beginScalar() {
	y.beginMember()
	if y.keyed {
		y.b = append(y.b, ' ')
		y.keyed = false
	}
}

// beginMember prints what stands before a key or an element of an array. Before the value of a
// key that is one space, and before the value at the top it is nothing.
func (y *Printer) beginMember() {
	l := y.innermost()
	if l == nil || y.keyed {
		return
	}
	switch {
	case l.flow && l.count > 0:
		y.b = append(y.b, ", "...)
	case l.flow && l.object:
		y.b = append(y.b, '{')
	case l.flow:
		y.b = append(y.b, '[')
	case l.count > 0 || !l.inline:
		y.newline(len(y.levels) - 1)
	}
	if !l.object && !l.flow {
		y.b = append(y.b, "- "...)
	}
	l.count++
}

// openLevel begins an object or array. Its bracket, or the line of its first
// member, is printed with that member, since without any it is {} or [].
func (y *Printer) openLevel(object bool) {
	y.beginMember()
	next := level{object: object, key: object, flow: len(y.levels) >= maxDepth, inline: !y.keyed}
	if next.flow && y.keyed {
		y.b = append(y.b, ' ')
	}
	y.keyed = false
	y.levels = append(y.levels, next)
}

// closeLevel ends an object or array.
func (y *Printer) closeLevel(c byte) {
	l := *y.innermost()
	y.levels = y.levels[:len(y.levels)-1]
	switch {
	case l.count > 0 && l.flow:
		y.b = append(y.b, c)
	case l.count > 0:
	case l.inline || l.flow:
		y.b = append(y.b, c-2, c) // in ASCII, two apart from its opening bracket
	default:
		y.b = append(y.b, ' ', c-2, c)
	}
}

func (y *Printer) newline(depth int) {
	y.b = append(y.b, '\n')
	for range depth {
		y.b = append(y.b, "  "...)
	}
}

// isPlain reports whether a string needs no quotes. It says no more often than it must, so that
// no reader of any version takes the string for something else.
func isPlain(s []byte) bool {
	if len(s) == 0 || s[len(s)-1] == ' ' || s[0] < 'A' || s[0] == '_' {
		return false
	}
	for _, c := range s {
		if !plainByte(c) {
			return false
		}
	}
	if len(s) > len("false") {
		return true // longer than each of these words
	}
	switch strings.ToLower(string(s)) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf":
		return false
	}
	return true
}

// plainByte reports whether a byte may be in a string without quotes.
func plainByte(c byte) bool {
	switch c {
	case '_', ' ', '.', '/', '-', '+', '@', '(', ')':
		return true
	}
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
