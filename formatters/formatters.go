package formatters

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/internal/nearest"
)

// A maker makes the formatter of one format.
type maker func(w io.Writer, o Options) (Formatter, error)

// formats are all formats, in the order in which they are listed.
var formats = []struct {
	name Format
	make maker
}{
	{JSON, newJSON},
	{NDJSON, newNDJSON},
	{YAML, newYAML},
	{Text, newText},
	{Table, newTable},
	{Raw, newRaw},
	{Events, newEvents},
}

// Formats returns the names of all formats.
func Formats() []Format {
	var names []Format
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// ParseFormat returns the format of the given name. The error is an
// *UnknownFormatError.
func ParseFormat(s string) (Format, error) {
	if slices.Contains(Formats(), Format(s)) {
		return Format(s), nil
	}
	e := &UnknownFormatError{Text: s}
	best := maxDistance
	for _, f := range Formats() {
		if d := nearest.Distance(strings.ToLower(s), string(f), maxDistance); d < best && plausible(s, string(f), d) {
			best, e.Nearest = d, f
		}
	}
	return "", e
}

// plausible reports whether a name may have been meant by a word at an edit distance of d: a small
// distance for its length, and the same beginning unless the distance is 1.
func plausible(word, name string, d int) bool {
	return d == 1 || 2*d <= len(name) && word != "" && strings.EqualFold(word[:1], name[:1])
}

// An UnknownFormatError is a format that does not exist.
type UnknownFormatError struct {
	Text    string
	Nearest Format // what was probably meant, or ""
}

// Error lists the formats that exist.
func (e *UnknownFormatError) Error() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return fmt.Sprintf("no such output format %q: there are %s", e.Text, strings.Join(names, ", "))
}

// New returns a formatter that writes to w.
func New(f Format, w io.Writer, o Options) (Formatter, error) {
	for _, known := range formats {
		if known.name == f {
			if o.Filter != nil {
				return newFiltered(f, w, o)
			}
			return known.make(w, o)
		}
	}
	_, err := ParseFormat(string(f))
	return nil, err
}
