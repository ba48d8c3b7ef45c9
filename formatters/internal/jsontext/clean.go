package jsontext

import (
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// Clean escapes the hidden characters of JSON, which can only be in strings. It returns raw itself
// when there are none.
func Clean(raw []byte) []byte {
	var out []byte
	kept := 0
	for i := 0; i < len(raw); {
		if c := raw[i]; c >= 0x20 && c < 0x7f || c == '\n' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(raw[i:])
		if transcode.Hidden(r) {
			out = appendRune(append(out, raw[kept:i]...), r)
			kept = i + n
		}
		i += n
	}
	if out == nil {
		return raw
	}
	return append(out, raw[kept:]...)
}
