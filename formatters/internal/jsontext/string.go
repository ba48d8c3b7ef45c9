// Package jsontext writes and reads JSON as text, for what needs no values of it: strings with
// every hidden character escaped, colours, indentation, and the parts of JSON that our own encoder
// made.
package jsontext

import (
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string, with every hidden character as \u and
// every byte that is not UTF-8 as the replacement character.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		if c := s[i]; c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		dst = appendRune(dst, r)
		i += n
	}
	return append(dst, '"')
}

// AppendBytes appends any bytes as a JSON string, each as the character U+0000 to U+00FF.
func AppendBytes(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		dst = appendRune(dst, rune(s[i]))
	}
	return append(dst, '"')
}

// appendRune appends a character inside a JSON string.
func appendRune(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if transcode.Hidden(r) {
		return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
	}
	return utf8.AppendRune(dst, r)
}
