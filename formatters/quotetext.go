package formatters

import (
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

const hexDigits = "0123456789abcdef"

// appendTextString appends a string of the text format: hidden characters as \u,
// bytes that are not UTF-8 as \x.
func appendTextString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r < utf8.RuneSelf:
			dst = appendTextByte(dst, s[i])
		case r == utf8.RuneError && n == 1:
			dst = appendTextHex(dst, s[i])
		case transcode.Hidden(r):
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}

// appendTextBytes appends bytes of the text format: what is not ASCII as \x.
func appendTextBytes(dst, p []byte) []byte {
	dst = append(dst, '"')
	for _, c := range p {
		dst = appendTextByte(dst, c)
	}
	return append(dst, '"')
}

func appendTextByte(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, `\n`...)
	case c == '\r':
		return append(dst, `\r`...)
	case c == '\t':
		return append(dst, `\t`...)
	case c < 0x20 || c >= 0x7f:
		return appendTextHex(dst, c)
	}
	return append(dst, c)
}

func appendTextHex(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}
