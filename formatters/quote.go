package formatters

import (
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string, with every hidden character as \u and
// every byte that is not UTF-8 as the replacement character.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		if c := s[i]; c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		dst = appendQuotedRune(dst, r)
		i += n
	}
	return append(dst, '"')
}

// appendQuotedBytes appends s as a JSON string, byte by byte as U+0000 to U+00FF.
func appendQuotedBytes(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		dst = appendQuotedRune(dst, rune(s[i]))
	}
	return append(dst, '"')
}

func appendQuotedRune(dst []byte, r rune) []byte {
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
