package httpwire

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// A jsonScan walks over JSON without copying it. The text may be cut off or wrong anywhere: it
// reads what is before that.
type jsonScan struct {
	text []byte
	pos  int
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *jsonScan) peek() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// skip skips a byte if it is the next one.
func (s *jsonScan) skip(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// value returns the text of the next value, and whether its end is there. It is empty
// where there is no value.
func (s *jsonScan) value() (text []byte, whole bool) {
	first := s.peek()
	began := s.pos
	depth := 0
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			if !s.str() {
				return s.text[began:], false
			}
			if depth == 0 {
				return s.text[began:s.pos], true
			}
			continue
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			if depth == 0 {
				return s.text[began:s.pos], true
			}
			if depth--; depth == 0 {
				s.pos++
				return s.text[began:s.pos], true
			}
		case depth == 0 && bytes.IndexByte([]byte(", \t\r\n:"), c) >= 0:
			return s.text[began:s.pos], true
		}
		s.pos++
	}
	return s.text[began:], depth == 0 && first != '{' && first != '['
}

// str skips a string, and reports whether its end was there.
func (s *jsonScan) str() bool {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\\':
			s.pos++
		case '"':
			s.pos++
			return true
		}
	}
	s.pos = len(s.text)
	return false
}

// members calls each with every member of an object, and stops when it returns false. It
// reports whether the text is an object, as far as it goes.
func members(text []byte, each func(key string, value []byte, whole bool) bool) bool {
	s := &jsonScan{text: text}
	if !s.skip('{') {
		return false
	}
	for s.peek() == '"' {
		key, _ := s.value()
		if !s.skip(':') {
			break
		}
		value, whole := s.value()
		if !each(unquoted(key, true), value, whole) || !s.skip(',') {
			break
		}
	}
	return true
}

// elements calls each with every element of an array that is complete, until it returns
// false.
func elements(text []byte, each func(value []byte) bool) {
	s := &jsonScan{text: text}
	if !s.skip('[') {
		return
	}
	for s.peek() != ']' {
		value, whole := s.value()
		if !whole || len(value) == 0 || !each(value) || !s.skip(',') {
			return
		}
	}
}

// unquoted returns what a string holds, up to where it is cut off when it is not whole.
// A value that is no string is returned as it is written.
func unquoted(text []byte, whole bool) string {
	if len(text) == 0 || text[0] != '"' {
		return string(text)
	}
	inner := text[1:]
	if whole && len(inner) > 0 {
		inner = inner[:len(inner)-1]
	}
	if bytes.IndexByte(inner, '\\') < 0 {
		for i := 0; !whole && i < utf8.UTFMax && len(inner) > 0; i++ {
			if r, n := utf8.DecodeLastRune(inner); r != utf8.RuneError || n != 1 {
				break
			}
			inner = inner[:len(inner)-1]
		}
		return strings.ToValidUTF8(string(inner), "\uFFFD")
	}
	if !whole { // an escape may be cut off
		if i := bytes.LastIndexByte(inner, '\\'); i > len(inner)-len(`\u0000`) {
			for i > 0 && inner[i-1] == '\\' {
				i--
			}
			inner = inner[:i]
		}
		text = append(append([]byte{'"'}, inner...), '"')
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		return strings.ToValidUTF8(string(inner), "\uFFFD")
	}
	return s
}
