package transcode

import (
	"context"
	"encoding/binary"
	"unicode/utf8"
)

// turnsPerLook is how many elements are read between two looks at the context.
const turnsPerLook = 4096

// A lexer reads the tokens of one document, and notes what is wrong with it. It keeps its memory for
// the next document.
type lexer struct {
	in      []byte
	pos     int
	lenient bool // also what a person types
	faults  []Fault

	ctx   context.Context
	turns int   // elements that may still be read until ctx is looked at
	ended error // why reading ended before the document did, other than a fault

	text    []byte  // a string that had escapes
	path    []place // from the top to pos
	closers []byte  // of the objects and arrays that are being skipped
}

// A place is one step of a path: a field, an element, or a map's key.
type place struct {
	f     *field
	index int  // of an element, when f is nil and key is empty
	key   span // in the document
}

// A span is a range of bytes.
type span struct{ start, end int }

// An outcome is the result of reading a value.
type outcome uint8

const (
	stop    outcome = iota // reading cannot go on; the fault is noted
	nothing                // the value was read, and nothing is written for it: it had a fault, or is skipped
	written                // it was read and is in out
)

// peek skips white space, and comments when lenient, and returns the byte at pos: 0 at the
// end of the document. It reports false when a comment does not end.
func (s *lexer) peek() (byte, bool) {
	if s.pos < len(s.in) {
		if c := s.in[s.pos]; c > ' ' && c != '/' {
			return c, true
		}
	}
	return s.space()
}

// space is peek where white space or a comment begins.
func (s *lexer) space() (byte, bool) {
	for s.pos < len(s.in) {
		switch c := s.in[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		case '/':
			if !s.lenient || s.pos+1 == len(s.in) {
				return c, true
			}
			start := s.pos
			switch s.in[s.pos+1] {
			default:
				return c, true
			case '/':
				for s.pos < len(s.in) && s.in[s.pos] != '\n' {
					s.pos++
				}
			case '*':
				s.pos += 4
				for s.pos <= len(s.in) && string(s.in[s.pos-2:s.pos]) != "*/" {
					s.pos++
				}
				if s.pos > len(s.in) {
					s.pos = len(s.in)
					s.note(Fault{Offset: start, Length: 2, Problem: "a comment does not end", Incomplete: true})
					return 0, false
				}
			}
		default:
			return c, true
		}
	}
	return 0, true
}

// A tokenKind says what a token is.
type tokenKind uint8

const (
	wordToken   tokenKind = iota // a number, true, null, or anything else without quotes
	stringToken                  // in quotes
	objectToken                  // the {, which is not taken
	arrayToken                   // the [, which is not taken
)

// A token is a scalar, or where an object or array begins.
type token struct {
	kind tokenKind
	span span   // in the document
	text []byte // without quotes and escapes; until the next token is read
}

// token reads the next token of a value. It reports false when there is none, or it cannot be
// read.
func (s *lexer) token() (t token, ok bool) {
	c, ok := s.peek()
	if !ok {
		return t, false
	}
	t.span = span{s.pos, s.pos + 1}
	switch {
	case c == '{':
		t.kind = objectToken
		return t, true
	case c == '[':
		t.kind = arrayToken
		return t, true
	case c == '"', c == '\'' && s.lenient:
		t.kind = stringToken
		t.text, ok = s.quoted(c)
		t.span.end = s.pos
		return t, ok
	}
	end := s.pos
	for end < len(s.in) && s.isWord(s.in[end]) {
		end++
	}
	if end == s.pos {
		if s.pos == len(s.in) {
			s.incomplete("the document ends where a value should be")
		} else {
			s.fault(s.pos, s.pos+1, "a value should be here, not "+excerpt(s.in[s.pos:runeEnd(s.in, s.pos)]), "")
		}
		return t, false
	}
	t.span.end = end
	t.text = s.in[s.pos:end]
	s.pos = end
	return t, true
}

// isWord reports whether c can be part of a value without quotes.
func (s *lexer) isWord(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
		c == '_', c == '-', c == '+', c == '.', c >= utf8.RuneSelf:
		return true
	case c == ':':
		return s.lenient // as in a time of day
	}
	return false
}

// quoted reads the string at pos, which begins with the quote q. The result is a part of the
// document, or valid until the next string is read.
func (s *lexer) quoted(q byte) ([]byte, bool) {
	start := s.pos
	from := start + 1 // what is not in s.text yet
	escaped := false
	for i := from; ; {
		if q == '"' {
			for i+8 <= len(s.in) && allPlain(binary.LittleEndian.Uint64(s.in[i:])) {
				i += 8
			}
			for i < len(s.in) && isPlain(s.in[i]) {
				i++
			}
		}
		if i >= len(s.in) {
			s.pos = len(s.in)
			s.note(Fault{Offset: start, Length: len(s.in) - start, Problem: "a string does not end", Incomplete: true})
			return nil, false
		}
		switch c := s.in[i]; {
		case c == q:
			s.pos = i + 1
			if !escaped {
				return s.in[from:i], true
			}
			s.text = append(s.text, s.in[from:i]...)
			return s.text, true
		case c == '\\':
			if !escaped {
				s.text, escaped = s.text[:0], true
			}
			s.text = append(s.text, s.in[from:i]...)
			n := s.escape(i)
			if n == 0 {
				return nil, false
			}
			i += n
			from = i
		case c < ' ':
			s.fault(i, i+1, "a string has a control character, which must be written as an escape", "")
			return nil, false
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(s.in[i:])
			if r == utf8.RuneError && n == 1 {
				s.fault(i, i+1, "a string is not valid UTF-8", "")
				return nil, false
			}
			i += n
		}
	}
}

// escape appends the meaning of the escape at i to s.text, and returns its length, 0 when it
// is not valid.
func (s *lexer) escape(i int) int {
	if i+1 == len(s.in) {
		s.incomplete("the document ends inside a string")
		return 0
	}
	c := s.in[i+1]
	switch c {
	case '"', '\\', '/':
	case '\'':
		if !s.lenient {
			s.fault(i, i+2, `a string has the escape \', which JSON does not know`, "")
			return 0
		}
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return s.unicode(i)
	default:
		s.fault(i, runeEnd(s.in, i+1),
			"a string has the escape "+excerpt(s.in[i:runeEnd(s.in, i+1)])+", which JSON does not know", "")
		return 0
	}
	s.text = append(s.text, c)
	return 2
}

// unicode is escape for \u: one, or a pair of surrogates.
func (s *lexer) unicode(i int) int {
	r, ok := s.hex4(i + 2)
	if !ok {
		return 0
	}
	if r < 0xd800 || r > 0xdfff {
		s.text = utf8.AppendRune(s.text, r)
		return 6
	}
	if r < 0xdc00 && i+7 < len(s.in) && s.in[i+6] == '\\' && s.in[i+7] == 'u' {
		low, ok := s.hex4(i + 8)
		if !ok {
			return 0
		}
		if low >= 0xdc00 && low <= 0xdfff {
			s.text = utf8.AppendRune(s.text, (r-0xd800)<<10|(low-0xdc00)+0x10000)
			return 12
		}
	}
	if len(s.in) < i+12 && r < 0xdc00 && !s.closesWithin(i+6) {
		s.incomplete("the document ends inside a string")
		return 0
	}
	s.fault(i, i+6, "a string has half of a surrogate pair: "+excerpt(s.in[i:i+6]), "")
	return 0
}

// closesWithin reports whether the rest of the document, which is short, has a quote.
func (s *lexer) closesWithin(i int) bool {
	for ; i < len(s.in); i++ {
		if s.in[i] == '"' || s.in[i] == '\'' {
			return true
		}
	}
	return false
}

// hex4 reads four hexadecimal digits at i.
func (s *lexer) hex4(i int) (rune, bool) {
	var r rune
	for j := i; j < i+4; j++ {
		if j >= len(s.in) {
			s.incomplete("the document ends inside a string")
			return 0, false
		}
		switch c := s.in[j]; {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			s.fault(i-2, j, `a \u escape wants four hexadecimal digits`, "")
			return 0, false
		}
	}
	return r, true
}

// runeEnd returns the place after the rune at i.
func runeEnd(b []byte, i int) int {
	_, n := utf8.DecodeRune(b[i:])
	return i + n
}

// next moves to the next element of an object or array of which n were read and which ends
// with the byte shut. It returns nothing when it has read that byte, and written when there is
// an element.
func (s *lexer) next(shut byte, n int) outcome {
	if s.late() {
		return stop
	}
	c, ok := s.peek()
	if !ok {
		return stop
	}
	if c == ',' && n > 0 {
		comma := s.pos
		s.pos++
		if c, ok = s.peek(); !ok {
			return stop
		}
		if c == shut && !s.lenient {
			s.fault(comma, comma+1, "a comma with nothing after it", "")
		}
	} else if n > 0 && c != shut && s.pos < len(s.in) {
		s.fault(s.pos, s.pos, "a comma or "+string(shut)+" is missing", "")
		return stop
	}
	switch {
	case c == shut:
		s.pos++
		return nothing
	case s.pos == len(s.in):
		s.incomplete("the document ends before a " + string(shut))
		return stop
	}
	return written
}

// key reads a key and the colon after it.
func (s *lexer) key() (t token, ok bool) {
	c, ok := s.peek()
	if !ok {
		return t, false
	}
	t.span.start = s.pos
	if c == '"' || c == '\'' && s.lenient {
		t.kind = stringToken
		if t.text, ok = s.quoted(c); !ok {
			return t, false
		}
		t.span.end = s.pos
	} else {
		for s.pos < len(s.in) && isKey(s.in[s.pos]) {
			s.pos++
		}
		t.text = s.in[t.span.start:s.pos]
		t.span.end = s.pos
		if len(t.text) == 0 {
			end := runeEnd(s.in, s.pos)
			s.fault(s.pos, end, "a key should be here, not "+excerpt(s.in[s.pos:end]), "")
			return t, false
		}
		if !s.lenient {
			s.fault(t.span.start, t.span.end, "the key "+excerpt(t.text)+" wants double quotes", "")
		}
	}
	if c, ok = s.peek(); !ok {
		return t, false
	}
	if c != ':' {
		if s.pos == len(s.in) {
			s.incomplete("the document ends after a key")
		} else {
			s.fault(s.pos, s.pos, "a colon is missing after the key "+excerpt(s.in[t.span.start:t.span.end]), "")
		}
		return t, false
	}
	s.pos++
	return t, true
}

// isKey reports whether c can be part of a key without quotes.
func isKey(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '@'
}

// skip reads any value and sends nothing. It reports false when it cannot be read.
func (s *lexer) skip() bool {
	base := len(s.closers)
	defer func() { s.closers = s.closers[:base] }()
	n := 0 // elements read in the innermost object or array
	for {
		if len(s.closers) > base {
			shut := s.closers[len(s.closers)-1]
			switch s.next(shut, n) {
			case stop:
				return false
			case nothing:
				s.closers = s.closers[:len(s.closers)-1]
				if len(s.closers) == base {
					return true
				}
				n = 1
				continue
			}
			if shut == '}' {
				if _, ok := s.key(); !ok {
					return false
				}
			}
		}
		t, ok := s.token()
		if !ok {
			return false
		}
		n++
		switch t.kind {
		case objectToken, arrayToken:
			if len(s.closers)-base >= maxDepth {
				s.fault(t.span.start, t.span.end, "values nest deeper than 10000", "")
				return false
			}
			s.closers = append(s.closers, s.in[s.pos]+2) // { to }, [ to ]
			s.pos++
			n = 0
			continue
		case wordToken:
			if !isLiteral(t.text) && !s.lenient {
				s.fault(t.span.start, t.span.end, excerpt(t.text)+" is no JSON value", "")
			}
		}
		if len(s.closers) == base {
			return true
		}
	}
}

// isLiteral reports whether a word is a value of JSON.
func isLiteral(word []byte) bool {
	switch string(word) {
	case "null", "true", "false":
		return true
	}
	return isNumber(word)
}

// late counts an element, and reports whether the context has ended.
func (s *lexer) late() bool {
	if s.turns--; s.turns > 0 {
		return false
	}
	s.turns = turnsPerLook
	s.ended = s.ctx.Err()
	return s.ended != nil
}
