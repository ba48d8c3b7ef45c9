package safetext

import (
	"fmt"
	"unicode/utf8"
)

// Cut returns a text as it is, or the first n bytes of it with a note of its size. No
// character is parted. It copies no more than what it returns.
func Cut[T string | []byte](s T, n int) string {
	if len(s) <= n {
		return string(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return WithSize(string(s[:n]), len(s))
}

// WithSize returns the beginning of a text of size bytes, with a note of its size if that is not
// all of it.
func WithSize(text string, size int) string {
	if len(text) == size {
		return text
	}
	return fmt.Sprintf("%s... (cut: %d bytes in all)", text, size)
}
