package formatters

import (
	"fmt"
	"unicode/utf8"
)

// How much of what a server says besides its messages is shown to a person. Formats for
// programs show all of it.
const (
	// MaxText is how much of one text is shown, in bytes.
	MaxText = 8 << 10
	// maxBlock is about how much is shown of a status, or of metadata, in bytes.
	maxBlock = 64 << 10
	// maxRead is the greatest detail that is read for a person, in bytes: the parts of
	// one may take many times its size in memory.
	maxRead = 1 << 20
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
	return cutTo(string(s[:n]), len(s))
}

// cutTo returns the beginning of a text of size bytes, with a note if that is not all of it.
func cutTo(text string, size int) string {
	if len(text) == size {
		return text
	}
	return fmt.Sprintf("%s... (cut: %d bytes in all)", text, size)
}

// full reports whether a block has become long enough, and notes at its end that something
// is left out.
func (b *block) full() bool {
	if b.cut || b.Len() < maxBlock {
		return b.cut
	}
	b.cut = true
	b.WriteString("  ... (cut: --format-error or -o events shows all of it)\n")
	return true
}
