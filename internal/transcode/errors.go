package transcode

import (
	"fmt"
	"strings"
)

// maxFaults is how many faults of one document are reported: more than a person reads at once.
const maxFaults = 5

// maxQuoted is how many bytes of a faulty text a problem quotes.
const maxQuoted = 40

// An Error lists the faults of one JSON document in order of their place, from one to five.
type Error struct{ Faults []Fault }

// A Fault is one thing wrong with a JSON document.
type Fault struct {
	// Offset and Length are the bytes of the faulty text, from the start of the
	// document given to the decoder. Length is 0 where something is missing.
	Offset, Length int
	// Line and Column are the place of Offset, 1-based; the column counts runes.
	Line, Column int
	// Path is the field, as in "items[1].qty" or "labels[\"env\"].name"; "" at the top.
	Path string
	// Problem is a sentence without a full stop, as in
	// `Order.big wants int64, "zz" is not a number`.
	Problem string
	// Suggestion is the nearest name to the one that is wrong, or "".
	Suggestion string
	// Incomplete is true when the document ends too early, and more text could make it whole.
	Incomplete bool
}

// Error lists all faults, each with its line and column.
func (e *Error) Error() string {
	var b strings.Builder
	for i := range e.Faults {
		if i > 0 {
			b.WriteString("; ")
		}
		f := &e.Faults[i]
		fmt.Fprintf(&b, "line %d, column %d: %s", f.Line, f.Column, f.Problem)
	}
	return b.String()
}

// The problems of messages that fit their descriptors.
const (
	// Scattered is the problem of a message whose fields come in millions of pieces that would
	// have to be sorted.
	Scattered = "the fields come in too many pieces to be put in order"
	// TooLong is the problem of a message whose JSON is longer than EncodeOptions.MaxSize.
	TooLong = "its JSON is too long to be held in memory"
)

// A WireError is a message that is not what its descriptor says, or that is [Scattered] or
// [TooLong].
type WireError struct {
	// Offset is where the fault is, in bytes from the start of the message given to the
	// encoder.
	Offset int
	// Path is the field, as in Fault.
	Path string
	// Problem is a sentence without a full stop.
	Problem string
}

// Error returns the problem with its place.
func (e *WireError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("byte %d: %s", e.Offset, e.Problem)
	}
	return fmt.Sprintf("%s (byte %d): %s", e.Path, e.Offset, e.Problem)
}

// maxPath is how many levels of a path are shown.
const maxPath = 32
