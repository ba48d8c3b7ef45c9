package formatters

import (
	"io"

	"github.com/rpcctl/rpcctl/formatters/internal/safetext"
)

// How much of what a server says besides its messages is shown to a person. Formats for
// programs show all of it.
const (
	// MaxText is how much of one text is shown, in bytes.
	MaxText = 8 << 10
	// maxBlock is about how much is shown of a status, or of metadata, in bytes.
	maxBlock = 64 << 10
	// maxRead is the size of the greatest detail that is decoded for a person, in bytes: decoded,
	// it may take many times that.
	maxRead = 1 << 20
)

// Clean returns s with everything visible that could deceive a reader or a terminal: a hidden
// character as \u{9b}, a byte that is not UTF-8 as \xff. Line feeds and tabs stay when
// keepNewlines is set. Everything from outside goes through it before it is shown as text.
func Clean(s string, keepNewlines bool) string { return safetext.Clean(s, keepNewlines) }

// CleanLine returns s as Clean does, on one line.
func CleanLine(s string) string { return safetext.Clean(s, false) }

// NewCleaner returns a writer that passes everything on to w as Clean returns it, with line
// feeds and tabs kept. A character may come in several writes; what is never completed is not
// written. It must not be used concurrently.
func NewCleaner(w io.Writer) io.Writer { return safetext.NewCleaner(w) }

// Cut returns a text as it is, or its first n bytes with a note of its size. It parts no
// character, and copies no more than what it returns.
func Cut[T string | []byte](s T, n int) string { return safetext.Cut(s, n) }
