package textformat

import (
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

const hexDigits = "0123456789abcdef"

// appendString appends a string of the text format: hidden characters as \u,
// bytes that are not UTF-8 as \x.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r < utf8.RuneSelf:
			dst = appendByte(dst, s[i])
		case r == utf8.RuneError && n == 1:
			dst = appendHex(dst, s[i])
		case transcode.Hidden(r):
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}

// appendBytes appends bytes of the text format: what is not ASCII as \x.
func appendBytes(dst, p []byte) []byte {
	dst = append(dst, '"')
	for _, c := range p {
		dst = appendByte(dst, c)
	}
	return append(dst, '"')
}

func appendByte(dst []byte, c byte) []byte {
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
		return appendHex(dst, c)
	}
	return append(dst, c)
}

func appendHex(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}
