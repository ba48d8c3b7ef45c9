package jsontext

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The functions of this file read JSON that our own encoder made: compact and well formed.

// ValueEnd returns the length of the value at the beginning of s.
func ValueEnd(s []byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(s))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			} else if depth < 0 {
				return i
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// EachMember calls f with each member of an object.
func EachMember(object []byte, f func(key string, value []byte)) {
	for s := inner(object); len(s) > 0; s = afterComma(s) {
		n := ValueEnd(s)
		key := Text(s[:n])
		s = s[min(n+1, len(s)):] // past the colon
		n = ValueEnd(s)
		f(key, s[:n])
		s = s[n:]
	}
}

// EachElement calls f with each element of an array.
func EachElement(array []byte, f func(value []byte)) {
	for s := inner(array); len(s) > 0; s = afterComma(s) {
		n := ValueEnd(s)
		f(s[:n])
		s = s[n:]
	}
}

// inner returns what is between the brackets of an object or array.
func inner(s []byte) []byte {
	if len(s) < 2 {
		return nil
	}
	return s[1 : len(s)-1]
}

// afterComma returns s without the comma that it begins with.
func afterComma(s []byte) []byte {
	if len(s) == 0 {
		return nil
	}
	return s[1:]
}

// Text returns the text of a JSON string, and any other value as it is written.
func Text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return string(value)
	}
	inside := value[1 : len(value)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	text, _ := AppendText(make([]byte, 0, len(inside)), inside, len(inside))
	return string(text)
}

// AppendText appends the text of a JSON string, given without its quotes. It appends whole
// characters, up to most bytes of them. size is that of all of the text, in bytes.
func AppendText(dst, inside []byte, most int) (_ []byte, size int) {
	most += len(dst)
	for len(inside) > 0 {
		plain := inside
		if n := bytes.IndexByte(inside, '\\'); n >= 0 {
			plain = inside[:n]
		}
		inside = inside[len(plain):]
		size += len(plain)
		if n := most - len(dst); len(plain) > n {
			for n > 0 && !utf8.RuneStart(plain[n]) {
				n--
			}
			plain, most = plain[:n], len(dst)+n
		}
		dst = append(dst, plain...)
		if len(inside) == 0 {
			break
		}
		r, n := escape(inside)
		inside = inside[n:]
		n = utf8.RuneLen(r)
		if size += n; len(dst)+n > most {
			most = len(dst)
			continue
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, size
}

// escape returns the character of the escape at the beginning of s, and the escape's length.
func escape(s []byte) (rune, int) {
	if len(s) < 2 {
		return utf8.RuneError, len(s)
	}
	switch s[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default: // a quote, a backslash or a slash
		return rune(s[1]), 2
	}
	r := unit(s)
	if !utf16.IsSurrogate(r) {
		return r, min(6, len(s))
	}
	if r = utf16.DecodeRune(r, unit(s[min(6, len(s)):])); r == utf8.RuneError {
		return r, min(6, len(s))
	}
	return r, 12
}

// unit returns the UTF-16 unit of the \u escape at the beginning of s.
func unit(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// Lookup returns the value at a path of keys in an object, or nil.
func Lookup(value []byte, path []string) []byte {
	for _, name := range path {
		if len(value) == 0 || value[0] != '{' {
			return nil
		}
		var found []byte
		EachMember(value, func(key string, v []byte) {
			if key == name {
				found = v
			}
		})
		value = found
	}
	return value
}
