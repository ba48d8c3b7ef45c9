// Package safetext makes text from outside fit to be shown to a person: [Clean] makes visible what
// could deceive a reader or a terminal, and [Cut] shortens what is long.
package safetext

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// Clean returns s with everything visible that could deceive a reader or a terminal: a
// hidden character as \u{9b}, a byte that is not UTF-8 as \xff. Line feeds and
// tabs stay when keepNewlines is set.
func Clean(s string, keepNewlines bool) string {
	i := dirty(s, keepNewlines)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:i])
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case keepNewlines && (r == '\n' || r == '\t') || !transcode.Hidden(r):
			b.WriteString(s[i : i+n])
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
		i += n
	}
	return b.String()
}

// dirty returns the index of the first character that Clean would change, or -1.
func dirty(s string, keepNewlines bool) int {
	for i := 0; i < len(s); {
		if c := s[i]; c >= 0x20 && c < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || transcode.Hidden(r) && !(keepNewlines && (r == '\n' || r == '\t')) {
			return i
		}
		i += n
	}
	return -1
}

// NewCleaner returns a writer that passes everything on to w as Clean returns it, with
// line feeds and tabs kept. A character may come in several writes; what is never
// completed is not written. It must not be used concurrently.
func NewCleaner(w io.Writer) io.Writer { return &cleaner{w: w} }

type cleaner struct {
	w    io.Writer
	part []byte // the beginning of a character
}

func (c *cleaner) Write(p []byte) (int, error) {
	text := append(c.part, p...)
	whole := len(text)
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if last := text[len(text)-i]; utf8.RuneStart(last) {
			if !utf8.FullRune(text[len(text)-i:]) {
				whole -= i
			}
			break
		}
	}
	if _, err := io.WriteString(c.w, Clean(string(text[:whole]), true)); err != nil {
		return 0, err
	}
	c.part = append(c.part[:0], text[whole:]...)
	return len(p), nil
}
